// The step of a preview in which a vendor matches the columns, categories and statuses of a file.

import { request } from "./api-client.js";

const split = (text) => text.split(" ").filter(Boolean);

// Values are compared like on the server: without regard to case and spaces.
const keyOfValue = (text) => text.normalize("NFC").toLowerCase().split(/\s+/).filter(Boolean).join(" ");

// Returns the step in the preview, or null if it has none. `onApply` is called with the choices, `onChange` whenever
// one of them changes. `previous` are the choices that the preview shows, or null; `edits` those that were changed since.
// `remembered` is what `readRemember` of the step before it returned, if there was one.
export function findStep(preview, previous, edits, { remembered, onApply, onChange }) {
  const root = preview.querySelector("#mapping-step");
  if (!root) return null;
  const element = (id) => root.querySelector(`#${id}`);
  const headerRows = [...root.querySelectorAll("tr[data-header]")];
  const valueRows = [...root.querySelectorAll("tr[data-value]")];
  const columnFields = [...root.querySelectorAll("[data-column]")];
  const numberColumns = new Set(split(root.dataset.numberColumns));
  // The mapping's own translations of values, and its parts without controls.
  const { values: ownValues = {}, ...otherParts } = JSON.parse(root.dataset.otherParts);
  const missingText = element("missing-columns");
  const nameInput = element("mapping-name");
  const nameHelp = element("mapping-name-help");
  // Headers with the same name have no control, and are not imported.
  const control = (row) => row.querySelector("select, input");
  const columnsOf = (row) => split(control(row)?.value ?? "");
  const rows = [...headerRows, ...valueRows, ...columnFields].filter(control);
  const keyOf = ({ dataset: { header, value, valueColumn, column } }) =>
    JSON.stringify([header, value, valueColumn, column]);
  let isChanged = false;
  // Whether the person has typed the name, instead of that of the preview.
  let isNamed = false;

  root.addEventListener("change", (event) => {
    if (event.target.closest(".remember")) return update();
    isChanged = true;
    const row = event.target.closest("tr[data-header], tr[data-value]");
    row?.querySelector(".suggestion")?.remove();
    const replaced = row?.dataset.header === undefined ? "" : releaseColumns(row);
    update(replaced);
    onChange();
  });
  root.addEventListener("input", (event) => {
    if (event.target === nameInput) {
      isNamed = true;
      return update();
    }
    if (!event.target.closest("[data-column]")) return;
    isChanged = true;
    update();
    onChange();
  });
  root.addEventListener("keydown", (event) => {
    // Enter would submit the form and upload the file without these choices.
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    apply();
  });
  if (remembered) {
    element("remember-mapping").checked = remembered.remember;
    isNamed = remembered.isNamed;
    if (isNamed || !nameHelp) nameInput.value = remembered.name;
  }
  if (edits) restore();
  update();

  // The preview was loaded again, for example with another mode, before the changes were applied.
  function restore() {
    for (const row of rows) {
      const value = edits.get(keyOf(row));
      if (value !== undefined && value !== control(row).value) choose(row, value);
    }
    isChanged = true;
  }

  function choose(row, value) {
    control(row).value = value;
    row.querySelector(".suggestion")?.remove();
  }

  // A column takes its values from one header: another header that has it loses it. Returns a sentence about that.
  function releaseColumns(row) {
    const taken = new Set(columnsOf(row));
    const released = headerRows.filter((other) => other !== row && columnsOf(other).some((column) => taken.has(column)));
    for (const other of released) {
      control(other).value = columnsOf(other).filter((column) => !taken.has(column)).join(" ");
      other.querySelector(".suggestion")?.remove();
    }
    return released.map((other) => `'${other.dataset.header}' no longer has this column. `).join("");
  }

  function update(sentence = "") {
    const matched = new Set(headerRows.flatMap(columnsOf));
    for (const row of headerRows) {
      const example = row.querySelector(".number-example");
      if (example) example.hidden = !columnsOf(row).some((column) => numberColumns.has(column));
    }
    for (const field of columnFields) field.hidden = matched.has(field.dataset.column) || !control(field);
    element("same-values").hidden = columnFields.every((field) => field.hidden);
    const missing = listMissing();
    missingText.classList.toggle("warning", missing.length > 0);
    const text = missing.length
      ? `Required columns without a match: ${missing.join(", ")}.`
      : "All required columns are matched.";
    // The preview is a live region: an equal text must not be announced again.
    if (missingText.textContent !== sentence + text) missingText.textContent = sentence + text;
    element("mapping-name-field").hidden = !element("remember-mapping").checked || !usesColumns();
    if (nameHelp) describeName();
  }

  function describeName() {
    const { rememberedName } = nameInput.dataset;
    const text =
      nameInput.value.trim() === rememberedName
        ? `Saves a new version of '${rememberedName}'.`
        : `Renames '${rememberedName}', which is for files with these columns, and saves a new version of it.`;
    if (nameHelp.textContent !== text) nameHelp.textContent = text;
  }

  function listMissing() {
    const matched = new Set(headerRows.flatMap(columnsOf));
    return columnFields
      .filter((field) => "required" in field.dataset)
      .filter((field) => !matched.has(field.dataset.column) && !control(field)?.value.trim())
      .map((field) => field.dataset.label);
  }

  function listConstants() {
    const fields = columnFields.filter((field) => !field.hidden && control(field).value.trim());
    return Object.fromEntries(fields.map((field) => [field.dataset.column, control(field).value.trim()]));
  }

  // Whether the columns differ from those that apply without the step.
  function usesColumns() {
    if (previous?.usesColumns) return true;
    // They belong to the mapping; categories are stored for all files.
    if (valueRows.some((row) => row.dataset.valueColumn !== "category" && control(row).value)) return true;
    if (headerRows.some((row) => columnsOf(row).join(" ") !== row.dataset.current)) return true;
    if ("hasMapping" in root.dataset) {
      return columnFields.some((field) => !field.hidden && control(field).value !== field.dataset.constant);
    }
    const formats = headerRows.filter((row) => row.dataset.numberFormat && control(row).value);
    return formats.length > 0 || Object.keys(listConstants()).length > 0;
  }

  function collect() {
    const mapping = { columns: {} };
    if (usesColumns() || "hasMapping" in root.dataset) {
      for (const row of headerRows) {
        const target = { columns: columnsOf(row) };
        const hasNumbers = target.columns.some((column) => numberColumns.has(column));
        if (row.dataset.numberFormat && hasNumbers) target.number_format = JSON.parse(row.dataset.numberFormat);
        mapping.columns[row.dataset.header] = target;
      }
      mapping.constants = listConstants();
      Object.assign(mapping, otherParts);
    }
    return {
      headers: headerRows.map((row) => row.dataset.header),
      mapping,
      ...collectValues(),
      usesColumns: usesColumns(),
      reference: previous ? previous.reference : preview.querySelector("[data-mapping]")?.dataset.mapping,
      ...readRemember(),
    };
  }

  // Returns our value of each value by column, and the values that were seen and left without one.
  function collectValues() {
    const values = structuredClone({ ...ownValues, ...previous?.values });
    const listColumns = ["category", "status"];
    const isSameColumn = headerRows.every((row) =>
      listColumns.every((name) => columnsOf(row).includes(name) === split(row.dataset.current).includes(name)),
    );
    const declinedValues = new Set(isSameColumn ? previous?.declinedValues : []);
    for (const row of valueRows) {
      const { value, valueColumn } = row.dataset;
      const targets = (values[valueColumn] ??= {});
      for (const other of Object.keys(targets)) {
        if (keyOfValue(other) === keyOfValue(value)) delete targets[other];
      }
      declinedValues.delete(keyOf(row));
      if (control(row).value) targets[value] = control(row).value;
      else if (isSameColumn) declinedValues.add(keyOf(row));
    }
    const used = Object.entries(values).filter(([, targets]) => Object.keys(targets).length);
    return { values: Object.fromEntries(used), declinedValues };
  }

  function readRemember() {
    return { remember: element("remember-mapping").checked, name: nameInput.value.trim(), isNamed };
  }

  function apply() {
    if (listMissing().length) missingText.focus();
    else onApply(collect());
  }

  function open() {
    for (const details of preview.querySelectorAll("details:has(#mapping-step)")) details.open = true;
  }

  return {
    isRequired: "required" in root.dataset,
    hasSuggestions: root.querySelector(".suggestion") !== null,
    apply,
    // Returns the changes that were not applied, or null.
    readEdits: () => (isChanged ? new Map(rows.map((row) => [keyOf(row), control(row).value])) : null),
    focus() {
      const isMatched = root.querySelector("details #match-columns");
      root.querySelector(isMatched ? ".value-title" : "#match-columns-title").focus();
    },
    open,
    focusName() {
      open();
      nameInput.focus();
    },
    readRemember,
  };
}

// Returns the document of the choices, for a dry run or for a single upload.
export function documentOf({ mapping, values }) {
  return Object.keys(values).length ? { ...mapping, values } : mapping;
}

// Stores the choices and returns the mapping for the upload, or undefined if the upload needs none.
export async function saveChoices(choices, signal) {
  if (!choices.remember) return saveMapping({ headers: choices.headers, document: documentOf(choices) }, signal);
  const { category, ...values } = choices.values;
  if (category) {
    const body = { column: "category", values: category };
    await request("/v1/value-mappings", { ...json("PUT", body), signal });
  }
  if (!choices.usesColumns) return choices.reference;
  const document = documentOf({ mapping: choices.mapping, values });
  return saveMapping({ name: choices.name, headers: choices.headers, document }, signal);
}

async function saveMapping(body, signal) {
  const response = await request("/v1/mappings", { ...json("POST", body), signal });
  return (await response.json()).reference;
}

const json = (method, body) => ({ method, body: JSON.stringify(body), contentType: "application/json" });
