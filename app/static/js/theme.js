// Before anything else: the time zone the server shows times in, where the account names no other.
"use strict";

(function () {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const start = new URL("../../", document.currentScript.src).pathname;
  if (zone) document.cookie = `mk_zone=${zone}; path=${start}; max-age=31536000; SameSite=Lax`;
})();
