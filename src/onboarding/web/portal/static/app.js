// Behaviour that every page shares.

import { localizeTimes } from "./local-times.js";

localizeTimes();

// Date filters are days in the viewer's time zone.
for (const input of document.querySelectorAll("input[data-time-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// Escape closes an open confirmation.
for (const details of document.querySelectorAll("details.confirm")) {
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}

// Disable the buttons of a submitted form so that a second click does not submit it again.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) setTimeout(() => (button.disabled = true));
  });
}
// Enable them again when the browser restores the page from its back/forward cache.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll('form[method="post"] button')) button.disabled = false;
});

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      // Without clipboard permission, select the text so that the user can copy it.
      window.getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
  });
}
