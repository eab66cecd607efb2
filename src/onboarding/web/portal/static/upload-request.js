// Sends a file to the bucket and finds the upload that it opens.

import { request, RequestError, sleep } from "./api-client.js";

// Posts the form of an upload session with the file. `onProgress` is called with the sent bytes and all bytes.
// XMLHttpRequest, because fetch does not report upload progress.
export function postFile({ url, fields }, file, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.append(name, value);
    data.append("file", file);
    const xhr = new XMLHttpRequest();
    xhr.open("POST", url);
    xhr.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded, event.total);
    });
    xhr.addEventListener("load", () => {
      if (xhr.status < 300) return resolve();
      const code = xhr.responseXML?.querySelector("Code")?.textContent ?? "";
      reject(new RequestError(`The upload failed (HTTP ${xhr.status} ${code}). Try again.`, xhr.status));
    });
    xhr.addEventListener("error", () => {
      reject(new RequestError("The connection was lost during the upload. Try again.", 0));
    });
    xhr.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(data);
  });
}

// Returns the id of the upload of a session. Processing starts within seconds, or minutes on a busy server. The file is
// stored, so temporary errors are retried; `onTrouble` is called with their message, or with a blank one.
export async function waitForUpload(sessionId, { onTrouble }) {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    try {
      const session = await (await request(`/v1/upload-sessions/${sessionId}`)).json();
      onTrouble("");
      if (session.upload) return session.upload.upload_id;
    } catch (error) {
      if (!(error instanceof RequestError) || !isTemporary(error.status)) throw error;
      onTrouble(error.message);
    }
    await sleep(Math.min(5000, 250 * 1.2 ** attempt));
  }
  throw new RequestError("Your file is still queued. You'll find it in your history shortly.", 0);
}

function isTemporary(status) {
  return status === 0 || status === 429 || status >= 500;
}

export function describeError(error) {
  if (error instanceof RequestError) return error.message;
  return error.name === "NotReadableError"
    ? "The file changed or can no longer be read. Choose it again."
    : `Something went wrong: ${error.message}`;
}

export function formatSize(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 2 ** 20 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 2 ** 20).toFixed(1).replace(".0", "")} MB`;
}
