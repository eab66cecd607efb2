// Refreshes the elements with data-refresh every few seconds, from this page or from the URL in data-refresh-url.

import { request, sleep } from "./api-client.js";
import { localizeTimes } from "./local-times.js";

const INTERVAL_MS = 4000;
const status = document.getElementById("refresh-status");
const timeFormat = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

async function refresh() {
  const response = await request(status.dataset.refreshUrl ?? window.location.pathname + window.location.search);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const element of document.querySelectorAll("[data-refresh]")) {
    const update = page.querySelector(`[data-refresh="${element.dataset.refresh}"]`);
    // Replacing an element that has the focus would move the focus to the page.
    if (!update || element.contains(document.activeElement)) continue;
    localizeTimes(update);
    if (update.innerHTML !== element.innerHTML) element.replaceChildren(...update.childNodes);
  }
  status.textContent = `Updated ${timeFormat.format(new Date())}`;
}

for (;;) {
  await sleep(INTERVAL_MS);
  if (document.hidden) continue;
  try {
    await refresh();
  } catch (error) {
    status.textContent = error.message;
    if (error.status === 401) break;
  }
}
