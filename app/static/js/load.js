// Pieces of a page that come after it. Each place holds a link to the same address for browsers without scripts.
"use strict";

async function load(place, address, isAgain) {
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { "X-Fragment": "1" } });
    const text = await answer.text();
    if (isAgain && (answer.status === 429 || answer.status >= 500)) throw new Error(`busy: ${answer.status}`);
    if (answer.ok && !answer.redirected) {
      place.innerHTML = text;
      goOn(place, address);
    } else {
      const page = new DOMParser().parseFromString(text, "text/html");
      const said = page.querySelector(".mk-error p");
      if (said) place.textContent = said.textContent;
    }
  } finally {
    place.removeAttribute("aria-busy");
  }
}

// A piece that is not at its end says in how many seconds it is worth asking again; numbers of seconds count down meanwhile.
// Where the server is busy or away, what stands there stays, and it is asked less and less often.
function goOn(place, address, failed = 0) {
  const again = place.querySelector("[data-load-again]");
  if (!again) return;
  const counting = setInterval(
    () => place.querySelectorAll("[data-seconds]").forEach((each) => { each.textContent = Math.max(0, Number(each.textContent) - 1); }),
    1000,
  );
  setTimeout(() => {
    clearInterval(counting);
    load(place, address, true).catch(() => goOn(place, address, failed + 1));
  }, (failed ? 2 ** Math.min(failed, 6) : Number(again.dataset.loadAgain)) * 1000);
}

document.querySelectorAll("[data-load]").forEach((place) => load(place, place.dataset.load));
document.querySelectorAll("details[data-load-open]").forEach((details) =>
  details.addEventListener("toggle", () => load(details.querySelector("div"), details.dataset.loadOpen), { once: true }),
);
