// Records what the microphone hears for some seconds, in both ways, and reports what was heard.
import { LiveClient, PCM, recordOpus, recordPcm } from "/azstt/azstt.js";

const { seconds, rate } = Object.fromEntries(new URLSearchParams(location.search));
const report = (what) => fetch("/report", { method: "POST", body: JSON.stringify(what) });

/** What the library records with, to see it stop. */
const recorders = [];
for (const name of ["MediaRecorder", "AudioContext"]) {
  globalThis[name] = class extends globalThis[name] {
    constructor(...given) {
      super(...given);
      recorders.push(this);
    }
  };
}
const recording = () => recorders.filter(({ state }) => !["inactive", "closed"].includes(state));

async function hear(stream, audio, record) {
  const client = new LiveClient({ backoff: [1, 20] });
  const lost = [];
  client.addEventListener("disconnected", ({ detail }) => lost.push(detail.attempt));
  await client.connect("/live", { audio });
  const recording = await record(stream, client);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  await recording.stop();
  const transcript = await client.finish();
  return { type: recording.type, transcript, lost: lost.length };
}

/** Records, closes the session without a word to the recording, and waits for that to stop. */
async function leave(stream, audio, record) {
  const client = new LiveClient();
  await client.connect("/live", { audio });
  await record(stream, client);
  client.close();
  while (recording().length) await new Promise((resolve) => setTimeout(resolve, 50));
}

try {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const heard = await Promise.all([
    hear(stream, "auto", recordOpus),
    hear(stream, { ...PCM, sample_rate: Number(rate) }, recordPcm),
  ]);
  await leave(stream, "auto", recordOpus);
  await leave(stream, PCM, recordPcm);
  await report(heard);
} catch (error) {
  await report({ error: `${error.name}: ${error.message}` });
}
