// Replaces a WebSocket where a proxy blocks them: sends messages in small POSTs of plain bytes, and
// fetches messages by long polling. It has the part of the WebSocket interface that the page uses.

import { ask, patiently } from "./server.js";

/** The most bytes in a POST, unless a single message is larger. */
const MAX_POST = 256 << 10;
/** Seconds without an answer after which the connection is lost. */
const PATIENCE = 10;

const persist = (...request) => patiently(() => ask(...request), { seconds: PATIENCE });

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
      const { messages } = await persist("GET", `${this.#path}?seen=${seen}`);
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
        const { received } = await persist("POST", this.#path, { body, extra });
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

function header({ kind, size }) {
  const bytes = new DataView(new ArrayBuffer(5));
  bytes.setUint8(0, kind);
  bytes.setUint32(1, size);
  return bytes;
}
