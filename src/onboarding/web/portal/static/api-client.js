// Sends requests to the server with the session's CSRF token; failures become errors with a readable message.

export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

let csrfToken = readToken(document);

function readToken(page) {
  return page.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

// Takes the token of the current session, after the user has signed in again in another tab.
export async function renewToken() {
  const page = await (await request(window.location.pathname)).text();
  csrfToken = readToken(new DOMParser().parseFromString(page, "text/html"));
}

export async function request(path, { method = "GET", body, contentType, signal, keepalive } = {}) {
  const headers = { "X-CSRF-Token": csrfToken };
  if (contentType) headers["Content-Type"] = contentType;
  let response;
  try {
    response = await fetch(path, { method, body, headers, signal, keepalive, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError("Can't reach the server. Check your connection and try again.", 0);
  }
  if (!response.ok) throw new RequestError(await errorMessage(response), response.status);
  return response;
}

async function errorMessage(response) {
  const fallback = `The server responded with HTTP ${response.status}. Try again later.`;
  if (response.status === 401) return "You are no longer signed in. Reload the page to sign in again.";
  if (response.headers.get("Content-Type")?.includes("json")) {
    // The API Gateway on AWS has its own format: {"message": …}.
    const problem = await response.json().catch(() => null);
    const fieldErrors = (problem?.errors ?? []).map((error) => `${error.field}: ${error.message}`);
    return [problem?.detail ?? problem?.message ?? fallback, ...fieldErrors].join(" ");
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("main h1 + p")?.textContent.trim() || fallback;
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
