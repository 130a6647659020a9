// Stands in for a WebSocket where a proxy lets none through: what is sent goes in small POSTs of
// plain bytes, what comes is asked for. It has as much of a WebSocket's face as the page uses.

import { ask, BlockedError, sleep } from "./server.js";

/** Bytes of a POST, unless one message has more. */
const PIECE = 256 << 10;
/** Milliseconds between two attempts, and how many there are before the connection is lost. */
const AGAIN = 1000;
const ATTEMPTS = 10;

export class PostedSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  #path;
  #over = false;
  #queue = [];
  #posted = 0; // messages that have arrived
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
    if (this.#over) return;
    this.#over = true;
    if (!this.#posting) this.#leave();
  }

  async #open(path) {
    try {
      const { socket } = await ask("POST", path);
      this.#path = `/sockets/${socket}`;
      if (this.#over) return;
      this.onopen?.({});
      await this.#poll();
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Fetches what there is, again and again. */
  async #poll() {
    for (let seen = 0; !this.#over; ) {
      const { messages } = await patiently(() => ask("GET", `${this.#path}?seen=${seen}`));
      if (!messages) throw new Error("the server has ended it");
      seen += messages.length;
      for (const data of messages) if (!this.#over) this.onmessage?.({ data });
    }
  }

  /** Sends what waits, a POST at a time; one that may not have arrived is sent again. */
  async #post() {
    this.#posting = true;
    try {
      while (this.#queue.length) {
        const parts = [];
        let size = 0;
        for (const message of this.#queue) {
          if (parts.length && size + message.size > PIECE) break;
          parts.push(header(message), message.bytes);
          size += message.size;
        }
        const more = { "Content-Type": "application/octet-stream", "X-Number": this.#posted };
        const body = new Blob(parts);
        const { received } = await patiently(() => ask("POST", this.#path, { body, more }));
        this.#queue.splice(0, received - this.#posted);
        this.#posted = received;
      }
    } catch (error) {
      this.#lose(error);
    }
    this.#posting = false;
    if (this.#over) this.#leave();
  }

  #leave() {
    if (this.#path) ask("DELETE", this.#path).catch(() => {});
  }

  #lose(error) {
    if (this.#over) return;
    this.#over = true;
    this.onclose?.({ reason: error.message });
  }
}

/** Tries until it is not the network that fails. */
async function patiently(request) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof BlockedError) || attempt === ATTEMPTS) throw error;
      await sleep(AGAIN);
    }
  }
}

function header({ kind, size }) {
  const bytes = new DataView(new ArrayBuffer(5));
  bytes.setUint8(0, kind);
  bytes.setUint32(1, size);
  return bytes;
}
