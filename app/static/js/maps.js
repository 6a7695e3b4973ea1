// Maps: which part of a mail goes with which values, and whether a regular expression matches a sample.
"use strict";

(function () {
  const settings = document.querySelector("form[data-pairings]");
  if (settings) {
    const pairings = JSON.parse(settings.dataset.pairings);
    const [kind, part, colour] = ["kind", "part", "colour"].map((id) => document.getElementById(id));
    const parts = [...part.options];
    const fit = () => {
      const offered = pairings[kind.value] || [];
      parts.forEach((option) => { option.hidden = option.disabled = !offered.includes(option.value); });
      if (!offered.includes(part.value)) part.value = offered[0];
      const proves = ["mail_from", "mime_from"].includes(part.value) && colour.value === "allow";
      settings.querySelectorAll("[data-when-part]").forEach((row) => { row.hidden = part.value !== row.dataset.whenPart; });
      settings.querySelectorAll("[data-unless-part]").forEach((row) => { row.hidden = part.value === row.dataset.unlessPart; });
      settings.querySelectorAll("[data-when-proof]").forEach((row) => { row.hidden = !proves; });
    };
    const score = document.getElementById("score");
    colour.addEventListener("change", () => {
      const points = Number(score.value.replace(",", "."));
      if ((colour.value === "allow" && points > 0) || (colour.value === "deny" && points < 0)) score.value = String(-points);
    });
    [kind, part, colour].forEach((field) => field.addEventListener("change", fit));
    fit();
  }

  const sample = document.querySelector("[data-matches]");
  if (sample) {
    const said = document.getElementById("sample-said");
    const hint = said.textContent;
    let timer = 0;
    let asked = 0;
    const ask = async () => {
      const mine = ++asked;
      if (!sample.value) { said.textContent = hint; said.className = "help-block"; return; }
      const body = new FormData(sample.form);
      body.set("sample", sample.value);
      try {
        const answer = await fetch(sample.dataset.matches, { method: "POST", body, headers: { "X-Fragment": "1" } });
        const told = await answer.json();
        if (mine !== asked) return;
        said.textContent = told.said;
        said.className = `mk-note ${told.tone}`;
      } catch (error) {
        if (mine === asked) said.textContent = hint;
      }
    };
    const soon = () => { clearTimeout(timer); timer = setTimeout(ask, 300); };
    sample.addEventListener("input", soon);
    sample.form.elements.value.addEventListener("input", soon);
  }
})();
