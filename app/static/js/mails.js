// The mail log: filters that fit their field, new rows by themselves, statistics beside the list.
"use strict";

(function () {
  const search = document.getElementById("mk-search");
  if (!search) return;

  // --- filters ---------------------------------------------------------------------------------------------------------------
  const offered = new Map(JSON.parse(search.dataset.offered).map((field) => [field.name, field]));
  const rows = search.querySelector(".mk-filter-rows");
  const blank = rows.querySelector(".mk-filter:last-of-type").cloneNode(true);

  function fit(row) {
    const [field, op, value] = row.querySelectorAll("select, input");
    const chosen = offered.get(field.value);
    op.hidden = value.hidden = !chosen;
    if (!chosen) return;
    const before = op.value;
    op.replaceChildren(...chosen.ops.map((each) => new Option(each.label, each.name, false, each.name === before)));
    value.hidden = op.value === "empty";
    value.placeholder = chosen.ops.find((each) => each.name === op.value).hint;
    const id = "mk-choices-" + chosen.name;
    if (chosen.choices.length && !document.getElementById(id)) {
      const list = document.createElement("datalist");
      list.id = id;
      list.append(...chosen.choices.map((choice) => new Option(choice, choice)));
      search.append(list);
    }
    if (chosen.choices.length) value.setAttribute("list", id);
    else value.removeAttribute("list");
  }

  function prepare(row) {
    const remove = row.querySelector(".mk-remove");
    remove.hidden = false;
    remove.addEventListener("click", () => row.remove());
    row.querySelectorAll("select").forEach((select) => select.addEventListener("change", () => fit(row)));
    fit(row);
  }

  rows.querySelectorAll(".mk-filter").forEach(prepare);
  const add = document.getElementById("mk-add");
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = blank.cloneNode(true);
    add.closest("p").before(row);
    prepare(row);
    row.querySelector("select").focus();
  });

  document.querySelectorAll("form[data-autosubmit] input[type=date]").forEach((input) => {
    input.form.querySelector("button").hidden = true;
    input.addEventListener("change", () => input.value && input.form.submit());
  });

  // --- statistics ------------------------------------------------------------------------------------------------------------
  const link = document.getElementById("mk-statistics-link");
  const place = document.getElementById("mk-statistics");
  if (link) link.addEventListener("click", async (event) => {
    event.preventDefault();
    if (!place.hidden) {
      place.hidden = true;
      return;
    }
    const answer = await fetch(link.href, { headers: { "X-Fragment": "1" } });
    if (!answer.ok || answer.redirected) location.assign(link.href);
    else place.innerHTML = await answer.text();
    place.hidden = false;
  });

  // --- new rows ----------------------------------------------------------------------------------------------------------------
  const live = document.getElementById("mk-live");
  const table = document.getElementById("mk-mails");
  const body = table.tBodies[0];
  const most = 500;
  let timer = 0;

  function place_row(row) {
    if (body.querySelector(`tr[data-id="${CSS.escape(row.dataset.id)}"]`)) return;
    const id = BigInt(row.dataset.id);
    const older = [...body.rows].find((each) => BigInt(each.dataset.id) < id);
    row.classList.add("mk-new");
    body.insertBefore(row, older || null);
  }

  async function poll() {
    if (!document.hidden) {
      try {
        const url = new URL(live.dataset.url, location.href);
        url.searchParams.set("after", body.dataset.newest === "0" ? "1" : body.dataset.newest);
        const answer = await fetch(url, { headers: { "X-Background": "1" } });
        if (answer.redirected || answer.status === 401) location.reload();
        if (answer.ok) {
          const found = await answer.json();
          if (found.more) {
            location.reload();
            return;
          }
          const template = document.createElement("template");
          template.innerHTML = found.rows;
          template.content.querySelectorAll("tr").forEach(place_row);
          while (body.rows.length > most) body.deleteRow(-1);
          body.dataset.newest = found.newest;
          table.hidden = !body.rows.length;
          const empty = document.getElementById("mk-empty");
          if (empty) empty.hidden = !table.hidden;
        }
      } catch {
        // The server is away for a moment: the next turn asks again.
      }
    }
    timer = setTimeout(poll, 5000);
  }

  if (live) {
    live.checked = localStorage.getItem("mk-live") === "1";
    live.addEventListener("change", () => {
      localStorage.setItem("mk-live", live.checked ? "1" : "0");
      clearTimeout(timer);
      if (live.checked) poll();
    });
    if (live.checked) timer = setTimeout(poll, 5000);
  }
})();
