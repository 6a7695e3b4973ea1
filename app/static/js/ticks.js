// Ticks of the mail list: all on this page at once, how many there are, and the key x.
"use strict";

(function () {
  const bar = document.getElementById("mk-bulk");
  const table = document.getElementById("mk-mails");
  if (!bar || !table) return;
  const all = document.getElementById("mk-all");
  const here = [document.getElementById("mk-all-here"), document.getElementById("mk-all-head")].filter(Boolean);
  const told = document.getElementById("mk-ticked");
  const ticks = () => [...table.querySelectorAll('tbody input[name="id"]')];

  function tell() {
    const there = ticks();
    const ticked = there.filter((each) => each.checked).length;
    const chosen = all.checked || ticked > 0;
    bar.querySelectorAll(".mk-bulk-acts button").forEach((each) => { each.disabled = !chosen; });
    told.textContent = all.checked || !ticked ? "" : ticked === 1 ? told.dataset.one : told.dataset.many.replace("#", ticked);
    here.forEach((each) => {
      each.checked = ticked > 0 && ticked === there.length;
      each.indeterminate = ticked > 0 && ticked < there.length;
    });
  }

  here.forEach((each) => {
    each.closest("[hidden]")?.removeAttribute("hidden");
    each.addEventListener("change", () => {
      ticks().forEach((tick) => { tick.checked = each.checked; });
      tell();
    });
  });
  all.addEventListener("change", tell);
  table.addEventListener("change", tell);
  new MutationObserver(tell).observe(table.tBodies[0], { childList: true });
  // A browser that comes back to the page ticks what was ticked.
  addEventListener("pageshow", tell);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const tick = (event.target.closest("#mk-mails tr") || table.querySelector("tr.mk-at"))?.querySelector('input[name="id"]');
    if (!tick) return;
    tick.checked = !tick.checked;
    tell();
  });
  tell();
})();
