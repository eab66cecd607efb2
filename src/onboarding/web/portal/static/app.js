// What every page has: times in the viewer's zone, and the name of that zone for forms that ask for days.

import { showTimes } from "./times.js";

showTimes();

for (const field of document.querySelectorAll("input[data-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// One open question at a time, and Escape closes it.
for (const details of document.querySelectorAll("details.confirm")) {
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}

// A form that is sent twice would do its work twice.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) setTimeout(() => (button.disabled = true));
  });
}
// A page that the browser brings back from its memory must not stay locked.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll('form[method="post"] button')) button.disabled = false;
});

// What is shown once is best not typed.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const shown = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(shown.textContent);
      button.textContent = "Copied";
    } catch {
      // A browser that forbids it still lets its user copy what is selected.
      window.getSelection().selectAllChildren(shown);
      button.textContent = "Press Ctrl+C";
    }
  });
}
