// Follows an upload until it is done, then replaces the progress with the result.

import { request, sleep } from "./api-client.js";
import { announceIn, replaceUpload, showTitleProgress } from "./page-update.js";

const MIN_DELAY_MS = 1000;
const MAX_DELAY_MS = 5000;

const view = document.getElementById("upload");
if (view?.dataset.done === "false") follow();

async function follow() {
  const url = `/v1/uploads/${encodeURIComponent(view.dataset.uploadId)}`;
  const announcement = document.getElementById("progress-announcement");
  let version = view.dataset.version;
  let lastTenth = -1;
  // The server may respond without waiting for a change, so pause between requests, longer while nothing changes.
  let delay = MIN_DELAY_MS;
  for (;;) {
    try {
      const query = new URLSearchParams({ wait: 20, version });
      const upload = await (await request(`${url}?${query}`)).json();
      showError("");
      delay = upload.version === version ? Math.min(1.5 * delay, MAX_DELAY_MS) : MIN_DELAY_MS;
      version = upload.version;
      if (upload.phase === "done") break;
      showProgress(upload);
      // Announce each tenth to screen readers, not each row.
      const checked = upload.valid_records + upload.error_records;
      const tenth = Math.floor((10 * checked) / Math.max(1, upload.total_records));
      if (tenth > lastTenth) announcement.textContent = document.getElementById("progress-text").textContent;
      lastTenth = tenth;
      await sleep(delay);
    } catch (error) {
      showError(error.message);
      if (error.status === 401 || error.status === 404) return;
      await sleep(MAX_DELAY_MS);
    }
  }
  await showResult();
}

function showProgress(upload) {
  const { total_records: total, valid_records: accepted, error_records: rejected } = upload;
  const percentPerRow = 100 / Math.max(1, total);
  const bar = view.querySelector("#progress svg.bar");
  bar.querySelector(".bar-accepted").setAttribute("width", accepted * percentPerRow);
  bar.querySelector(".bar-rejected").setAttribute("x", accepted * percentPerRow);
  bar.querySelector(".bar-rejected").setAttribute("width", rejected * percentPerRow);
  bar.setAttribute("aria-label", `${accepted} of ${total} rows accepted, ${rejected} rejected`);
  const setText = (id, text) => (document.getElementById(id).textContent = text);
  const rows = total === 1 ? "1 row" : `${total.toLocaleString()} rows`;
  showTitleProgress(Math.floor((accepted + rejected) * percentPerRow));
  setText("progress-text", `${(accepted + rejected).toLocaleString()} of ${rows} checked`);
  setText("progress-accepted", accepted.toLocaleString());
  setText("progress-rejected", rejected.toLocaleString());
  setText("progress-remaining", upload.waiting_records.toLocaleString());
  for (const step of view.querySelectorAll("[data-phase]")) {
    if (step.dataset.phase === upload.phase) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

async function showResult() {
  try {
    await replaceUpload(view, "title");
    await announceIn(view, view.querySelector(".notice")?.textContent ?? "Upload finished.");
  } catch {
    window.location.reload();
  }
}

function showError(message) {
  const element = document.getElementById("progress-error");
  if (!element) return;
  element.textContent = message;
  element.hidden = !message;
}
