// An upload under way: its page moves with it, and becomes the result when it is done.

import { showTimes } from "./times.js";
import { ask, pause } from "./talk.js";

// Milliseconds between two questions.
const REST = 1000;
const LONGEST_REST = 5000;

const view = document.getElementById("upload-view");
if (view?.dataset.done === "no") follow();

async function follow() {
  const address = `/v1/uploads/${encodeURIComponent(view.dataset.upload)}`;
  const said = document.getElementById("live-said");
  let seen = view.dataset.version;
  let tenth = -1;
  // A server that answers at once instead of waiting is not asked without a rest, and less often while nothing moves.
  let rest = REST;
  for (;;) {
    try {
      const query = new URLSearchParams({ wait: 20, seen });
      const upload = await (await ask(`${address}?${query}`)).json();
      fault("");
      rest = upload.version === seen ? Math.min(1.5 * rest, LONGEST_REST) : REST;
      seen = upload.version;
      if (upload.phase === "done") break;
      show(upload);
      // A screen reader is told each tenth, not each row.
      const now = Math.floor((10 * (upload.valid_records + upload.error_records)) / Math.max(1, upload.total_records));
      if (now > tenth) said.textContent = document.getElementById("live-count").textContent;
      tenth = now;
      await pause(rest);
    } catch (error) {
      fault(error.message);
      if (error.status === 401 || error.status === 404) return;
      await pause(LONGEST_REST);
    }
  }
  await finish();
}

function show(upload) {
  const { total_records: total, valid_records: valid, error_records: error } = upload;
  const whole = Math.max(1, total);
  const bar = view.querySelector("#live svg.bar");
  bar.querySelector(".bar-good").setAttribute("width", (100 * valid) / whole);
  bar.querySelector(".bar-bad").setAttribute("x", (100 * valid) / whole);
  bar.querySelector(".bar-bad").setAttribute("width", (100 * error) / whole);
  bar.setAttribute("aria-label", `${valid} of ${total} rows accepted, ${error} rejected`);
  const write = (id, text) => (document.getElementById(id).textContent = text);
  const rows = total === 1 ? "1 row" : `${total.toLocaleString()} rows`;
  write("live-count", `${(valid + error).toLocaleString()} of ${rows} checked`);
  write("live-valid", valid.toLocaleString());
  write("live-error", error.toLocaleString());
  write("live-waiting", upload.waiting_records.toLocaleString());
  for (const step of view.querySelectorAll("[data-phase]")) {
    if (step.dataset.phase === upload.phase) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

// The result is drawn by the server alone: the same page again, of which the part that changed is taken.
async function finish() {
  try {
    const answer = await ask(`/uploads/${encodeURIComponent(view.dataset.upload)}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const result = page.getElementById("upload-view");
    const inside = view.contains(document.activeElement) || document.activeElement === document.body;
    view.replaceChildren(...result.childNodes);
    view.dataset.done = result.dataset.done;
    showTimes(view);
    if (inside) document.getElementById("title").focus({ preventScroll: true });
    const said = document.createElement("p");
    said.className = "sr";
    said.setAttribute("role", "status");
    view.append(said);
    await pause(100);
    said.textContent = view.querySelector(".note")?.textContent ?? "The upload is finished.";
  } catch {
    window.location.reload();
  }
}

function fault(text) {
  const note = document.getElementById("live-fault");
  if (!note) return;
  note.textContent = text;
  note.hidden = !text;
}
