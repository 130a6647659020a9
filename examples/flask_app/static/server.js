// What the page asks of the server, and what it makes of an answer that is not the server's.

const token = document.querySelector("meta[name=csrf-token]").content;

/** The server said no. */
export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Something between the page and the server did not let a request through. */
export class BlockedError extends Error {}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** An id that nobody can guess. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const headers = { "X-CSRF-Token": token };

/** Sends a request and gives the JSON of its answer; raises a ServerError or a BlockedError. */
export async function ask(method, path, { json, body, more, signal } = {}) {
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { ...headers, ...type, ...more },
      body: json === undefined ? body : JSON.stringify(json),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new BlockedError(howItFailed(0));
  }
  const text = await response.text();
  check(response.status, response.headers.get("X-Azstt"), text);
  return text ? JSON.parse(text) : null;
}

/** Raises what an answer means, unless it is the server's own and good. */
export function check(status, ours, text) {
  if (!ours) throw new BlockedError(howItFailed(status, text));
  if (status >= 400) throw new ServerError(JSON.parse(text).error, status);
}

function howItFailed(status, text = "") {
  if (!navigator.onLine) return "this device has no network";
  if (status === 0) return "the connection was cut off";
  if (status === 407) return "a proxy wants you to sign in (407)";
  if (status === 413) return "a proxy finds it too large (413)";
  if (status === 403 || status === 451) return `a proxy forbids it (${status})`;
  if (status >= 500) return `a gateway failed (${status})`;
  if (/<html|<!doctype/i.test(text)) return `a proxy answered with a page of its own (${status})`;
  return `the answer was not the server's (${status})`;
}
