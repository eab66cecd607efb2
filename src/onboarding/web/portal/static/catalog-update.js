// Follows the upload of an edit until its rows have an outcome, then shows the page as it is then.

import { request, sleep } from "./api-client.js";
import { localizeTimes } from "./local-times.js";
import { announceIn } from "./page-update.js";
import { waitForUpload } from "./upload-request.js";

const MIN_DELAY_MS = 300;
const MAX_DELAY_MS = 4000;

// `connect` adds the behaviour of the page to its new content.
export async function followEdit(connect) {
  const progress = document.getElementById("edit-progress");
  if (!progress) return;
  const text = document.getElementById("edit-progress-text");
  const showText = (message) => (text.textContent = message || "Saving your changes …");
  try {
    const uploadId = await waitForUpload(progress.dataset.uploadSession, { onTrouble: showText });
    await waitForOutcome(uploadId, showText);
    await replaceCatalog(connect);
  } catch (error) {
    showText(error.message);
  }
}

async function waitForOutcome(uploadId, showText) {
  const url = `/v1/uploads/${encodeURIComponent(uploadId)}`;
  let delay = MIN_DELAY_MS;
  for (;;) {
    try {
      const upload = await (await request(url)).json();
      if (upload.status !== "processing") return;
      showText("");
    } catch (error) {
      if (error.status === 401 || error.status === 404) throw error;
      showText(error.message);
    }
    await sleep(delay);
    delay = Math.min(1.3 * delay, MAX_DELAY_MS);
  }
}

async function replaceCatalog(connect) {
  const view = document.getElementById("catalog");
  const response = await request(window.location.pathname + window.location.search);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const hadFocus = view.contains(document.activeElement) || document.activeElement === document.body;
  view.replaceChildren(...page.getElementById("catalog").childNodes);
  localizeTimes(view);
  connect();
  const result = document.getElementById("edit-result");
  if (hadFocus) result?.focus({ preventScroll: true });
  await announceIn(view, result?.textContent.trim() ?? "");
}
