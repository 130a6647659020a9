// Live transcripts in a web page. Audio goes out and text comes back over a WebSocket; if the
// connection is lost, the client reconnects without losing or duplicating either. No dependencies;
// runs in browsers and in Node.js 22 or later. The types are in azstt.d.ts.
//
// The server side is azstt.WireServer or azstt.BlockingWireServer. The protocol is described in
// azstt/_web/messages.py, and `azstt schema` prints its JSON Schema.

import { LiveError, absolute, chunks, deferred, handled, misuse, sizeOf } from "./azstt-base.js";

export { PCM, recordOpus, recordPcm } from "./azstt-capture.js";
export { LiveError };

/** Whether audio was refused that is not what was declared: there would be no transcript of it. */
const isNoAudio = ({ kind, command, error }) =>
  kind === "refused" && command === "audio" && error.type === "ConfigurationError";

/**
 * One live session. It dispatches the session's events under their kind ("partial", "final"...),
 * each with the event as its detail, and also "connected", "disconnected" and "refused".
 */
export class LiveClient extends EventTarget {
  recordings = new Set();

  #tuning;
  #url = "";
  #start = null; // the command that starts the session; null before connect()
  #finishing = false; // finish() was called
  #finished = false; // and the command is in the queue
  #over = false;
  #failure = null;
  #opening = deferred();
  #ending = deferred();

  // The connection.
  #socket = null;
  #greeted = false; // the first command has been sent on it
  #open = false; // the server has answered it
  #retryTimer = null; // for the next attempt to connect
  #heartbeatTimer = null; // for the pings
  #unanswered = 0; // pings in a row with nothing from the server since
  #session = null; // its secret ID
  #grace = 0; // seconds that the server keeps the session without a connection
  #lostAt = 0;
  #attempt = 0;

  // Outgoing messages, counted from the start of the session.
  #queue = []; // messages that the server has not acknowledged
  #size = 0; // bytes in the queue
  #received = 0; // messages that the server has acknowledged
  #sent = 0; // messages sent on this connection, or received before it
  #sincePing = 0; // bytes sent since the last ping
  #full = null; // deferred: resolves when the queue has room

  // Incoming events.
  #seen = 0; // the number of the last event
  #finals = [];
  #gaps = [];
  #partial = null;

  constructor({
    limit = 8 << 20,
    heartbeat = 5000,
    backoff = [250, 5000],
    socket = (url) => new WebSocket(url),
  } = {}) {
    super();
    this.#tuning = { limit, heartbeat, backoff, socket };
    for (const { promise } of [this.#opening, this.#ending]) handled(promise);
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

  get gaps() {
    return [...this.#gaps];
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

  connect(url, options = {}) {
    try {
      this.#connect(url, options);
      return this.#opening.promise;
    } catch (error) {
      return this.#rejected(error);
    }
  }

  send(audio) {
    try {
      this.#putAudio(audio);
      return this.#full?.promise ?? Promise.resolve();
    } catch (error) {
      return this.#rejected(error);
    }
  }

  commit() {
    this.#put(JSON.stringify({ kind: "commit" }));
  }

  update({ language, phrases } = {}) {
    const tags = language === undefined ? undefined : [language].flat();
    this.#put(JSON.stringify({ kind: "update", language: tags, phrases })); // undefined is omitted
  }

  finish() {
    if (!this.#start && !this.#over) return this.#rejected(misuse("finish() before connect()"));
    if (!this.#finishing) this.#endAudio();
    return this.#ending.promise;
  }

  close() {
    if (!this.#over) this.#end(misuse("the session was closed"));
  }

  // Outgoing messages.

  #putAudio(audio) {
    const { limit } = this.#tuning;
    const size = this.#size + (audio.size ?? audio.byteLength);
    if (this.#full && size > limit) {
      // Audio with a gap is useless: if it can't be buffered, the session fails.
      const message = `send buffer is full: ${size} bytes not acknowledged, at most ${limit}`;
      this.#fail({ type: "BufferFullError", message, retryable: true });
      throw this.#failure;
    }
    for (const chunk of chunks(audio)) this.#put(chunk);
    if (this.#size > limit / 2) this.#full ??= deferred();
  }

  /** Stops the recordings, and ends the audio. */
  async #endAudio() {
    this.#finishing = true;
    if (this.recordings.size) {
      await Promise.allSettled([...this.recordings].map((recording) => recording.stop()));
    }
    if (!this.#over) this.#putFinish();
  }

  #putFinish() {
    this.#put(JSON.stringify({ kind: "finish" }));
    this.#finished = true;
  }

  /** Queues a message that counts: audio or a command. */
  #put(message) {
    if (this.#over) throw this.#failure ?? misuse("the session is over");
    if (this.#finished) throw misuse("can't send after finish()");
    this.#queue.push(message);
    this.#size += sizeOf(message);
    this.#flush();
  }

  #flush() {
    while (this.#open && this.#sent < this.#received + this.#queue.length) {
      const message = this.#queue[this.#sent - this.#received];
      this.#socket.send(message);
      this.#sent += 1;
      this.#sincePing += sizeOf(message);
      if (this.#sincePing > this.#tuning.limit / 8) this.#ping();
    }
  }

  /** Drops the messages that the server has received. */
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
    this.#sincePing = 0;
    this.#sendNow({ kind: "ping", seen: this.#seen });
  }

  /** Sends a command that does not count, if the connection has been opened. */
  #sendNow(command) {
    if (this.#greeted) this.#socket.send(JSON.stringify(command));
  }

  // The connection.

  #connect(url, { audio = "auto", language = [], diarize = false, phrases = [] }) {
    if (this.#over) throw this.#failure ?? misuse("the session is over");
    if (this.#start) throw misuse("connect() was already called; create another client");
    this.#url = absolute(url);
    this.#start = { kind: "start", audio, language: [language].flat(), diarize, phrases };
    this.#openSocket();
    if (this.#over) return; // there is no such socket
    this.#heartbeatTimer = setInterval(() => this.#heartbeat(), this.#tuning.heartbeat);
    globalThis.addEventListener?.("pagehide", this.#leave);
  }

  /** Ends the session of a page that is closed, so that the server has what was said at once. */
  #leave = ({ persisted }) => {
    if (persisted) return; // the user may come back to the page as it is now
    if (!this.#finished) this.#putFinish();
    this.close();
  };

  #openSocket() {
    this.#unanswered = 0;
    let socket;
    try {
      socket = this.#tuning.socket(this.#url);
    } catch (error) {
      this.#reconnect(error.message);
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      const resume = { kind: "resume", session: this.#session, seen: this.#seen };
      socket.send(JSON.stringify(this.#session ? resume : this.#start));
      this.#greeted = true;
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    // Node.js 22 reports a refused connection only as an error, browsers as both.
    socket.onerror = ({ message }) => this.#reconnect(message);
    socket.onclose = ({ reason }) => this.#reconnect(reason);
  }

  /**
   * Pings, and drops a connection without any message for two pings: it is dead, even if the
   * browser reports it as open. Starting a session may take longer, as when a model is loaded.
   */
  #heartbeat() {
    if (!this.#socket) return;
    this.#unanswered += 1;
    if (this.#unanswered > (this.#session ? 2 : 12)) this.#reconnect("no answer");
    else this.#ping();
  }

  #closeSocket() {
    const socket = this.#socket;
    this.#socket = null;
    this.#greeted = this.#open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    socket.close();
  }

  /**
   * Reconnects after a delay, for as long as the server keeps the session. The first connection is
   * not tried again: the URL may be wrong, or the server refuse the page.
   */
  #reconnect(reason) {
    this.#closeSocket();
    if (this.#attempt === 0) this.#lostAt = performance.now();
    const lost = performance.now() - this.#lostAt;
    if (!this.#session || lost > this.#grace * 1000) {
      const where = this.#url.replace(/\?.*/, ""); // the rest may be secret
      const what = this.#session
        ? `no connection to ${where} for ${this.#grace} s`
        : `could not connect to ${where}`;
      const message = `${what}: ${reason || "refused or unreachable"}`;
      this.#fail({ type: "ServiceUnreachableError", message, retryable: true });
      return;
    }
    const [first, max] = this.#tuning.backoff;
    const delay = Math.min(max, first * 2 ** this.#attempt) * (0.5 + Math.random() / 2);
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => this.#openSocket(), delay);
    this.#dispatch("disconnected", { attempt: this.#attempt, delay: delay / 1000 });
  }

  // Incoming messages.

  #receive(message) {
    this.#unanswered = 0;
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
          this.#handle(message.event);
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

  #handle(event) {
    if (event.kind === "partial") {
      this.#partial = event;
    } else if (event.kind === "final") {
      this.#partial = null;
      if (event.segment.text) this.#finals.push(event.segment);
    } else if (event.kind === "audio_gap") {
      this.#gaps.push(event);
    } else if (event.kind === "failed" || isNoAudio(event)) {
      this.#fail(event.error);
      return;
    } else if (event.kind === "ended") {
      this.#partial = null;
      this.#end(null);
    }
    this.#dispatch(event.kind, event);
  }

  /** Returns a promise that rejects. "failed" has reported a failure; anything else is news. */
  #rejected(error) {
    const promise = Promise.reject(error);
    return error === this.#failure ? handled(promise) : promise;
  }

  #fail(error) {
    this.#end(new LiveError(error));
    const { type, message, code, retryable } = this.#failure;
    this.#dispatch("failed", { kind: "failed", error: { type, message, code, retryable } });
  }

  /** Ends the session here and on the server, and releases everything. */
  #end(error) {
    this.#over = true;
    this.#failure = error;
    this.#sendNow({ kind: "close" });
    this.#closeSocket();
    clearTimeout(this.#retryTimer);
    clearInterval(this.#heartbeatTimer);
    globalThis.removeEventListener?.("pagehide", this.#leave);
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
