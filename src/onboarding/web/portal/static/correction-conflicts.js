// A row that somebody else has changed meanwhile: shows both values, with a choice.

import { findCells, showState } from "./correction-cells.js";

const timeFormat = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

const valueOf = (other, column) => other.edited_cells[column] ?? other.cells[column] ?? "";

export function showConflict(row, other, { onKeep, onTake }) {
  row.querySelector(".conflict")?.remove();
  const notice = document.createElement("div");
  notice.className = "notice warning conflict";
  notice.setAttribute("role", "alert");
  const time = other.updated_at ? ` at ${timeFormat.format(new Date(other.updated_at))}` : "";
  notice.append(paragraph(`Somebody else changed row ${row.dataset.line}${time}. Choose which values to keep.`));
  for (const { cell, column, input } of findCells(row)) {
    const value = valueOf(other, column);
    if (!input.dataset.edited || input.value === value) continue;
    notice.append(paragraph(`${cell.dataset.label}: theirs ‘${value}’, yours ‘${input.value}’.`));
  }
  const buttons = document.createElement("p");
  buttons.className = "button-row";
  buttons.append(
    button("Keep yours", () => {
      notice.remove();
      // Their changes of other cells remain.
      takeValues(row, other, (input) => !input.dataset.touched);
      row.dataset.revision = other.revision;
      onKeep();
    }),
    button("Use theirs", () => {
      notice.remove();
      onTake();
    }),
  );
  notice.append(buttons);
  row.querySelector(".cells").before(notice);
  notice.scrollIntoView({ block: "nearest" });
  showState(row, "Changed by somebody else");
}

export function applyOtherValues(row, other) {
  row.dataset.revision = other.revision;
  takeValues(row, other, () => true);
}

function takeValues(row, other, isTaken) {
  for (const { column, input } of findCells(row)) {
    if (!isTaken(input)) continue;
    input.value = valueOf(other, column);
    delete input.dataset.touched;
    if (column in other.edited_cells) input.dataset.edited = "true";
    else delete input.dataset.edited;
  }
}

function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

function button(text, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "compact";
  element.textContent = text;
  element.addEventListener("click", onClick);
  return element;
}
