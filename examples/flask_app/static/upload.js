// Uploads a recording over any transport that is not blocked, and reports the progress.

import { watch } from "./jobs.js";
import { PollingSocket } from "./polling-socket.js";
import { ask, BlockedError, check, headers, ServerError, sleep } from "./server.js";

/** Bytes per frame, and the most bytes in frames that the server has not acknowledged. */
const FRAME = 64 << 10;
const WINDOW = 1 << 20;
/** Milliseconds without progress after which a transport counts as blocked. */
const STALL_TIMEOUT = 20_000;
/** How often an upload is restarted if the server has lost it. */
const ATTEMPTS = 3;

/** The transports, in the order in which they are tried. */
const TRANSPORTS = [
  { name: "a form", send: sendForm },
  { name: "frames over a WebSocket", send: (...args) => sendFrames((url) => new WebSocket(url), ...args) },
  { name: "small requests", send: (...args) => sendFrames((url) => new PollingSocket(url), ...args) },
];
let current = 0; // the transport that worked last

/**
 * Transcribes a recording, and returns the last snapshot of its progress.
 *
 * Calls `onStart(id)`, `onSent(bytes)`, `onProgress(snapshot)`, `onBlocked(reason, transport)`, and `onRestart()`
 * if it has to start over. Aborting the signal stops the work here and on the server.
 */
export async function transcribe(recording, request, { signal, grace, ...callbacks }) {
  for (let attempt = 1; ; attempt += 1) {
    if (attempt > 1) callbacks.onRestart();
    const { id } = await ask("POST", "/uploads", { json: { ...request, size: recording.size }, signal });
    callbacks.onStart(id);
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const path = `/uploads/${id}`;
    const sending = send(recording, path, { signal: stop, grace, ...callbacks });
    try {
      // Ends with the transcript, or with the first failure of either.
      const forever = sending.then(() => new Promise(() => {}));
      const watching = watch(id, { signal: stop, grace, onProgress: callbacks.onProgress });
      const last = await Promise.race([watching, forever]);
      if (last.state !== "interrupted" || attempt === ATTEMPTS) return { id, ...last };
      await ask("DELETE", `/transcripts/${id}`); // the server was restarted
    } catch (error) {
      const lost = error instanceof ServerError && error.status === 404; // as above
      ask("DELETE", lost ? `/transcripts/${id}` : path).catch(() => {});
      if (!lost || attempt === ATTEMPTS) throw error;
    } finally {
      over.abort();
      sending.catch(() => {});
    }
  }
}

/** Sends a recording, switching transports if one is blocked. */
async function send(recording, path, { signal, grace, onSent, onBlocked }) {
  let acknowledged = 0; // bytes known to have arrived
  let lastAdvance = performance.now();
  const advance = (bytes) => {
    if (bytes <= acknowledged) return;
    acknowledged = bytes;
    lastAdvance = performance.now();
    onSent(bytes);
  };
  for (;;) {
    const before = acknowledged;
    try {
      await TRANSPORTS[current].send(path, recording, advance, signal);
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof BlockedError)) throw error;
      if (performance.now() - lastAdvance > grace * 1000) {
        throw new Error(`The recording can't be sent: ${error.message}.`, { cause: error });
      }
      if (current === 0 || acknowledged === before) {
        current = current + 1 < TRANSPORTS.length ? current + 1 : 1;
        onBlocked(error.message, TRANSPORTS[current].name);
      }
      if (current === 1) await sleep(500);
    }
  }
}

/** Sends a form, as browsers do; inspecting proxies often block it. */
function sendForm(path, recording, onSent, signal) {
  const form = new FormData();
  form.append("recording", recording, recording.name ?? "recording");
  const request = new XMLHttpRequest(); // fetch() does not report upload progress
  return new Promise((resolve, reject) => {
    let watchdog;
    const resetWatchdog = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), STALL_TIMEOUT);
    };
    request.upload.onprogress = ({ loaded }) => {
      resetWatchdog();
      onSent(Math.min(loaded, recording.size));
    };
    request.upload.onload = () => clearTimeout(watchdog);
    request.onloadend = () => {
      clearTimeout(watchdog);
      try {
        check(request.status, request.getResponseHeader("X-Azstt"), request.responseText);
        resolve();
      } catch (error) {
        reject(error);
      }
    };
    request.open("POST", `${path}/form`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
    resetWatchdog();
  });
}

/** Sends frames from the byte that the server asks for, no faster than it accepts them. */
function sendFrames(connect, path, recording, onSent, signal) {
  const socket = connect(new URL(`${path}/frames`, location.href).href.replace(/^http/, "ws"));
  return new Promise((resolve, reject) => {
    let at = null; // the next byte to send
    let watchdog;
    const end = (settle, value) => {
      clearTimeout(watchdog);
      socket.onmessage = socket.onclose = null;
      socket.close();
      settle(value);
    };
    const fail = (reason) => end(reject, new BlockedError(reason));
    const resetWatchdog = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => fail("nothing gets through"), STALL_TIMEOUT);
    };
    socket.onmessage = ({ data }) => {
      resetWatchdog();
      const received = Number(data);
      at ??= received;
      onSent(received);
      if (received === recording.size) end(resolve);
      else for (; at < recording.size && at - received < WINDOW; at += FRAME) {
        socket.send(recording.slice(at, at + FRAME));
      }
    };
    socket.onclose = () => fail("the connection was refused or closed");
    signal.addEventListener("abort", () => fail("it was canceled"));
    resetWatchdog();
  });
}
