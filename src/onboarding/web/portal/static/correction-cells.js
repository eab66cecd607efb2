// The cells of a row in the table of rejected rows: their errors and suggestions, and the state of the row.

export function findCells(row) {
  return [...row.querySelectorAll(".cell")].map((cell) => ({
    cell,
    column: cell.dataset.column,
    input: cell.querySelector("[name]"),
  }));
}

export function isReady(row) {
  return row.dataset.ready === "true";
}

export function showState(row, text, { ready = false } = {}) {
  row.dataset.ready = ready;
  const badge = row.querySelector(".badge");
  badge.textContent = text;
  badge.classList.toggle("badge-completed", ready);
}

// Shows the errors of a row that was checked; returns them as one text.
export function showErrors(row, errors) {
  const cells = findCells(row);
  for (const { cell, column, input } of cells) {
    const cellErrors = errors.filter((error) => error.column === column);
    showMessage(cell, input.id, cellErrors.map(describe).join(" "));
    showSuggestion(cell, cellErrors.find((error) => error.suggestion)?.suggestion);
    const overwrite = cell.querySelector("button.overwrite");
    if (overwrite) overwrite.hidden = !cellErrors.length;
    const isInvalid = errors.some((error) => error.column.split(", ").includes(column));
    if (isInvalid) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (isInvalid) cell.closest("details")?.setAttribute("open", "");
  }
  const columns = cells.map((cell) => cell.column);
  const rowErrors = errors.filter((error) => !columns.includes(error.column)).map(describe);
  const element = row.querySelector(".row-errors");
  element.textContent = rowErrors.join(" ");
  element.hidden = !rowErrors.length;
  showState(row, errors.length ? "To fix" : "Ready", { ready: !errors.length });
  return errors
    .map((error) => `${cells.find((cell) => cell.column === error.column)?.cell.dataset.label ?? ""} ${describe(error)}`)
    .join(" ")
    .trim();
}

// The expected value replaces advice for a spreadsheet.
function describe({ message, expected, hint, suggestion }) {
  if (hint?.startsWith("Format the column")) return expected ? `${message}. Expected: ${expected}` : message;
  return hint && !suggestion ? `${message}. ${hint}` : message;
}

// Hides what was found before in cells that have other values now.
export function hideOldErrors(row) {
  for (const { cell, input } of findCells(row)) {
    if (!input.dataset.touched) continue;
    showMessage(cell, input.id, "");
    showSuggestion(cell, null);
    input.removeAttribute("aria-invalid");
  }
}

export function markEdited(input) {
  const cell = input.closest(".cell");
  if (!input.dataset.edited) showFileValue(cell, input.defaultValue);
  input.dataset.edited = input.dataset.touched = "true";
  const name = input.closest("tr").querySelector(`[data-shows="${cell.dataset.column}"]`);
  if (name) name.textContent = input.value;
}

function showFileValue(cell, value) {
  if (cell.querySelector(".file-value")) return;
  const element = document.createElement("p");
  element.className = "file-value muted small";
  const code = document.createElement("code");
  code.textContent = value;
  element.append("In the file: ", value ? code : "empty");
  cell.append(element);
}

function findHelp(cell) {
  let help = cell.querySelector(".cell-help");
  if (!help) {
    help = document.createElement("div");
    help.className = "cell-help";
    cell.append(help);
  }
  return help;
}

function showMessage(cell, id, text) {
  let element = cell.querySelector(".field-error");
  if (!element && !text) return;
  if (!element) {
    element = document.createElement("p");
    element.className = "field-error";
    element.id = `${id}-error`;
    findHelp(cell).prepend(element);
    const input = document.getElementById(id);
    input.setAttribute("aria-describedby", `${element.id} ${input.getAttribute("aria-describedby") ?? ""}`.trim());
  }
  element.textContent = text;
  element.hidden = !text;
}

function showSuggestion(cell, suggestion) {
  let button = cell.querySelector("button.suggestion");
  if (!button && suggestion) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "compact suggestion";
    findHelp(cell).append(button);
  }
  if (!button) return;
  button.hidden = !suggestion;
  if (!suggestion) return;
  button.dataset.suggestion = suggestion;
  button.textContent = `Use ${suggestion}`;
  button.setAttribute("aria-label", `Use ${suggestion} in row ${cell.closest("tr").dataset.line}`);
}
