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
      const field = document.getElementById(link.dataset.try);
      const place = document.getElementById(link.dataset.tryInto);
      const address = new URL(link.href);
      address.searchParams.set("value", field.value);
      place.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(address, { headers: { "X-Fragment": "1" } });
        if (answer.redirected) location.assign(address);
        else place.innerHTML = await answer.text();
      } catch {
        location.assign(address);
      }
      place.removeAttribute("aria-busy");
    }),
  );
})();
