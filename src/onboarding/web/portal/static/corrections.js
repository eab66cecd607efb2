// The work list of an upload with rejected rows: the table, the import of fixed rows, and its progress.

import { request, sleep } from "./api-client.js";
import { connectRows } from "./correction-rows.js";
import { announceIn, replaceUpload, showTitleProgress } from "./page-update.js";

const MIN_DELAY_MS = 700;
const MAX_DELAY_MS = 4000;
// After this time without an upload, the import may have been interrupted: the button to continue it appears.
const PATIENCE_MS = 20_000;

const countRows = (count) => (count === 1 ? "1 row" : `${count.toLocaleString()} rows`);

connectCorrections();

export function connectCorrections() {
  const view = document.getElementById("upload");
  const section = document.getElementById("corrections");
  if (!section || section.dataset.connected) return;
  section.dataset.connected = "true";
  const element = (id) => document.getElementById(id);
  const url = `/v1/uploads/${encodeURIComponent(view.dataset.uploadId)}/corrections`;
  const counts = {
    ready: Number(section.dataset.ready),
    open: Number(section.dataset.open),
    importing: Number(section.dataset.importing),
  };
  const isWhole = section.dataset.whole === "true";
  const button = element("import-button");
  let isSubmittable = section.dataset.submittable === "true";
  let version = section.dataset.version;
  let rows = null;

  if (element("correction-form")) {
    element("save-button").hidden = true;
    rows = connectRows(section, { url, onChange: showCounts, refresh, announce });
    button.addEventListener("click", (event) => {
      event.preventDefault();
      importRows();
    });
    showCounts();
  }
  section.addEventListener("submit", saveBeforeSubmit);
  // The page may be old after a step back.
  window.addEventListener("pageshow", ({ persisted }) => persisted && section.isConnected && refresh("title"));
  if (element("continue-import")) element("continue-import").hidden = true;
  if (counts.importing && button) follow();

  // A form of a group loads the page again: save the rows first.
  async function saveBeforeSubmit(event) {
    if (!rows?.hasUnsavedRows()) return;
    event.preventDefault();
    const isSaved = await rows.save();
    // The submit event has disabled it.
    for (const control of event.target.querySelectorAll("button")) control.disabled = false;
    if (isSaved) event.target.requestSubmit(event.submitter);
  }

  function announce(text) {
    element("correction-announcement").textContent = text;
  }

  // Shows the page again as the server has it now. Values that are not saved are restored in it.
  async function refresh(focusId) {
    await replaceUpload(view, focusId);
  }

  function showCounts(result) {
    if (result) {
      counts.ready = result.ready;
      isSubmittable = result.is_submittable;
      version = result.version;
      for (const input of section.querySelectorAll("input[name=version]")) input.value = version;
      element("discard-all").hidden = false;
    }
    // `connectRows` calls this before it returns.
    if (!rows) return;
    const { ready } = counts;
    const isBusy = counts.importing > 0;
    const remaining = counts.open - ready;
    const isUnsaved = rows.hasUnsavedRows();
    button.textContent = isWhole
      ? `Import all ${countRows(counts.open)}`
      : `Import ${ready === 1 ? "1 fixed row" : ready ? `${ready.toLocaleString()} fixed rows` : "fixed rows"}`;
    const isFailed = !element("save-failure").hidden;
    button.disabled = isBusy || (isUnsaved ? isFailed : !isSubmittable);
    element("ready-text").textContent = ready ? `, ${ready.toLocaleString()} ready to import` : "";
    const hint = element("import-hint");
    if (isBusy) hint.textContent = "";
    else if (isUnsaved) hint.textContent = isFailed ? "Your changes are not saved yet." : "Checking your changes …";
    else if (isWhole && remaining) {
      hint.textContent = `The file is imported as a whole, and ${countRows(remaining)} still ${remaining === 1 ? "has" : "have"} errors.`;
    } else if (!ready) hint.textContent = "Fix a row to import it.";
    else hint.textContent = remaining ? `${countRows(remaining)} still to fix.` : "All rows are ready.";
  }

  async function importRows() {
    showError("");
    if (!(await rows.save())) return;
    const conflict = rows.findConflict();
    if (conflict) {
      conflict.scrollIntoView({ block: "center" });
      conflict.querySelector("button").focus();
    }
    if (conflict || button.disabled) return;
    button.disabled = true;
    try {
      const body = JSON.stringify({ version });
      const response = await request(`${url}/submit`, { method: "POST", body, contentType: "application/json" });
      const submission = await response.json();
      counts.importing = submission.rows;
      rows.lockReadyRows();
      announce(`Importing ${countRows(submission.rows)}.`);
      await follow();
    } catch (error) {
      button.disabled = false;
      if (error.status === 409) await refresh("import-button").catch(() => {});
      showError(error.message);
    }
  }

  // Follows the import until no row is in processing, then shows the page as it is then.
  async function follow() {
    const started = Date.now();
    let delay = MIN_DELAY_MS;
    showProgress("Importing …", null);
    for (;;) {
      try {
        const summary = await (await request(`${url}/summary`)).json();
        showError("");
        if (!summary.importing) break;
        const current = summary.uploads.find((upload) => upload.status === "processing");
        if (current) await showUpload(current.upload_id);
        else if (Date.now() - started > PATIENCE_MS) showDelay();
      } catch (error) {
        showError(error.message);
        if (error.status === 401 || error.status === 404) return;
        delay = MAX_DELAY_MS;
      }
      await sleep(delay);
      delay = Math.min(1.3 * delay, MAX_DELAY_MS);
    }
    try {
      await rows?.save();
      const isTyping = document.activeElement.matches("input, textarea, select");
      await replaceUpload(view, isTyping ? document.activeElement.id : "correction-status");
      if (!isTyping) element("correction-status").scrollIntoView({ block: "center" });
      await announceIn(view, element("correction-status").textContent);
    } catch {
      window.location.reload();
    }
  }

  function showDelay() {
    const form = element("continue-import");
    if (form) form.hidden = false;
    else showError("The import has not started yet. If this lasts, reload the page to continue it.");
  }

  async function showUpload(uploadId) {
    const upload = await (await request(`/v1/uploads/${encodeURIComponent(uploadId)}`)).json();
    const checked = upload.valid_records + upload.error_records;
    const total = Math.max(1, upload.total_records);
    showProgress(`${checked.toLocaleString()} of ${countRows(upload.total_records)} imported`, Math.floor((100 * checked) / total));
  }

  function showProgress(text, percent) {
    element("import-status").hidden = false;
    button.hidden = true;
    element("import-hint").textContent = "";
    element("import-progress-text").textContent = text;
    const progress = element("import-progress");
    if (percent === null) progress.removeAttribute("value");
    else progress.value = percent;
    showTitleProgress(percent);
  }

  function showError(message) {
    element("import-error").textContent = message;
    element("import-error").hidden = !message;
  }
}
