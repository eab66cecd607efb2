// Replaces parts of the page while it is open: the upload, from the server, and the percentage in the title of the tab.

import { request, sleep } from "./api-client.js";
import { localizeTimes } from "./local-times.js";

const pageTitle = document.title;

// Shows a percentage before the title of the page; null removes it.
export function showTitleProgress(percent) {
  document.title = percent === null ? pageTitle : `${percent} % · ${pageTitle}`;
}

// Only the server renders results: loads this page again and takes the upload from it. `focusId` is the id of the
// element that gets the focus if the focus was in the replaced part.
export async function replaceUpload(view, focusId) {
  const query = new URLSearchParams(window.location.search);
  // The notice belongs to the action before.
  query.delete("notice");
  const response = await request(`${window.location.pathname}?${query}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const result = page.getElementById("upload");
  // Loaded before the replacement, so that the new part never works without its script.
  const corrections = result.querySelector("#corrections") && (await import("./corrections.js"));
  const hadFocus = view.contains(document.activeElement) || document.activeElement === document.body;
  view.replaceChildren(...result.childNodes);
  view.dataset.done = result.dataset.done;
  view.dataset.version = result.dataset.version;
  showTitleProgress(null);
  localizeTimes(view);
  if (hadFocus) document.getElementById(focusId)?.focus({ preventScroll: true });
  corrections?.connectCorrections();
}

// A screen reader announces only changes of an element that is already in the page.
export async function announceIn(view, text) {
  const announcement = document.createElement("p");
  announcement.className = "visually-hidden";
  announcement.setAttribute("role", "status");
  view.append(announcement);
  await sleep(100);
  announcement.textContent = text;
}
