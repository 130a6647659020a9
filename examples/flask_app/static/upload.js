// Uploads a recording by the tus protocol (https://tus.io/protocols/resumable-upload): in pieces,
// each of which begins at the byte that the server asks for.

import { watch } from "./jobs.js";
import { ask, BlockedError, exchange, newId, patiently, ServerError, sleep } from "./server.js";

const TUS = { "Tus-Resumable": "1.0.0" };
/** Bytes in a piece: the first, and at least and at most. */
const FIRST = 1 << 20;
const SMALLEST = 64 << 10;
const LARGEST = 16 << 20;
/** Milliseconds that a piece should take. */
const PACE = 1000;
/** Bytes that are hashed at once. */
const SLICE = 1 << 20;
/** How often an upload is started again if the server has lost it. */
const ATTEMPTS = 3;

let plain = false; // whether a proxy lets only small POSTs through

/**
 * Transcribes a recording, and returns the last snapshot of its progress. The same recording with
 * the same options is transcribed once: the page joins the work in progress, or gets its result.
 *
 * Calls `onStart(id)`, `onSent(bytes)`, `onProgress(snapshot)`, `onLost(error)` and `onBack()` for
 * the connection, `onBlocked(reason)`, and `onRestart()` if it has to start over. Aborting the signal stops the work
 * here and on the server, which keeps what was recognized.
 */
export async function transcribe(recording, request, { signal, ...callbacks }) {
  const json = { ...request, fingerprint: await fingerprint(recording) };
  const extra = { ...TUS, "Upload-Length": recording.size };
  for (let attempt = 1; ; attempt += 1) {
    const announce = () => ask("POST", "/uploads", { json, extra, signal });
    const { id, done } = await patiently(announce, { signal, seconds: callbacks.grace, ...callbacks });
    callbacks.onStart(id);
    if (done) return { id, state: "done", saved: true, repeated: true };
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    try {
      const last = await follow(recording, id, { signal: stop, ...callbacks });
      if (last.state !== "interrupted" || attempt === ATTEMPTS) return { id, saved: true, ...last };
    } catch (error) {
      if (signal.aborted) {
        return { id, state: "canceled", ...(await cancel(id)) };
      }
      const lost = error instanceof ServerError && error.status === 404; // the server was restarted
      if (!lost || attempt === ATTEMPTS) throw error;
    } finally {
      over.abort();
    }
    callbacks.onRestart();
  }
}

/** Stops an upload, and returns whether what was recognized until then is `saved`. */
export const cancel = (id) => ask("DELETE", `/uploads/${id}`, { extra: TUS });

const fingerprints = new WeakMap(); // of recordings

/**
 * Returns what tells a recording from others: the SHA-256 of the SHA-256 of its slices. Browsers
 * hash only on pages loaded over HTTPS or from this machine; elsewhere it is known by a random ID,
 * until the page is reloaded.
 */
async function fingerprint(recording) {
  if (!fingerprints.has(recording)) {
    const { maxUpload } = document.body.dataset;
    const hashes = crypto.subtle && recording.size <= maxUpload; // otherwise the server refuses it
    fingerprints.set(recording, hashes ? await hash(recording) : newId());
  }
  return fingerprints.get(recording);
}

async function hash(recording) {
  const sha256 = (data) => crypto.subtle.digest("SHA-256", data);
  const slices = [];
  for (let at = 0; at < recording.size; at += SLICE) {
    slices.push(await sha256(await recording.slice(at, at + SLICE).arrayBuffer()));
  }
  const all = new Uint8Array(await sha256(await new Blob(slices).arrayBuffer()));
  return Array.from(all, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends a recording and watches it; ends with the transcript, or with the first failure of either. */
async function follow(recording, id, options) {
  const sending = send(recording, `/uploads/${id}`, options);
  sending.catch(() => {}); // handled in the race, unless that is over
  return Promise.race([watch(id, options), sending.then(() => new Promise(() => {}))]);
}

/**
 * Sends a recording. If a piece fails although the server answers, it is the piece that does not
 * get through: smaller ones are tried, and then POST, which proxies know better than PATCH.
 */
async function send(recording, path, { signal, grace, onSent, onBlocked, onLost, onBack }) {
  const ask = async () => offset(await exchange("HEAD", path, { extra: TUS, signal }));
  const where = () => patiently(ask, { signal, seconds: grace, onLost, onBack });
  let at = await where();
  let size = plain ? SMALLEST : FIRST;
  for (let failures = 0, advanced = performance.now(); at < recording.size; onSent(at)) {
    const before = at;
    const started = performance.now();
    try {
      at = await append(path, at, recording.slice(at, at + size), signal);
      const grow = PACE / (performance.now() - started + 1);
      size = plain ? SMALLEST : Math.max(SMALLEST, Math.min(LARGEST, 2 * size, Math.round(grow * size)));
    } catch (error) {
      const conflict = error instanceof ServerError && error.status === 409; // sent by another tab, too
      if (signal.aborted || !(conflict || error instanceof BlockedError)) throw error;
      at = await where();
      if (at === before && !conflict) {
        failures += 1;
        size = SMALLEST;
        if (!plain && (error.status || failures > 1)) {
          plain = true;
          onBlocked(error.message);
        } else if (performance.now() - advanced > grace * 1000) throw error;
        else await sleep(PACE);
      }
    }
    if (at > before) [failures, advanced] = [0, performance.now()];
  }
}

/** Sends a piece, and returns where the next one begins. */
async function append(path, at, body, signal) {
  const type = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": at };
  const method = plain ? { "X-HTTP-Method-Override": "PATCH" } : {};
  const extra = { ...TUS, ...type, ...method };
  return offset(await exchange(plain ? "POST" : "PATCH", path, { body, extra, signal }));
}

const offset = ({ headers }) => Number(headers.get("Upload-Offset"));
