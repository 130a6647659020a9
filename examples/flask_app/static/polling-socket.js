// Replaces a WebSocket where a proxy blocks them: sends messages in small POSTs of plain bytes, and
// fetches messages by long polling. It has the part of the WebSocket interface that the page uses.

import { ask, BlockedError, sleep } from "./server.js";

/** The most bytes in a POST, unless a single message is larger. */
const MAX_POST = 256 << 10;
/** Milliseconds between attempts, and the number of attempts before the connection is lost. */
const RETRY_DELAY = 1000;
const ATTEMPTS = 10;

export class PollingSocket {
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  #path;
  #closed = false;
  #queue = [];
  #posted = 0; // messages that the server has received
  #posting = false;

  constructor(url) {
    const { pathname, search } = new URL(url, location.href);
    this.#open(pathname + search);
  }

  send(data) {
    const text = typeof data === "string";
    const bytes = text ? new TextEncoder().encode(data) : data;
    this.#queue.push({ kind: text ? 0 : 1, bytes, size: bytes.size ?? bytes.byteLength });
    if (!this.#posting) this.#post();
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#posting) this.#delete();
  }

  async #open(path) {
    try {
      const { socket } = await ask("POST", path);
      this.#path = `/sockets/${socket}`;
      if (this.#closed) return;
      this.onopen?.({});
      await this.#poll();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Fetches messages until the socket is closed. */
  async #poll() {
    for (let seen = 0; !this.#closed; ) {
      const { messages } = await withRetries(() => ask("GET", `${this.#path}?seen=${seen}`));
      if (!messages) throw new Error("the server closed the connection");
      seen += messages.length;
      for (const data of messages) if (!this.#closed) this.onmessage?.({ data });
    }
  }

  /** Sends queued messages, one POST at a time, repeating a POST that may not have arrived. */
  async #post() {
    this.#posting = true;
    try {
      while (this.#queue.length) {
        const parts = [];
        let size = 0;
        for (const message of this.#queue) {
          if (parts.length && size + message.size > MAX_POST) break;
          parts.push(header(message), message.bytes);
          size += message.size;
        }
        const extra = { "Content-Type": "application/octet-stream", "X-Number": this.#posted };
        const body = new Blob(parts);
        const { received } = await withRetries(() => ask("POST", this.#path, { body, extra }));
        this.#queue.splice(0, received - this.#posted);
        this.#posted = received;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#posting = false;
    if (this.#closed) this.#delete();
  }

  #delete() {
    if (this.#path) ask("DELETE", this.#path).catch(() => {});
  }

  #fail(error) {
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.({ reason: error.message });
  }
}

/** Repeats a request while the network fails. */
async function withRetries(request) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof BlockedError) || attempt === ATTEMPTS) throw error;
      await sleep(RETRY_DELAY);
    }
  }
}

function header({ kind, size }) {
  const bytes = new DataView(new ArrayBuffer(5));
  bytes.setUint8(0, kind);
  bytes.setUint32(1, size);
  return bytes;
}
