// The upload form: a file is dropped or chosen, previewed, sent straight to the bucket, and followed to its page.

import { showTimes } from "./times.js";
import { ask, Fault, pause } from "./talk.js";

const form = document.getElementById("upload");
if (form) start();

function start() {
  const element = (id) => document.getElementById(id);
  const drop = element("drop");
  const input = element("file");
  const preview = element("preview");
  const go = element("go");
  const stop = element("stop");
  const sending = element("sending");
  const bytes = element("bytes");
  const maxBytes = Number(form.dataset.maxBytes);
  const suffixes = form.dataset.suffixes.split(" ");
  let file = null;
  let looking = null;
  let sendingNow = null;

  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (sendingNow) return;
    const dropped = event.dataTransfer.files;
    if (dropped.length > 1) return fault("One file at a time, please.");
    if (dropped.length) choose(dropped[0]);
  });
  // A file that misses the box would else replace the page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  drop.addEventListener("click", (event) => {
    // The label and the field open the dialog by themselves.
    if (!event.target.closest("label, input") && !sendingNow) input.click();
  });
  input.addEventListener("change", () => {
    if (input.files.length) choose(input.files[0]);
    // So that choosing the same file after mending it is a change again.
    input.value = "";
  });
  form.addEventListener("change", (event) => {
    if (event.target.name && file) look();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file && !sendingNow) send();
  });
  stop.addEventListener("click", () => sendingNow?.abort());
  form.dataset.ready = "yes";

  function choose(chosen) {
    fault("");
    preview.replaceChildren();
    go.disabled = true;
    file = null;
    drop.classList.remove("has-file");
    element("drop-title").textContent = "Drop a file here";
    element("pick").textContent = "choose one";
    if (!suffixes.some((suffix) => chosen.name.toLowerCase().endsWith(suffix))) {
      return fault(`${chosen.name} is no product file: its name must end in ${suffixes.slice(0, -1).join(", ")} or ${suffixes.at(-1)}.`);
    }
    if (chosen.size === 0) return fault(`${chosen.name} is empty.`);
    if (chosen.size > maxBytes) return fault(`${chosen.name} is too large: ${shown(chosen.size)} of ${shown(maxBytes)}.`);
    file = chosen;
    drop.classList.add("has-file");
    element("drop-title").textContent = `${chosen.name} (${shown(chosen.size)})`;
    element("pick").textContent = "choose another";
    look();
  }

  async function look() {
    looking?.abort();
    const mine = (looking = new AbortController());
    fault("");
    go.textContent = "Upload";
    const previewBytes = Number(form.dataset.previewBytes);
    if (file.size > previewBytes) {
      const limit = `files of more than ${shown(previewBytes)} are not looked at before they are uploaded`;
      return unseen(`${file.name} has ${shown(file.size)}, and ${limit}.`);
    }
    go.disabled = true;
    preview.setAttribute("aria-busy", "true");
    preview.replaceChildren(note("Reading the file …", "loading"));
    try {
      const query = new URLSearchParams(options());
      const type = "application/octet-stream";
      const answer = await ask(`/preview?${query}`, { method: "POST", body: file, type, signal: mine.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      preview.replaceChildren(...page.body.childNodes);
      showTimes(preview);
      intoSight(preview);
      const found = preview.querySelector("[data-rows]");
      const rows = Number(found?.dataset.rows);
      go.disabled = rows === 0;
      go.textContent = rows ? `Upload ${rows === 1 ? "1 row" : `${rows.toLocaleString()} rows`}` : "Upload";
    } catch (error) {
      if (error.name !== "AbortError") unseen(explained(error));
    } finally {
      if (mine === looking) preview.removeAttribute("aria-busy");
    }
  }

  // What the preview would say, the result says too: without one a file can be uploaded all the same.
  function unseen(why) {
    const warning = note(`${why} You can upload it all the same: the result will say what is wrong.`, "note warn");
    const title = document.createElement("strong");
    title.textContent = "There is no preview. ";
    warning.prepend(title);
    preview.replaceChildren(warning);
    intoSight(preview);
    go.disabled = false;
  }

  function options() {
    const data = new FormData(form);
    return { mode: data.get("mode"), on_error: data.get("on_error"), force: String(data.has("force")) };
  }

  async function send() {
    fault("");
    sendingNow = new AbortController();
    // Before the fields are locked: a form does not tell of those.
    const chosen = options();
    lock(true);
    progress(0, file.size);
    say("Uploading.");
    try {
      const wanted = { file_name: file.name, ...chosen, force: chosen.force === "true" };
      const { signal } = sendingNow;
      const body = JSON.stringify(wanted);
      const ticket = await (await ask("/v1/tickets", { method: "POST", body, type: "application/json", signal })).json();
      await post(ticket.form, signal);
      stop.hidden = true;
      bytes.removeAttribute("value");
      element("bytes-label").textContent = "Uploaded";
      element("bytes-text").textContent = "Waiting for it to be opened …";
      say("Uploaded. Waiting for it to be opened.");
      window.location.assign(`/uploads/${encodeURIComponent(await opened(ticket.ticket_id))}`);
    } catch (error) {
      sending.hidden = true;
      if (error.name === "AbortError") say("The upload was cancelled.");
      else fault(explained(error));
      lock(false);
      sendingNow = null;
    }
  }

  // XMLHttpRequest, since fetch does not tell how much of a body has gone.
  function post(target, signal) {
    return new Promise((done, failed) => {
      const data = new FormData();
      for (const [name, value] of Object.entries(target.fields)) data.append(name, value);
      data.append("file", file);
      const request = new XMLHttpRequest();
      request.open("POST", target.url);
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) progress(event.loaded, event.total);
      });
      request.addEventListener("load", () => {
        if (request.status < 300) return done();
        const code = request.responseXML?.querySelector("Code")?.textContent ?? "";
        failed(new Fault(`The file was not taken (${request.status} ${code}). Please try again.`, request.status));
      });
      request.addEventListener("error", () => {
        failed(new Fault("The connection broke while the file was sent. Please try again.", 0));
      });
      request.addEventListener("abort", () => failed(new DOMException("cancelled", "AbortError")));
      signal.addEventListener("abort", () => request.abort());
      request.send(data);
    });
  }

  // A file is opened within a second or two; a cold start takes some more, and a busy server some minutes. The file is
  // there: an answer that does not come is asked for again.
  async function opened(ticketId) {
    for (let tries = 0; tries < 60; tries += 1) {
      try {
        const ticket = await (await ask(`/v1/tickets/${ticketId}`)).json();
        if (ticket.upload) return ticket.upload.upload_id;
      } catch (error) {
        if (!(error instanceof Fault && (error.status === 0 || error.status === 429 || error.status >= 500))) throw error;
      }
      await pause(Math.min(5000, 250 * 1.2 ** tries));
    }
    throw new Fault("The file has arrived but was not opened yet. It will be listed in the history.", 0);
  }

  function progress(sent, all) {
    const share = all ? Math.floor((100 * sent) / all) : 0;
    bytes.value = share;
    element("bytes-label").textContent = "Uploading";
    element("bytes-text").textContent = `${shown(Math.min(sent, all))} of ${shown(all)}, ${share} %`;
    sending.hidden = false;
  }

  function lock(locked) {
    for (const control of form.querySelectorAll("fieldset, #file")) control.disabled = locked;
    drop.classList.toggle("locked", locked);
    go.disabled = locked;
    stop.hidden = !locked;
  }

  function fault(text) {
    element("fault").textContent = text;
    element("fault").hidden = !text;
    if (text) intoSight(element("fault"));
  }

  function say(text) {
    element("said").textContent = text;
  }
}

// On a small screen what was found lies below the options.
function intoSight(found) {
  if (found.getBoundingClientRect().top > 0.6 * window.innerHeight) found.scrollIntoView({ block: "start" });
}

function note(text, kind) {
  const paragraph = document.createElement("p");
  paragraph.className = kind;
  paragraph.textContent = text;
  return paragraph;
}

function explained(error) {
  if (error instanceof Fault) return error.message;
  return error.name === "NotReadableError"
    ? "The file changed or cannot be read any more. Please choose it again."
    : `Something went wrong in this page: ${error.message}`;
}

function shown(size) {
  if (size < 1024) return `${size} bytes`;
  return size < 2 ** 20 ? `${Math.round(size / 1024)} kB` : `${(size / 2 ** 20).toFixed(1).replace(".0", "")} MB`;
}
