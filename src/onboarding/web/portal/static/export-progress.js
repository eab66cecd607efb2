// Follows exports until all are finished: replaces their list with the one of the server.

import { request, sleep } from "./api-client.js";
import { localizeTimes } from "./local-times.js";

const MIN_DELAY_MS = 1000;
const MAX_DELAY_MS = 5000;

const list = document.getElementById("exports");
if (list.dataset.pending === "true") follow();

async function follow() {
  const error = document.getElementById("export-error");
  let count = countPending();
  let delay = MIN_DELAY_MS;
  while (list.dataset.pending === "true") {
    await sleep(delay);
    // Longer while it lasts: a large export takes minutes.
    delay = Math.min(1.2 * delay, MAX_DELAY_MS);
    try {
      await refresh();
      count = Math.max(count, countPending());
      error.hidden = true;
    } catch (failure) {
      error.textContent = failure.message;
      error.hidden = false;
      if (failure.status === 401) return;
    }
  }
  const announcement = document.getElementById("export-notice") ?? document.getElementById("export-announcement");
  announcement.textContent = count === 1 ? "Export finished." : "Exports finished.";
}

function countPending() {
  return list.querySelectorAll("progress").length;
}

async function refresh() {
  const response = await request("/exports");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const update = page.getElementById("exports");
  localizeTimes(update);
  const hadFocus = list.contains(document.activeElement);
  if (update.innerHTML !== list.innerHTML) list.replaceChildren(...update.childNodes);
  list.dataset.pending = update.dataset.pending;
  // Replacing the element that has the focus would move the focus to the page.
  if (hadFocus && !list.contains(document.activeElement)) {
    document.getElementById("exports-title").focus({ preventScroll: true });
  }
}
