// Requests to the server, and answers that did not come from the server.

const token = document.querySelector("meta[name=csrf-token]").content;

/** The server rejected a request. */
export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Something between the page and the server blocked a request. */
export class BlockedError extends Error {}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns a random ID. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const headers = { "X-CSRF-Token": token };

/** Sends a request and returns the answer's JSON; throws a ServerError or a BlockedError. */
export async function ask(method, path, { json, body, extra, signal } = {}) {
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  let response, text;
  try {
    response = await fetch(path, {
      method,
      headers: { ...headers, ...type, ...extra },
      body: json === undefined ? body : JSON.stringify(json),
      signal,
    });
    text = await response.text(); // fails, too, if the connection is lost
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new BlockedError(failureReason(0));
  }
  check(response.status, response.headers.get("X-Azstt"), text);
  return text ? JSON.parse(text) : null;
}

/** Throws unless an answer is a success that came from the server. */
export function check(status, ours, text) {
  if (!ours) throw new BlockedError(failureReason(status, text));
  if (status >= 400) throw new ServerError(JSON.parse(text).error, status);
}

function failureReason(status, text = "") {
  if (!navigator.onLine) return "this device is offline";
  if (status === 0) return "the connection was closed";
  if (status === 407) return "a proxy requires you to sign in (407)";
  if (status === 413) return "a proxy rejected it as too large (413)";
  if (status === 403 || status === 451) return `a proxy denied it (${status})`;
  if (status >= 500) return `a gateway failed (${status})`;
  if (/<html|<!doctype/i.test(text)) return `a proxy answered with its own page (${status})`;
  return `the answer did not come from the server (${status})`;
}
