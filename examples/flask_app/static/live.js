// Live: the microphone's sound goes out as it is spoken, and the words come back.

import { LiveClient, PCM, recordOpus, recordPcm } from "../azstt/azstt.js";
import { PostedSocket } from "./posted-socket.js";
import { newId } from "./server.js";

/** How to connect: over a WebSocket, or over what stands in for it. */
const WAYS = [{}, { socket: (url) => new PostedSocket(url) }];
let open = 0; // the way that was not blocked when one was last tried

/** Whether the browser makes WebM, of which every piece can be decoded as it comes. */
const webm = () => globalThis.MediaRecorder?.isTypeSupported("audio/webm;codecs=opus");

/**
 * Begins to listen to a stream; `blocked(words)` is called if its sound has to take another way.
 *
 * Gives the session's id, under which its transcript is kept, the client, which dispatches the
 * session's events, and a function that ends it and resolves when all is recognised.
 */
export async function listen(stream, { transport, blocked, ...options }) {
  const id = newId();
  const pcm = transport ? transport === "pcm" : !webm();
  const client = await connect(`/live/${id}`, { ...options, audio: pcm ? PCM : "auto" }, blocked);
  const recording = await (pcm ? recordPcm : recordOpus)(stream, client);
  const stop = async () => {
    removeEventListener("pagehide", stop);
    await recording.stop();
    await client.finish();
  };
  addEventListener("pagehide", stop);
  return { id, client, stop };
}

async function connect(path, asked, blocked) {
  for (;;) {
    const client = new LiveClient(WAYS[open]);
    try {
      await client.connect(path, asked);
      return client;
    } catch (error) {
      if (error.type !== "ServiceUnreachableError" || open === 1) throw error;
      open = 1;
      blocked("WebSockets do not get through", "small pieces");
    }
  }
}
