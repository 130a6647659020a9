// Live: the microphone's sound goes out as it is spoken, and the words come back.

import { LiveClient, PCM, recordOpus, recordPcm } from "../azstt/azstt.js";
import { PostedSocket } from "./posted-socket.js";
import { newId } from "./server.js";

/** How to connect: over a WebSocket, or over what stands in for it. */
const WAYS = [{}, { socket: (url) => new PostedSocket(url) }];
let way = 0; // the one that was not blocked when it was last tried

/** Whether the browser makes WebM, of which every piece can be decoded as it comes. */
const webm = () => globalThis.MediaRecorder?.isTypeSupported("audio/webm;codecs=opus");

/**
 * Begins to listen to a stream; `blocked(why, way)` is called if its sound has to take another way.
 *
 * Gives the session's id, under which its transcript is kept; the client, which dispatches what
 * happens; `failed`, which rejects if it fails; and `stop()`, which resolves when all is recognized.
 */
export async function listen(stream, { transport, blocked, ...options }) {
  const id = newId();
  const pcm = transport ? transport === "pcm" : !webm();
  const asked = { ...options, audio: pcm ? PCM : "auto" };
  const record = (client) => (pcm ? recordPcm : recordOpus)(stream, client);
  const { client, recording } = await begin(`/live/${id}/socket`, asked, record, blocked);
  const failed = new Promise((_, reject) => {
    client.addEventListener("failed", ({ detail }) => reject(new Error(detail.error.message)));
  });
  failed.catch(() => {}); // whoever waits for it hears of it
  const stop = async () => {
    removeEventListener("pagehide", stop);
    await recording.stop();
    if (!client.over) await client.finish();
  };
  addEventListener("pagehide", stop);
  return { id, client, failed, stop };
}

/** Connects; what is said meanwhile is recorded, and kept until there is a connection. */
async function begin(path, asked, record, blocked) {
  for (;;) {
    const client = new LiveClient(WAYS[way]);
    const connected = client.connect(path, asked);
    connected.catch(() => {}); // it is waited for below
    try {
      const recording = await record(client);
      await connected;
      return { client, recording };
    } catch (error) {
      client.close();
      if (error.type !== "ServiceUnreachableError" || way === WAYS.length - 1) throw error;
    }
    way += 1;
    blocked("WebSockets are blocked", "small pieces");
  }
}
