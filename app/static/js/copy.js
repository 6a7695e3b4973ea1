// A button that copies what stands in a field. Without TLS browsers have no clipboard for pages: then the field is selected, and copied the old way.
"use strict";

document.querySelectorAll("[data-copy]").forEach((button) =>
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.focus();
    field.select();
    let copied;
    try {
      await navigator.clipboard.writeText(field.value);
      copied = true;
    } catch {
      copied = document.execCommand("copy");
    }
    if (copied) button.querySelector("span").textContent = button.dataset.copied;
  }),
);
