// Live transcription: sends the microphone's audio as it is spoken, and receives the text.

import { LiveClient, PCM, recordOpus, recordPcm } from "../azstt/azstt.js";
import { PollingSocket } from "./polling-socket.js";
import { newId } from "./server.js";

/** Transports: a WebSocket, or polling where WebSockets are blocked. */
const TRANSPORTS = [{}, { socket: (url) => new PollingSocket(url) }];
let current = 0; // the one that worked last

/** Whether the browser records WebM, which can be decoded as it arrives. */
const recordsWebm = () => globalThis.MediaRecorder?.isTypeSupported("audio/webm;codecs=opus");

/**
 * Starts to transcribe a stream. Calls `onBlocked(reason, transport)` if it has to switch to another
 * transport.
 *
 * Returns the session's `id`, under which its transcript is saved; the `client`, which dispatches
 * events; `failed`, a promise that rejects on failure; and `stop()`, which resolves when all audio
 * is recognized.
 */
export async function startLive(stream, { format, onBlocked, ...options }) {
  const id = newId();
  const pcm = format ? format === "pcm" : !recordsWebm();
  const request = { ...options, audio: pcm ? PCM : "auto" };
  const record = (client) => (pcm ? recordPcm : recordOpus)(stream, client);
  const client = await connect(`/live/${id}/socket`, request, record, onBlocked);
  const failed = new Promise((_, reject) => {
    client.addEventListener("failed", ({ detail }) => reject(new Error(detail.error.message)));
  });
  failed.catch(() => {}); // handled where it is awaited
  return { id, client, failed, stop: () => client.finish() };
}

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
