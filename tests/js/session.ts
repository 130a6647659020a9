// Runs one session as described by the first argument, in JSON, and prints the result. It runs
// without a build step, and is type-checked against the client's types.
import { readFile } from "node:fs/promises";
import type * as azstt from "./azstt.js";

interface Scenario {
  client: string; // where azstt.js is
  url: string;
  audio: string; // a file
  chunks: number[]; // sizes in bytes, in turn
  tuning?: azstt.LiveTuning;
  connect: azstt.ConnectOptions;
  acts?: Record<number, Act>; // actions by the number of the chunk before them
  hasty?: boolean; // does not await send()
  closed?: "before connect" | "before the answer";
}
type Act = ["commit"] | ["close"] | ["update", { language?: string; phrases?: string[] }];

const scenario: Scenario = JSON.parse(process.argv[2]!);
const { LiveClient, LiveError }: typeof azstt = await import(scenario.client);

/** Opens a connection on which the client starts a session and is closed at once. */
function closing(url: string) {
  const socket = new WebSocket(url);
  socket.addEventListener("open", () => setTimeout(() => client.close()));
  return socket;
}

const early = scenario.closed === "before the answer" && { socket: closing };
const client = new LiveClient({ ...scenario.tuning, ...early });
const events: azstt.LiveEvent[] = [];
const texts: string[] = []; // the transcript after each event
const connections: string[] = [];
const record = ({ detail }: CustomEvent<azstt.LiveEvent>) => {
  events.push(detail);
  texts.push(client.transcript);
};
client.addEventListener("started", record);
client.addEventListener("speech_started", record);
client.addEventListener("partial", record);
client.addEventListener("final", record);
client.addEventListener("speech_ended", record);
client.addEventListener("committed", record);
client.addEventListener("reconnecting", record);
client.addEventListener("audio_gap", record);
client.addEventListener("ended", record);
client.addEventListener("failed", record);
client.addEventListener("refused", record);
client.addEventListener("connected", ({ detail }) => {
  connections.push(detail.resumed ? "resumed" : "connected");
});
client.addEventListener("disconnected", ({ detail }) => {
  connections.push(detail.attempt > 0 && detail.delay > 0 ? "disconnected" : "wrong");
});

/** The types that can be sent. */
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

async function run(): Promise<string> {
  if (scenario.closed === "before connect") client.close();
  await client.connect(scenario.url, scenario.connect);
  const data = new Uint8Array(await readFile(scenario.audio));
  for (let at = 0, number = 0; at < data.length; number += 1) {
    const end = at + scenario.chunks[number % scenario.chunks.length]!;
    const chunk = shapes[number % shapes.length]!(data.slice(at, end));
    const room = client.send(chunk);
    if (chunk instanceof Uint8Array) chunk.fill(1); // the caller may reuse its buffer
    if (!scenario.hasty) await room;
    const what = scenario.acts?.[number];
    if (what) act(what);
    at = end;
  }
  return client.finish();
}

const outcome = await run().then(
  (transcript) => ({ transcript }),
  (error: unknown) => {
    if (!(error instanceof LiveError)) throw error;
    const { name, type, message, code, retryable } = error;
    return { error: { name, type, message, code, retryable } };
  },
);
const left = { over: client.over, buffered: client.buffered, finals: client.finals.length, gaps: client.gaps };
console.log(JSON.stringify({ events, texts, connections, ...left, ...outcome }));
