// A page that stays fresh: every few seconds its moving parts are drawn anew, by the same page or where it says.

import { showTimes } from "./times.js";
import { ask, pause } from "./talk.js";

const EVERY = 4000;
const fresh = document.getElementById("fresh");
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

async function refresh() {
  const answer = await ask(fresh.dataset.from ?? window.location.pathname + window.location.search);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const drawn = page.querySelector(`[data-live="${part.dataset.live}"]`);
    // Whoever is at work inside keeps the ground under their feet.
    if (!drawn || part.contains(document.activeElement)) continue;
    showTimes(drawn);
    if (drawn.innerHTML !== part.innerHTML) part.replaceChildren(...drawn.childNodes);
  }
  fresh.textContent = `Updated ${clock.format(new Date())}`;
}

for (;;) {
  await pause(EVERY);
  if (document.hidden) continue;
  try {
    await refresh();
  } catch (error) {
    fresh.textContent = error.message;
    if (error.status === 401) break;
  }
}
