// Recovery codes: copied or printed. Without this script they can be read and downloaded.
"use strict";

(function () {
  const copy = document.querySelector("[data-copy]");
  if (copy && navigator.clipboard) {  // only over TLS, and on this machine
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent);
      copy.querySelector("span").textContent = copy.dataset.done;
    });
  }
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
})();
