// FAB's screens: what asks before it is done, rows that are ticked, choosing many of many, and conditions of a search.
"use strict";

(function () {
  // --- questions before the deed -----------------------------------------------------------------------------------------
  const dialog = document.getElementById("mk-confirm");

  function ask(question) {
    return new Promise((resolve) => {
      document.getElementById("mk-confirm-text").textContent = question;
      dialog.returnValue = "";
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
      dialog.showModal();
    });
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    if (form.dataset.agreed) return;
    if (button && button.dataset.needsRows && !document.querySelector("input[name=rowid]:checked, [data-all-rows]:checked")) {
      event.preventDefault();
      button.setCustomValidity(button.dataset.needsRows);
      button.reportValidity();
      button.setCustomValidity("");
      return;
    }
    const question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (!question || !dialog) return;
    event.preventDefault();
    if (await ask(question)) {
      form.dataset.agreed = "yes";
      form.requestSubmit(button && button.form === form ? button : undefined);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]"))
      document.querySelectorAll("input[name=rowid]").forEach((tick) => { tick.checked = event.target.checked; });
  });

  // --- many of many: ticks with a box that narrows them down, instead of a list one has to hold Ctrl in ---------------------
  function chooser(select) {
    const box = document.createElement("fieldset");
    box.className = "mk-chooser";
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const legend = document.createElement("legend");
    legend.className = "sr-only";
    legend.textContent = label ? label.textContent : select.name;
    box.append(legend);
    const rows = [...select.options].map((option) => {
      const row = document.createElement("label");
      const tick = document.createElement("input");
      tick.type = "checkbox";
      tick.checked = option.selected;
      tick.addEventListener("change", () => { option.selected = tick.checked; });
      row.append(tick, ` ${option.text}`);
      return row;
    });
    rows.sort((one, other) => other.firstChild.checked - one.firstChild.checked || one.textContent.localeCompare(other.textContent));
    if (rows.length > 8) {
      const narrow = document.createElement("input");
      narrow.className = "form-control";
      narrow.placeholder = document.body.dataset.narrow || "";
      narrow.setAttribute("aria-label", narrow.placeholder);
      narrow.addEventListener("input", () => {
        const wanted = narrow.value.toLowerCase();
        rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
      });
      narrow.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
      box.append(narrow);
    }
    const list = document.createElement("div");
    list.tabIndex = 0;
    list.append(...(rows.length ? rows : ["–"]));
    box.append(list);
    select.hidden = true;
    select.after(box);
  }
  document.querySelectorAll(".mk-form select[multiple]").forEach(chooser);

  // --- one of very many: a box above the list that narrows it down --------------------------------------------------------
  function narrowed(select) {
    const all = [...select.options];
    const narrow = document.createElement("input");
    narrow.className = "form-control";
    narrow.type = "search";
    narrow.placeholder = document.body.dataset.narrow || "";
    narrow.setAttribute("aria-label", narrow.placeholder);
    narrow.addEventListener("input", () => {
      const wanted = narrow.value.trim().toLowerCase();
      select.replaceChildren(...all.filter((option) => option.selected || !option.value || option.text.toLowerCase().includes(wanted)));
    });
    narrow.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    select.size = 6;
    select.before(narrow);
  }
  document.querySelectorAll("select[data-narrowed]").forEach(narrowed);

  // --- conditions of a search ---------------------------------------------------------------------------------------------
  function finder(form) {
    let made = 0;
    function add(column, operator, value) {
      const template = form.querySelector(`template[data-column="${CSS.escape(column)}"]`);
      if (!template) return;
      const row = template.content.firstElementChild.cloneNode(true);
      const choice = row.querySelector("[data-operator]");
      const field = row.querySelector("[data-value] input, [data-value] select, [data-value] textarea");
      field.id = `find-${++made}`;
      field.setAttribute("aria-label", row.querySelector("[data-value]").getAttribute("aria-label"));
      if (operator !== undefined) [...choice.options].forEach((option) => { option.selected = option.text === operator; });
      if (value !== undefined && field.type === "checkbox") field.checked = value === "y" || value === "True";
      else if (value !== undefined) field.value = value;
      const name = () => { field.name = `_flt_${choice.value}_${column}`; };
      choice.addEventListener("change", name);
      name();
      row.querySelector("[data-remove]").addEventListener("click", () => row.remove());
      form.querySelector("[data-rows]").append(row);
      if (operator === undefined) field.focus();
    }
    for (const [column, operator, value] of JSON.parse(form.dataset.active || "[]"))
      (Array.isArray(value) ? value : [value]).forEach((each) => add(column, operator, each));
    const more = form.querySelector("[data-add]");
    more.addEventListener("change", () => {
      if (more.value) add(more.value);
      more.value = "";
    });
    const around = form.closest("details");
    if (around && form.querySelector(".mk-finder-row")) around.open = true;
  }
  document.querySelectorAll(".mk-finder").forEach(finder);
})();
