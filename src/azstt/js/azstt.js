// Live transcripts in a page: audio goes out and words come back, over a WebSocket that may be
// lost and made anew without losing or doubling either. It depends on nothing, and runs in
// browsers and in Node.js from 22 on. The types are in azstt.d.ts.
//
// The server's end is azstt.WireServer or azstt.BlockingWireServer; azstt/_wire.py tells the
// protocol, and `azstt schema` prints its JSON Schema.

export { PCM, recordOpus, recordPcm } from "./azstt-capture.js";

/** Bytes that a message may have. */
const PIECE = 1 << 20;

/** Why a session failed or a command was refused. */
export class LiveError extends Error {
  constructor({ type, message, code = null, retryable = false }) {
    super(message);
    this.name = "LiveError";
    this.type = type;
    this.code = code;
    this.retryable = retryable;
  }
}

/**
 * One live session. It dispatches the session's events by their kind ("partial", "final"...),
 * each with the event as its detail, and "connected", "disconnected" and "refused".
 */
export class LiveClient extends EventTarget {
  #tuning;
  #url = "";
  #start = null; // the command that begins the session; null before connect()
  #finished = false;
  #over = false;
  #failure = null;
  #opening = deferred();
  #ending = deferred();

  // The connection.
  #socket = null;
  #asked = false; // it has taken the first command
  #open = false; // the server has answered on it
  #dialling = null; // the timer of the next attempt
  #beating = null; // the timer of the pings
  #silence = 0; // pings in a row without anything from the server
  #session = null;
  #grace = 0; // seconds that the server keeps the session without a connection
  #lostAt = 0;
  #attempt = 0;

  // What goes out: messages are counted from the first of the session.
  #queue = []; // those that the server has not acknowledged
  #size = 0; // bytes in it
  #received = 0; // messages before it
  #sent = 0; // messages that this connection has taken
  #unasked = 0; // bytes that it has taken since the last ping
  #full = null; // what whoever waits for room waits for

  // What has come in.
  #seen = 0; // the number of the last event
  #finals = [];
  #partial = null;

  constructor({
    limit = 8 << 20,
    heartbeat = 5000,
    backoff = [250, 5000],
    socket = (url) => new WebSocket(url),
  } = {}) {
    super();
    this.#tuning = { limit, heartbeat, backoff, socket };
    for (const { promise } of [this.#opening, this.#ending]) promise.catch(() => {}); // "failed" tells
  }

  get over() {
    return this.#over;
  }

  get audio() {
    return this.#start?.audio;
  }

  get finals() {
    return [...this.#finals];
  }

  get partial() {
    return this.#partial;
  }

  get transcript() {
    const open = this.#partial ? [this.#partial.stable + this.#partial.tail] : [];
    return [...this.#finals.map((segment) => segment.text), ...open].join(" ");
  }

  get buffered() {
    return this.#size;
  }

  connect(url, { audio = "auto", language = [], diarize = false, phrases = [] } = {}) {
    if (this.#start) throw misuse("connect() was called before; make another client");
    if (this.#over) throw this.#failure;
    this.#url = new URL(url, globalThis.location?.href).href.replace(/^http/, "ws");
    this.#start = { kind: "start", audio, language: [language].flat(), diarize, phrases };
    this.#dial();
    this.#beating = setInterval(() => this.#beat(), this.#tuning.heartbeat);
    return this.#opening.promise;
  }

  send(audio) {
    const { limit } = this.#tuning;
    const size = this.#size + (audio.size ?? audio.byteLength);
    if (this.#full && size > limit) {
      // Part of a recording is none: what can't be kept ends the session.
      const message = `${size} bytes wait for the server; no more than ${limit} may`;
      this.#fail({ type: "BufferFullError", message, code: null, retryable: true });
      throw this.#failure;
    }
    for (const piece of pieces(audio)) this.#put(piece);
    if (this.#size > limit / 2) this.#full ??= deferred();
    return this.#full?.promise ?? Promise.resolve();
  }

  commit() {
    this.#put(JSON.stringify({ kind: "commit" }));
  }

  update({ language, phrases } = {}) {
    const tags = language === undefined ? undefined : [language].flat();
    this.#put(JSON.stringify({ kind: "update", language: tags, phrases })); // undefined is left out
  }

  finish() {
    this.#put(JSON.stringify({ kind: "finish" }));
    this.#finished = true;
    return this.#ending.promise;
  }

  close() {
    if (!this.#over) this.#end(misuse("the session was closed"));
  }

  // What goes out.

  /** Takes a message that counts: audio or a command. */
  #put(message) {
    if (this.#over) throw this.#failure ?? misuse("the session is over");
    if (this.#finished) throw misuse("nothing can be sent after finish()");
    this.#queue.push(message);
    this.#size += sizeOf(message);
    this.#flush();
  }

  #flush() {
    while (this.#open && this.#sent < this.#received + this.#queue.length) {
      const message = this.#queue[this.#sent - this.#received];
      this.#socket.send(message);
      this.#sent += 1;
      this.#unasked += sizeOf(message);
      if (this.#unasked > this.#tuning.limit / 8) this.#ping();
    }
  }

  /** Lets go of the messages that have arrived. */
  #acknowledge(received) {
    for (const message of this.#queue.splice(0, received - this.#received)) {
      this.#size -= sizeOf(message);
    }
    this.#received = received;
    if (this.#size <= this.#tuning.limit / 2) this.#makeRoom();
  }

  #makeRoom() {
    this.#full?.resolve();
    this.#full = null;
  }

  #ping() {
    this.#unasked = 0;
    this.#tell({ kind: "ping", seen: this.#seen });
  }

  /** Sends a command that does not count; it need not wait for the answer to the first. */
  #tell(command) {
    if (this.#asked) this.#socket.send(JSON.stringify(command));
  }

  // The connection.

  #dial() {
    const socket = this.#tuning.socket(this.#url);
    this.#socket = socket;
    this.#silence = 0;
    socket.onopen = () => {
      const resume = { kind: "resume", session: this.#session, seen: this.#seen };
      socket.send(JSON.stringify(this.#session ? resume : this.#start));
      this.#asked = true;
    };
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => this.#lose();
  }

  /**
   * A connection that says nothing for two pings is dead, whatever the browser believes. To begin
   * a session may take longer: a model is loaded, a service found.
   */
  #beat() {
    if (!this.#socket) return;
    this.#silence += 1;
    if (this.#silence > (this.#session ? 2 : 12)) this.#lose();
    else this.#ping();
  }

  #hangUp() {
    const socket = this.#socket;
    this.#socket = null;
    this.#asked = this.#open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Connects again, for as long as the server keeps the session. */
  #lose() {
    this.#hangUp();
    if (this.#attempt === 0) this.#lostAt = performance.now();
    const lost = performance.now() - this.#lostAt;
    if (!this.#session || lost > this.#grace * 1000) {
      const message = this.#session ? `no connection for ${this.#grace} s` : "no connection";
      this.#fail({ type: "ServiceUnreachableError", message, code: null, retryable: true });
      return;
    }
    const [first, most] = this.#tuning.backoff;
    const delay = Math.min(most, first * 2 ** this.#attempt) * (0.5 + Math.random() / 2);
    this.#attempt += 1;
    this.#dialling = setTimeout(() => this.#dial(), delay);
    this.#dispatch("disconnected", { attempt: this.#attempt, delay: delay / 1000 });
  }

  // What comes in.

  #hear(message) {
    this.#silence = 0;
    switch (message.kind) {
      case "opened":
        this.#opened(message);
        break;
      case "ack":
        this.#acknowledge(message.received);
        break;
      case "refused":
        if (this.#open) this.#dispatch("refused", message);
        else this.#fail(message.error);
        break;
      case "event":
        if (message.seq > this.#seen) {
          this.#seen = message.seq;
          this.#happen(message.event);
        }
    }
  }

  #opened({ session, received, grace }) {
    const resumed = this.#session !== null;
    this.#session = session;
    this.#grace = grace;
    this.#attempt = 0;
    this.#open = true;
    this.#acknowledge(received);
    this.#sent = received;
    this.#flush();
    this.#opening.resolve();
    this.#dispatch("connected", { resumed });
  }

  #happen(event) {
    if (event.kind === "partial") {
      this.#partial = event;
    } else if (event.kind === "final") {
      this.#partial = null;
      if (event.segment.text) this.#finals.push(event.segment);
    } else if (event.kind === "failed") {
      this.#fail(event.error);
      return;
    } else if (event.kind === "ended") {
      this.#partial = null;
      this.#end(null);
    }
    this.#dispatch(event.kind, event);
  }

  #fail(error) {
    this.#end(new LiveError(error));
    this.#dispatch("failed", { kind: "failed", error });
  }

  /** Lets go of everything, and has the server do so too. */
  #end(error) {
    this.#over = true;
    this.#failure = error;
    this.#tell({ kind: "close" });
    this.#hangUp();
    clearTimeout(this.#dialling);
    clearInterval(this.#beating);
    this.#queue = [];
    this.#size = 0;
    this.#makeRoom();
    if (error) {
      this.#opening.reject(error);
      this.#ending.reject(error);
    } else {
      this.#ending.resolve(this.transcript);
    }
  }

  #dispatch(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

function misuse(message) {
  return new LiveError({ type: "SessionStateError", message });
}

function sizeOf(message) {
  return message.size ?? message.byteLength ?? message.length;
}

/** Cuts audio into messages that are not too long, and that nobody writes to any more. */
function* pieces(audio) {
  const size = audio.size ?? audio.byteLength;
  if (size === undefined) throw misuse("send() takes an ArrayBuffer, a typed array or a Blob");
  const [whole, first] = ArrayBuffer.isView(audio) ? [audio.buffer, audio.byteOffset] : [audio, 0];
  const end = first + size;
  for (let at = first; at < end; at += PIECE) yield whole.slice(at, Math.min(end, at + PIECE));
}
