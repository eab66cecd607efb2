// Asking the server: the session's token goes with it, and what went wrong comes back as a sentence.

export class Fault extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export async function ask(path, { method = "GET", body, type, signal } = {}) {
  const headers = { "X-CSRF-Token": token };
  if (type) headers["Content-Type"] = type;
  let answer;
  try {
    answer = await fetch(path, { method, body, headers, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("The server could not be reached. Is there a connection?", 0);
  }
  if (!answer.ok) throw new Fault(await reason(answer), answer.status);
  return answer;
}

async function reason(answer) {
  if (answer.status === 401) return "You are no longer signed in. Reload the page to sign in again.";
  if (answer.headers.get("Content-Type")?.includes("json")) {
    // What stands before the server (on AWS the gateway) says it in its own way, such as {"message": …}.
    const problem = await answer.json().catch(() => null);
    const fields = (problem?.errors ?? []).map((item) => `${item.field}: ${item.message}`);
    return [problem?.detail ?? problem?.message ?? `The server answered ${answer.status}.`, ...fields].join(" ");
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("main h1 + p")?.textContent.trim() || `The server answered ${answer.status}.`;
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
