// Requests to the server, and answers that did not come from the server.

/** Milliseconds after which a request without an answer counts as lost. */
const TIMEOUT = 30_000;
/** Milliseconds between attempts. */
const RETRY_DELAY = 1000;

export const token = document.querySelector("meta[name=csrf-token]").content;

/** The server rejected a request. */
export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.retryable = status === 429 || status >= 500;
  }
}

/** A request got no answer, or one from something between the page and the server: see `status`. */
export class BlockedError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status; // 0 is no answer
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns a random ID. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends a request and returns the answer's JSON; throws a ServerError or a BlockedError. */
export async function ask(method, path, options) {
  const { text } = await exchange(method, path, options);
  return text ? JSON.parse(text) : null;
}

/** Sends a request, and returns the answer's headers and text; throws as `ask` does. */
export async function exchange(method, path, { json, body, extra, signal } = {}) {
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  const timeout = AbortSignal.timeout(TIMEOUT);
  let response, text;
  try {
    response = await fetch(path, {
      method,
      headers: { "X-CSRF-Token": token, ...type, ...extra },
      body: json === undefined ? body : JSON.stringify(json),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    text = await response.text(); // fails, too, if the connection is lost
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new BlockedError(timeout.aborted ? "nothing gets through" : failureReason(0), 0);
  }
  const { status } = response;
  if (!response.headers.get("X-Azstt")) throw new BlockedError(failureReason(status, text), status);
  if (status >= 400) throw new ServerError(text ? JSON.parse(text).error : `error ${status}`, status);
  return { headers: response.headers, text };
}

/**
 * Repeats a request that does not reach the server, for some seconds from the first failure.
 * `onLost(error)` is called for each failure, and `onBack()` when an answer follows one.
 */
export async function patiently(request, { seconds, signal, onLost, onBack }) {
  for (let since = null; ; await sleep(RETRY_DELAY)) {
    try {
      const answer = await request();
      if (since !== null) onBack?.();
      return answer;
    } catch (error) {
      if (signal?.aborted || !(error instanceof BlockedError)) throw error;
      since ??= performance.now();
      if (performance.now() - since > seconds * 1000) throw error;
      onLost?.(error);
    }
  }
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
