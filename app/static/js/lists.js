// Maps: from a line that is told of to the same line of the text; and what a value would have hit, before it is saved.
"use strict";

(function () {
  const text = document.getElementById("text");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    if (!link || !text) return;
    event.preventDefault();
    const lines = text.value.split("\n");
    const number = Math.min(Number(link.dataset.line), lines.length) - 1;
    const start = lines.slice(0, number).reduce((sum, line) => sum + line.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + lines[number].length);
    const height = parseFloat(getComputedStyle(text).lineHeight) || 18;
    text.scrollTop = Math.max(0, (number - 3) * height);
    text.scrollIntoView({ block: "nearest" });
  });

  document.querySelectorAll("a[data-try]").forEach((link) =>
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const form = document.querySelector("form.mk-form");
      const place = document.getElementById(link.dataset.try);
      const address = new URL(link.href);
      for (const name of ["value", "sender", "rcpt", "data"])
        if (form.elements[name] && form.elements[name].value) address.searchParams.set(name, form.elements[name].value);
      place.setAttribute("aria-busy", "true");
      link.setAttribute("aria-disabled", "true");
      try {
        const answer = await fetch(address, { headers: { "X-Fragment": "1" } });
        const text = await answer.text();
        if (answer.redirected || !(answer.ok || answer.status === 400)) location.assign(address);
        else place.innerHTML = text;
      } finally {
        place.removeAttribute("aria-busy");
        link.removeAttribute("aria-disabled");
      }
    }),
  );
})();
