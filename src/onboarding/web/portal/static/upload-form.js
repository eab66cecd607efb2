// The upload form: previews a chosen file, sends it to the bucket and opens the page of its upload.

import { request } from "./api-client.js";
import { localizeTimes } from "./local-times.js";
import { documentOf, findStep, saveChoices } from "./mapping-step.js";
import { showTitleProgress } from "./page-update.js";
import { describeError, formatSize, postFile, waitForUpload } from "./upload-request.js";

const form = document.getElementById("upload-form");
if (form) initialize();

function initialize() {
  const element = (id) => document.getElementById(id);
  const dropzone = element("dropzone");
  const fileInput = element("file");
  const preview = element("preview");
  const applyButton = element("apply-button");
  const uploadButton = element("upload-button");
  const skipButton = element("skip-button");
  const uploadHint = element("upload-hint");
  const cancelButton = element("cancel-button");
  const uploadStatus = element("upload-status");
  const progress = element("upload-progress");
  const maxBytes = Number(form.dataset.maxBytes);
  const suffixes = form.dataset.suffixes.split(" ");
  let file = null;
  let previewAbort = null;
  let uploadAbort = null;
  // The step that matches columns and categories, and the choices in it that the preview shows.
  let step = null;
  let choices = null;
  // Whether the step has choices that the preview does not show, so that an upload would be without them.
  let isApplyRequired = false;

  for (const type of ["dragenter", "dragover"]) {
    dropzone.addEventListener(type, (event) => {
      event.preventDefault();
      dropzone.classList.add("is-dragover");
    });
  }
  for (const type of ["dragleave", "drop"]) {
    dropzone.addEventListener(type, () => dropzone.classList.remove("is-dragover"));
  }
  dropzone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (uploadAbort) return;
    const { files } = event.dataTransfer;
    if (files.length > 1) return showError("Upload one file at a time.");
    if (files.length) selectFile(files[0]);
  });
  // Without this, the browser opens a file that is dropped beside the dropzone.
  for (const type of ["dragover", "drop"]) window.addEventListener(type, (event) => event.preventDefault());
  dropzone.addEventListener("click", (event) => {
    // The label and the input open the file dialog themselves.
    if (!event.target.closest("label, input") && !uploadAbort) fileInput.click();
  });
  const takeChosenFile = () => {
    if (fileInput.files.length) selectFile(fileInput.files[0]);
    // Lets the user choose the same file again after correcting it.
    fileInput.value = "";
  };
  fileInput.addEventListener("change", takeChosenFile);
  form.addEventListener("change", (event) => {
    if (event.target.name && file) loadPreview();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file && !uploadAbort) upload();
  });
  applyButton.addEventListener("click", () => step.apply());
  skipButton.addEventListener("click", () => upload());
  cancelButton.addEventListener("click", () => uploadAbort?.abort());
  // The bar with the buttons is sticky: a focused control scrolls into the part of the page above it.
  new ResizeObserver(([{ target }]) => {
    document.documentElement.style.scrollPaddingBottom = `${target.offsetHeight + 12}px`;
  }).observe(form.querySelector(":scope > .upload-bar"), { box: "border-box" });
  // A file may be chosen before this script runs.
  takeChosenFile();
  form.dataset.ready = "true";

  function selectFile(selected) {
    showError("");
    preview.replaceChildren();
    uploadButton.disabled = true;
    file = null;
    step = choices = null;
    showApply(false);
    dropzone.classList.remove("has-file");
    element("dropzone-title").textContent = "Drop a file here";
    element("file-picker").textContent = "choose a file";
    if (!suffixes.some((suffix) => selected.name.toLowerCase().endsWith(suffix))) {
      const allowed = `${suffixes.slice(0, -1).join(", ")} or ${suffixes.at(-1)}`;
      return showError(`${selected.name} can't be uploaded: its name must end in ${allowed}.`);
    }
    if (selected.size === 0) return showError(`${selected.name} is empty.`);
    if (selected.size > maxBytes) {
      const limit = formatSize(maxBytes);
      return showError(
        `${selected.name} is ${formatSize(selected.size)}; the limit is ${limit}. Split it into smaller files.`,
      );
    }
    file = selected;
    dropzone.classList.add("has-file");
    element("dropzone-title").textContent = `${selected.name} (${formatSize(selected.size)})`;
    element("file-picker").textContent = "choose another file";
    loadPreview();
  }

  async function loadPreview(newChoices = choices) {
    previewAbort?.abort();
    const abort = (previewAbort = new AbortController());
    showError("");
    uploadButton.textContent = "Upload";
    const previewBytes = Number(form.dataset.previewBytes);
    if (file.size > previewBytes) return skipPreview(`Previews are limited to ${formatSize(previewBytes)}.`);
    uploadButton.disabled = true;
    showApply(false);
    preview.setAttribute("aria-busy", "true");
    const shownBefore = [...preview.childNodes];
    const edits = newChoices === choices ? step?.readEdits() : null;
    preview.replaceChildren(paragraph("Reading the file …", "loading"));
    try {
      const response = await requestPreview(newChoices, abort.signal);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (abort.signal.aborted) return;
      const isApplied = newChoices !== choices;
      choices = newChoices;
      preview.replaceChildren(...page.body.childNodes);
      localizeTimes(preview);
      const rows = countRows();
      uploadButton.disabled = rows === 0;
      if (rows) uploadButton.textContent = `Upload ${rows === 1 ? "1 row" : `${rows.toLocaleString()} rows`}`;
      step = findStep(preview, choices, edits, {
        remembered: step?.readRemember(),
        onApply: loadPreview,
        onChange: requireApply,
      });
      showApply(step?.isRequired);
      if (step?.hasSuggestions || step?.readEdits()) requireApply();
      if (isApplyRequired) step.open();
      if (step?.isRequired) step.focus();
      else if (isApplied) preview.querySelector("#preview-title").focus();
      scrollIntoView(preview);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (newChoices === choices) return skipPreview(describeError(error));
      // The choices were not accepted: show them again.
      preview.replaceChildren(...shownBefore);
      requireApply();
      showError(describeError(error));
    } finally {
      if (abort === previewAbort) preview.removeAttribute("aria-busy");
    }
  }

  function requestPreview(newChoices, signal) {
    const query = new URLSearchParams({ ...uploadOptions(), file_name: file.name.slice(0, 255) });
    if (!newChoices) {
      return request(`/preview?${query}`, { method: "POST", body: file, contentType: "application/octet-stream", signal });
    }
    query.set("declined_values", newChoices.declinedValues.size);
    const body = new FormData();
    body.append("file", file);
    body.append("mapping", JSON.stringify(documentOf(newChoices)));
    return request(`/preview?${query}`, { method: "POST", body, signal });
  }

  function countRows() {
    return Number(preview.querySelector("[data-rows]")?.dataset.rows);
  }

  // The preview does not show the choices in the step: the person applies them, or decides to upload without them.
  function requireApply() {
    uploadButton.disabled = true;
    uploadButton.textContent = "Upload";
    showApply(true);
    isApplyRequired = true;
    skipButton.hidden = !countRows();
    uploadHint.textContent = skipButton.hidden
      ? "Apply the choices above before you upload."
      : "The choices above are not applied yet. Apply them, or upload the file without them.";
  }

  // There is one primary button: to apply choices, or to upload.
  function showApply(visible) {
    applyButton.hidden = !visible;
    uploadButton.classList.toggle("primary", !visible);
    isApplyRequired = false;
    skipButton.hidden = true;
    uploadHint.textContent = "";
  }

  // The preview is optional: the upload validates the file in any case.
  function skipPreview(reason) {
    const warning = paragraph(`${reason} You can still upload the file; errors will appear in the result.`, "notice warning");
    const title = document.createElement("strong");
    title.textContent = "No preview. ";
    warning.prepend(title);
    preview.replaceChildren(warning);
    scrollIntoView(preview);
    showApply(false);
    uploadButton.disabled = false;
  }

  function uploadOptions() {
    const data = new FormData(form);
    return { mode: data.get("mode"), on_error: data.get("on_error"), force: String(data.has("force")) };
  }

  async function upload() {
    showError("");
    uploadAbort = new AbortController();
    const { signal } = uploadAbort;
    // Read the options before disabling the fields: FormData leaves out disabled fields.
    const options = uploadOptions();
    const buttonText = uploadButton.textContent;
    setLocked(true);
    showProgress(0, file.size);
    announce("Uploading.");
    try {
      const mapping = await findMapping(signal);
      const body = JSON.stringify({ file_name: file.name, ...options, force: options.force === "true", mapping });
      const contentType = "application/json";
      const response = await request("/v1/upload-sessions", { method: "POST", body, contentType, signal });
      const session = await response.json();
      await postFile(session.form, file, { signal, onProgress: showProgress });
      cancelButton.hidden = true;
      progress.removeAttribute("value");
      element("upload-progress-label").textContent = "Uploaded";
      element("upload-progress-text").textContent = "Starting checks …";
      uploadButton.textContent = "Starting checks …";
      announce("Uploaded. Starting checks.");
      const uploadId = await waitForUpload(session.upload_session_id, { onTrouble: showTrouble });
      window.location.assign(`/uploads/${encodeURIComponent(uploadId)}`);
    } catch (error) {
      uploadStatus.hidden = true;
      uploadButton.textContent = buttonText;
      showTitleProgress(null);
      showTrouble("");
      if (error.name === "AbortError") announce("Upload cancelled.");
      else showError(describeError(error));
      setLocked(false);
      uploadAbort = null;
      // Another mapping has this name.
      if (error.status === 409) step?.focusName();
    }
  }

  // Returns the mapping that the preview shows, so that the upload uses the same version.
  async function findMapping(signal) {
    if (!choices) return preview.querySelector("[data-mapping]")?.dataset.mapping;
    return saveChoices({ ...choices, ...step?.readRemember() }, signal);
  }

  function showProgress(sentBytes, totalBytes) {
    const percent = totalBytes ? Math.floor((100 * sentBytes) / totalBytes) : 0;
    progress.value = percent;
    const sent = formatSize(Math.min(sentBytes, totalBytes));
    element("upload-progress-label").textContent = "Uploading";
    element("upload-progress-text").textContent = `${sent} of ${formatSize(totalBytes)}, ${percent} %`;
    uploadButton.textContent = `Uploading ${percent} %`;
    showTitleProgress(percent);
    uploadStatus.hidden = false;
  }

  function showTrouble(message) {
    element("connection-notice").textContent = message && `${message} Your file has arrived: this page tries again.`;
    element("connection-notice").hidden = !message;
  }

  function setLocked(locked) {
    for (const control of form.querySelectorAll("fieldset, #file, #preview :is(input, select)")) control.disabled = locked;
    dropzone.classList.toggle("is-locked", locked);
    for (const button of [applyButton, skipButton]) button.disabled = locked;
    uploadButton.disabled = locked || isApplyRequired;
    cancelButton.hidden = !locked;
  }

  function showError(message) {
    element("form-error").textContent = message;
    element("form-error").hidden = !message;
    if (message) scrollIntoView(element("form-error"));
  }

  function announce(message) {
    element("announcement").textContent = message;
  }
}

// On a small screen, messages are below the visible part of the page.
function scrollIntoView(target) {
  if (target.getBoundingClientRect().top > 0.6 * window.innerHeight) target.scrollIntoView({ block: "start" });
}

function paragraph(text, className) {
  const element = document.createElement("p");
  element.className = className;
  element.textContent = text;
  return element;
}
