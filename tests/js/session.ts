// Holds one session as the first argument says, in JSON, and prints what came of it. It runs as it
// stands, and is checked against the client's types.
import { readFile } from "node:fs/promises";
import type * as azstt from "./azstt.js";

interface Scene {
  client: string; // where azstt.js is
  url: string;
  audio: string; // a file
  pieces: number[]; // sizes, in turn
  tuning?: azstt.LiveTuning;
  connect: azstt.ConnectOptions;
  acts?: Record<number, Act>; // what is done after which piece
  hasty?: boolean; // waits for no room
  closed?: "before connect" | "before the answer";
}
type Act = ["commit"] | ["close"] | ["update", { language?: string; phrases?: string[] }];

const scene: Scene = JSON.parse(process.argv[2]!);
const { LiveClient, LiveError }: typeof azstt = await import(scene.client);

/** Makes a connection on which the client asks for a session, and is closed. */
function closing(url: string) {
  const socket = new WebSocket(url);
  socket.addEventListener("open", () => setTimeout(() => client.close()));
  return socket;
}

const early = scene.closed === "before the answer" && { socket: closing };
const client = new LiveClient({ ...scene.tuning, ...early });
const events: azstt.LiveEvent[] = [];
const texts: string[] = []; // the transcript after each event
const connections: string[] = [];
const told = ({ detail }: CustomEvent<azstt.LiveEvent>) => {
  events.push(detail);
  texts.push(client.transcript);
};
client.addEventListener("started", told);
client.addEventListener("speech_started", told);
client.addEventListener("partial", told);
client.addEventListener("final", told);
client.addEventListener("speech_ended", told);
client.addEventListener("reconnecting", told);
client.addEventListener("audio_gap", told);
client.addEventListener("ended", told);
client.addEventListener("failed", told);
client.addEventListener("refused", told);
client.addEventListener("connected", ({ detail }) => {
  connections.push(detail.resumed ? "resumed" : "connected");
});
client.addEventListener("disconnected", ({ detail }) => {
  connections.push(detail.attempt > 0 && detail.delay > 0 ? "disconnected" : "wrong");
});

/** The kinds of things that can be sent. */
const shapes: ((bytes: Uint8Array<ArrayBuffer>) => ArrayBuffer | ArrayBufferView | Blob)[] = [
  (bytes) => new Uint8Array(bytes),
  (bytes) => new Blob([bytes]),
  (bytes) => new Uint8Array(bytes).buffer,
  (bytes) => new DataView(new Uint8Array([0, ...bytes, 0]).buffer, 1, bytes.length),
];

function act(what: Act) {
  if (what[0] === "update") client.update(what[1]);
  else client[what[0]]();
}

async function hold(): Promise<string> {
  if (scene.closed === "before connect") client.close();
  await client.connect(scene.url, scene.connect);
  const data = new Uint8Array(await readFile(scene.audio));
  for (let at = 0, number = 0; at < data.length; number += 1) {
    const end = at + scene.pieces[number % scene.pieces.length]!;
    const piece = shapes[number % shapes.length]!(data.slice(at, end));
    const room = client.send(piece);
    if (piece instanceof Uint8Array) piece.fill(1); // it is the caller's again
    if (!scene.hasty) await room;
    const what = scene.acts?.[number];
    if (what) act(what);
    at = end;
  }
  return client.finish();
}

const outcome = await hold().then(
  (transcript) => ({ transcript }),
  (error: unknown) => {
    if (!(error instanceof LiveError)) throw error;
    const { name, type, message, code, retryable } = error;
    return { error: { name, type, message, code, retryable } };
  },
);
const left = { over: client.over, buffered: client.buffered, finals: client.finals.length };
console.log(JSON.stringify({ events, texts, connections, ...left, ...outcome }));
