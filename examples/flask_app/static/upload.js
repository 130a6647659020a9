// A recording on its way to the server, by whichever way is open, and what comes back meanwhile.

import { PostedSocket } from "./posted-socket.js";
import { ask, BlockedError, check, headers, ServerError, sleep } from "./server.js";

/** Bytes of a frame, and of frames that the server may not have acknowledged. */
const FRAME = 64 << 10;
const WINDOW = 1 << 20;
/** Milliseconds without any sign after which a way counts as blocked. */
const STALLED = 20_000;
/** How often an upload that the server does not know any more is begun anew. */
const ATTEMPTS = 3;

/** The ways, in the order in which they are tried. */
const WAYS = [
  { name: "a form", send: sendForm },
  { name: "frames over a WebSocket", send: (...to) => sendFrames((url) => new WebSocket(url), ...to) },
  { name: "small pieces", send: (...to) => sendFrames((url) => new PostedSocket(url), ...to) },
];
let open = 0; // the way that was not blocked when one was last tried

/**
 * Has a recording transcribed; gives the last snapshot.
 *
 * `sent(bytes)`, `news(snapshot)`, `blocked(why, way)` and, if all begins once more, `anew()` are
 * called as it goes. Aborting stops the
 * work here and on the server.
 */
export async function transcribe(recording, asked, { signal, grace, ...tell }) {
  for (let attempt = 1; ; attempt += 1) {
    if (attempt > 1) tell.anew();
    const { id } = await ask("POST", "/uploads", { json: { ...asked, size: recording.size }, signal });
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const path = `/uploads/${id}`;
    const carrying = carry(recording, path, { signal: stop, grace, ...tell });
    try {
      // The first to end is the one to believe: a failure of either, or the transcript.
      return await Promise.race([watch(path, stop, tell.news), carrying.then(() => new Promise(() => {}))]);
    } catch (error) {
      const lost = error instanceof ServerError && error.status === 404; // it has been restarted
      if (lost && attempt < ATTEMPTS) continue;
      ask("DELETE", path).catch(() => {});
      throw error;
    } finally {
      over.abort();
      carrying.catch(() => {});
    }
  }
}

/** Gives each news of an upload; returns the last. */
async function watch(path, signal, news) {
  for (let now = { version: 0 }, texts = 0, failures = 0; ; ) {
    try {
      now = await ask("GET", `${path}?after=${now.version}&texts=${texts}`, { signal });
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!(error instanceof BlockedError) || failures > 20) throw error;
      await sleep(1000);
      continue;
    }
    texts += now.texts.length;
    news(now);
    if (now.state === "done" || now.state === "error") return now;
  }
}

/** Sends all of a recording, one way or another. */
async function carry(recording, path, { signal, grace, sent, blocked }) {
  let got = 0; // bytes that have arrived, as far as is known
  let lastMoved = performance.now();
  const move = (bytes) => {
    if (bytes <= got) return;
    got = bytes;
    lastMoved = performance.now();
    sent(bytes);
  };
  for (;;) {
    const before = got;
    try {
      await WAYS[open].send(path, recording, move, signal);
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof BlockedError)) throw error;
      if (performance.now() - lastMoved > grace * 1000) {
        throw new Error(`The recording can't be sent: ${error.message}.`, { cause: error });
      }
      if (open === 0 || got === before) {
        open = open + 1 < WAYS.length ? open + 1 : 1;
        blocked(error.message, WAYS[open].name);
      }
      if (open === 1) await sleep(500);
    }
  }
}

/** Sends a form, as browsers do; inspecting proxies like to block it. */
function sendForm(path, recording, sent, signal) {
  const form = new FormData();
  form.append("recording", recording, recording.name ?? "recording");
  const request = new XMLHttpRequest(); // fetch() does not tell how much was sent
  return new Promise((resolve, reject) => {
    let watchdog;
    const stall = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), STALLED);
    };
    request.upload.onprogress = ({ loaded }) => (stall(), sent(Math.min(loaded, recording.size)));
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
    stall();
  });
}

/** Sends frames from where the server says, no faster than it takes them. */
function sendFrames(connect, path, recording, sent, signal) {
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
    const lost = (why) => end(reject, new BlockedError(why));
    const stall = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => lost("nothing gets through"), STALLED);
    };
    socket.onmessage = ({ data }) => {
      stall();
      const received = Number(data);
      at ??= received;
      sent(received);
      if (received === recording.size) end(resolve);
      else for (; at < recording.size && at - received < WINDOW; at += FRAME) {
        socket.send(recording.slice(at, at + FRAME));
      }
    };
    socket.onclose = () => lost("the connection was refused or cut off");
    signal.addEventListener("abort", () => lost("it was stopped"));
    stall();
  });
}
