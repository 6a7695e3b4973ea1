// What every screen has: appearance, language, the folded menu, rows that open, and keys.
"use strict";

(function () {
  const theme = document.getElementById("mk-theme");
  if (theme) {
    theme.addEventListener("change", async () => {
      if (theme.value) document.documentElement.dataset.theme = theme.value;
      else delete document.documentElement.dataset.theme;
      const answer = await fetch(theme.form.action, { method: "POST", body: new FormData(theme.form), redirect: "manual", keepalive: true });
      if (answer.type !== "opaqueredirect") theme.form.requestSubmit(); // which says why not
    });
  }
  const language = document.getElementById("mk-language");
  if (language) {
    language.addEventListener("change", () => language.form.requestSubmit());
  }
  // Back to the list as it was: its search and its page.
  const back = document.querySelector("a[data-back]");
  if (back && document.referrer) {
    const from = new URL(document.referrer);
    if (from.origin === location.origin && from.pathname === new URL(back.href).pathname) back.href = from.href;
  }
  const fold = document.getElementById("mk-fold");
  if (fold)
    fold.addEventListener("click", () => {
      const open = fold.getAttribute("aria-expanded") === "true";
      fold.setAttribute("aria-expanded", String(!open));
      document.getElementById("mk-nav").classList.toggle("open", !open);
    });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, select, label") && !String(getSelection())) location.assign(row.dataset.href);
    document.querySelectorAll("details.mk-saved[open], details.mk-save[open]").forEach((open) => {
      if (!open.contains(event.target)) open.open = false;
    });
  });

  // --- seconds in which something can be undone: its button goes with the last ---------------------------------------------------
  const counting = setInterval(() => {
    const left = [...document.querySelectorAll("[data-countdown]")];
    if (!left.length) clearInterval(counting);
    for (const each of left) {
      each.textContent = Math.max(0, Number(each.textContent) - 1);
      if (each.textContent === "0") each.closest("button").remove();
    }
  }, 1000);

  // --- keys: / searches, j and k move along the rows, Enter opens --------------------------------------------------------------
  let at = -1;
  function move(step) {
    const rows = [...document.querySelectorAll("tr[data-href]")];
    if (!rows.length) return;
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    const link = rows[at].querySelector("a");
    rows.forEach((row, number) => row.classList.toggle("mk-at", number === at));
    if (link) link.focus();
    rows[at].scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search], .mk-finder .form-control");
      if (search) {
        event.preventDefault();
        const folded = search.closest("details");
        if (folded) folded.open = true;
        search.focus();
        if (search.select) search.select();
      }
    } else if (event.key === "j" || event.key === "k") {
      move(event.key === "j" ? 1 : -1);
    }
  });
})();
