// Live transcription: sends the microphone's audio as it is spoken, and shows the text.

import { LiveClient, LiveError, PCM, recordOpus, recordPcm } from "../azstt/azstt.js";
import { PollingSocket } from "./polling-socket.js";
import { token } from "./server.js";
import * as view from "./view.js";

/** Milliseconds between attempts to reconnect: what is said between two sessions is missing. */
const backoff = [250, 1000];
/** Transports: a WebSocket, or polling where WebSockets are blocked. */
const TRANSPORTS = [{ backoff }, { backoff, socket: (url) => new PollingSocket(url) }];
let current = 0; // the one that worked last

/** Whether the browser records WebM, which can be decoded as it arrives. */
const recordsWebm = () => globalThis.MediaRecorder?.isTypeSupported("audio/webm;codecs=opus");

/**
 * Starts to transcribe a stream, under an ID: a new one, or that of a session that is over, whose
 * transcript goes on. Calls `onBlocked(reason, transport)` if it has to switch to another transport.
 *
 * Returns the `client`, which dispatches events; `over`, a promise that resolves when the server
 * ends the session, and rejects when it fails; and `stop()`, which resolves when all audio is
 * recognized.
 */
export async function startLive(id, stream, { format, onBlocked, ...options }) {
  const pcm = format ? format === "pcm" : !recordsWebm();
  const request = { ...options, audio: pcm ? PCM : "auto" };
  const record = (client) => (pcm ? recordPcm : recordOpus)(stream, client);
  const client = await connect(`/live/${id}/socket`, request, record, onBlocked);
  const over = new Promise((resolve, reject) => {
    client.addEventListener("ended", resolve);
    client.addEventListener("failed", ({ detail }) => reject(new LiveError(detail.error)));
  });
  // The client says goodbye itself, but only a beacon is sure to be sent by a page that is left.
  const goodbye = () => navigator.sendBeacon(`/live/${id}/end`, token);
  addEventListener("pagehide", goodbye);
  over.catch(() => {}).finally(() => removeEventListener("pagehide", goodbye));
  return { client, over, stop: () => client.finish() };
}

/** Whether the server no longer has a session: it was restarted, or out of reach for too long. */
export const isLost = ({ type }) => ["SessionStateError", "ServiceUnreachableError"].includes(type);

/** Connects. Audio is recorded and buffered meanwhile. */
async function connect(path, request, record, onBlocked) {
  for (;;) {
    const client = new LiveClient(TRANSPORTS[current]);
    const connected = client.connect(path, request);
    connected.catch(() => {}); // awaited below
    try {
      await record(client);
      await connected;
      return client;
    } catch (error) {
      client.close();
      if (error.type !== "ServiceUnreachableError" || current === TRANSPORTS.length - 1) throw error;
    }
    current += 1;
    onBlocked("WebSockets are blocked", "small requests");
  }
}

// What the page shows of it.

/** Shows that the connection is lost, until it is back. */
export const onLost = () => view.show(view.state(), "Connection lost; reconnecting…");

/** Shows a live session's events as they arrive; its times begin at `offset`. */
export function showEvents(client, offset) {
  const on = (kind, show) => client.addEventListener(kind, ({ detail }) => show(detail));
  on("partial", ({ stable, tail }) => view.showPartial(stable, tail));
  on("final", ({ segment }) => segment.text && view.settle(later(segment, offset)));
  on("connected", () => view.show(view.state()));
  on("disconnected", onLost);
  on("reconnecting", () => view.show(view.state(), "The server is reconnecting to its recognizer…"));
  on("audio_gap", (gap) => view.noteMissing([{ ...gap, at: gap.start + offset }]));
  on("refused", ({ error }) => view.note(error.message));
}

/** Returns a segment, or a word, whose time begins later. */
function later(span, offset) {
  const words = span.words?.map((word) => later(word, offset));
  return { ...span, start: span.start + offset, end: span.end + offset, words };
}
