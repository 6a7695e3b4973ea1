// Pieces of a page that come after it. Each place holds a link to the same address for browsers without scripts.
"use strict";

async function load(place, address) {
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { "X-Fragment": "1" } });
    const text = await answer.text();
    if (answer.ok && !answer.redirected) {
      place.innerHTML = text;
    } else {
      const page = new DOMParser().parseFromString(text, "text/html");
      const said = page.querySelector(".mk-error p");
      if (said) place.textContent = said.textContent;
    }
  } finally {
    place.removeAttribute("aria-busy");
  }
}

document.querySelectorAll("[data-load]").forEach((place) => load(place, place.dataset.load));
document.querySelectorAll("details[data-load-open]").forEach((details) =>
  details.addEventListener("toggle", () => load(details.querySelector("div"), details.dataset.loadOpen), { once: true }),
);
