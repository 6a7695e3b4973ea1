// Before anything is painted: the appearance that was chosen, and the time zone the server shows times in.
"use strict";

(function () {
  const chosen = localStorage.getItem("mk-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const start = new URL("../../", document.currentScript.src).pathname;
  if (zone) document.cookie = `mk_zone=${zone}; path=${start}; max-age=31536000; SameSite=Lax`;
})();
