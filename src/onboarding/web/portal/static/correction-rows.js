// The table of rejected rows: saves and checks edited rows while the user types.

import { renewToken, request } from "./api-client.js";
import { applyOtherValues, showConflict } from "./correction-conflicts.js";
import { findCells, hideOldErrors, isReady, markEdited, showErrors, showState } from "./correction-cells.js";

const SAVE_DELAY_MS = 400;

// `onChange` is called when rows become unsaved or saved; after a response of the server, with its counts. `refresh`
// shows the page again, with the focus on the element with an id.
export function connectRows(section, { url, onChange, refresh, announce }) {
  const form = section.querySelector("#correction-form");
  const failure = section.querySelector("#save-failure");
  const storageKey = `corrections ${url}`;
  const unsavedRows = new Set();
  let timer = null;
  let saving = null;

  form.addEventListener("input", ({ target }) => {
    const row = target.closest("tr[data-row]");
    if (!row || !target.name) return;
    markEdited(target);
    markUnsaved(row);
  });
  form.addEventListener("click", (event) => {
    const discard = event.target.closest("button[name=discard]");
    if (discard) {
      event.preventDefault();
      discardChanges(discard.closest("tr"));
    }
    const button = event.target.closest("button.suggestion, button.overwrite");
    if (!button) return;
    event.preventDefault();
    const input = button.closest(".cell").querySelector("[name]");
    input.value = button.dataset.suggestion;
    input.focus();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    save();
  });
  // Enter moves on instead of submitting the form.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input[name]")) return;
    event.preventDefault();
    save();
    const inputs = [...form.querySelectorAll("tr[data-row] :is(input, textarea):not([type=hidden])")].filter(
      (input) => !input.disabled && !input.closest("details:not([open])"),
    );
    (inputs[inputs.indexOf(event.target) + 1] ?? document.getElementById("import-button")).focus();
  });
  failure.querySelector("button").addEventListener("click", async () => {
    try {
      await renewToken();
    } catch (error) {
      return showFailure(error);
    }
    await save();
  });
  window.addEventListener("online", () => form.isConnected && save());
  window.addEventListener("pagehide", () => {
    if (form.isConnected && unsavedRows.size) send({ keepalive: true });
  });
  restore();

  function markUnsaved(row) {
    unsavedRows.add(row);
    store([row]);
    if (failure.hidden) showState(row, "Checking …");
    else showUnsaved(row);
    onChange();
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_DELAY_MS);
  }

  // Saves the unsaved rows, one request at a time; returns whether all are saved.
  async function save() {
    clearTimeout(timer);
    if (saving) await saving;
    if (!unsavedRows.size) return true;
    saving = send();
    await saving;
    saving = null;
    onChange();
    return !unsavedRows.size;
  }

  async function send(options = {}) {
    const rows = [...unsavedRows];
    unsavedRows.clear();
    try {
      const body = JSON.stringify({ rows: rows.map(readRow) });
      const response = await request(url, { method: "PUT", body, contentType: "application/json", ...options });
      const result = await response.json();
      failure.hidden = true;
      takeResult(rows, result);
      onChange(result);
    } catch (error) {
      for (const row of rows) unsavedRows.add(row);
      showFailure(error);
    }
  }

  async function discardChanges(row) {
    clearTimeout(timer);
    if (saving) await saving;
    unsavedRows.delete(row);
    store([row]);
    try {
      await save();
      await request(`${url}?row_number=${row.dataset.row}`, { method: "DELETE" });
      await refresh(findCells(row)[0].input.id);
      announce(`Row ${row.dataset.line}: changes discarded`);
    } catch (error) {
      showFailure(error);
    }
  }

  function showUnsaved(row) {
    showState(row, "Not saved");
    hideOldErrors(row);
  }

  function readRow(row) {
    const cells = {};
    for (const { input, column } of findCells(row)) if (input.dataset.edited) cells[column] = input.value;
    return { row_number: Number(row.dataset.row), cells, revision: Number(row.dataset.revision) };
  }

  function takeResult(rows, { rows: saved, conflicts, closed }) {
    const find = (number) => rows.find((row) => Number(row.dataset.row) === number);
    for (const { row_number: number, revision, errors } of saved) {
      const row = find(number);
      row.dataset.revision = revision;
      row.dataset.draft = "true";
      if (unsavedRows.has(row)) continue;
      const message = showErrors(row, errors);
      announce(`Row ${row.dataset.line}: ${message || "ready to import"}`);
    }
    for (const other of conflicts) {
      const row = find(other.row_number);
      unsavedRows.delete(row);
      showConflict(row, other, { onKeep: () => markUnsaved(row), onTake: () => takeOther(row, other) });
    }
    for (const other of closed) {
      const row = find(other.row_number);
      unsavedRows.delete(row);
      showState(row, "Already imported. Reload the page.");
    }
    store(rows);
  }

  function takeOther(row, other) {
    applyOtherValues(row, other);
    showErrors(row, other.errors);
    store([row]);
    onChange();
  }

  // Unsaved values survive a reload of the page in this tab.
  function store(rows) {
    const stored = JSON.parse(sessionStorage.getItem(storageKey) ?? "{}");
    for (const row of rows) {
      if (unsavedRows.has(row)) stored[row.dataset.row] = readRow(row);
      else delete stored[row.dataset.row];
    }
    sessionStorage.setItem(storageKey, JSON.stringify(stored));
  }

  function restore() {
    const stored = JSON.parse(sessionStorage.getItem(storageKey) ?? "{}");
    for (const { row_number: number, cells, revision } of Object.values(stored)) {
      const row = form.querySelector(`tr[data-row="${number}"][data-state="open"]`);
      if (!row) continue;
      row.dataset.revision = revision;
      for (const { input, column } of findCells(row)) {
        if (!(column in cells)) continue;
        input.value = cells[column];
        markEdited(input);
      }
      markUnsaved(row);
    }
  }

  function showFailure(error) {
    const text = failure.querySelector("span");
    text.textContent =
      error.status === 401 || error.status === 403
        ? "You are no longer signed in. Your changes stay on this page: sign in in a new tab, then save again."
        : `${error.message} Your changes are not saved yet; they stay on this page.`;
    failure.querySelector("a").hidden = error.status !== 401 && error.status !== 403;
    failure.hidden = false;
    for (const row of unsavedRows) showUnsaved(row);
    onChange();
  }

  function lockReadyRows() {
    for (const row of form.querySelectorAll('tr[data-row][data-state="open"]')) {
      if (!isReady(row)) continue;
      row.dataset.state = "importing";
      for (const control of row.querySelectorAll("input, textarea, button")) control.disabled = true;
      showState(row, "Importing");
    }
  }

  return {
    save,
    hasUnsavedRows: () => unsavedRows.size > 0 || saving !== null,
    lockReadyRows,
    findConflict: () => form.querySelector(".conflict"),
  };
}
