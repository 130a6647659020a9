// What the client is built of: errors, promises, and messages.

/** The longest audio message, in bytes. */
const MAX_CHUNK = 1 << 20;

/** The reason why a session failed or a call was rejected. */
export class LiveError extends Error {
  constructor({ type, message, code = null, retryable = false }) {
    super(message);
    this.name = "LiveError";
    this.type = type;
    this.code = code;
    this.retryable = retryable;
  }
}

/** Returns a promise with the functions that settle it. */
export function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

/** Marks a promise as handled: not awaiting it is no error. */
export function handled(promise) {
  promise.catch(() => {});
  return promise;
}

/** Returns the URL for a WebSocket. */
export function absolute(url) {
  try {
    return new URL(url, globalThis.location?.href).href.replace(/^http/, "ws");
  } catch {
    throw misuse(`invalid URL: ${url}`);
  }
}

/** Returns the error for a call that makes no sense. */
export function misuse(message) {
  return new LiveError({ type: "SessionStateError", message });
}

/** Returns the size of a message: bytes of audio, or characters. */
export function sizeOf(message) {
  return message.size ?? message.byteLength ?? message.length;
}

/** Splits audio into messages. They are copies, so the caller may reuse its buffer. */
export function* chunks(audio) {
  const size = audio.size ?? audio.byteLength;
  if (size === undefined) throw misuse("send() takes an ArrayBuffer, a typed array, or a Blob");
  const [whole, first] = ArrayBuffer.isView(audio) ? [audio.buffer, audio.byteOffset] : [audio, 0];
  const end = first + size;
  for (let at = first; at < end; at += MAX_CHUNK) {
    yield whole.slice(at, Math.min(end, at + MAX_CHUNK));
  }
}
