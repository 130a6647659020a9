// Records the microphone for some seconds, in both formats, and reports the transcripts; or is
// reloaded in the middle, and does nothing then.
import { LiveClient, PCM, recordOpus, recordPcm } from "/azstt/azstt.js";

const { seconds, rate, reload } = Object.fromEntries(new URLSearchParams(location.search));
const report = (what) => fetch("/report", { method: "POST", body: JSON.stringify(what) });

/** The recorders that the library creates, to check that they stop. */
const recorders = [];
for (const name of ["MediaRecorder", "AudioContext"]) {
  globalThis[name] = class extends globalThis[name] {
    constructor(...args) {
      super(...args);
      recorders.push(this);
    }
  };
}
const recording = () => recorders.filter(({ state }) => !["inactive", "closed"].includes(state));

async function transcribe(stream, audio, record) {
  const client = new LiveClient({ backoff: [1, 20] });
  const lost = [];
  client.addEventListener("disconnected", ({ detail }) => lost.push(detail.attempt));
  await client.connect("/live", { audio });
  const recording = await record(stream, client);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  if (reload) {
    sessionStorage.setItem("reloaded", "yes");
    location.reload();
    await new Promise(() => {});
  }
  const transcript = await client.finish(); // which stops the recording
  return { type: recording.type, transcript, lost: lost.length };
}

/** Closes the session without stopping the recording, and waits for that to stop. */
async function closeWhileRecording(stream, audio, record) {
  const client = new LiveClient();
  await client.connect("/live", { audio });
  await record(stream, client);
  client.close();
  while (recording().length) await new Promise((resolve) => setTimeout(resolve, 50));
}

if (sessionStorage.getItem("reloaded")) throw new Error("reloaded");
try {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const opus = transcribe(stream, "auto", recordOpus);
  const pcm = reload || transcribe(stream, { ...PCM, sample_rate: Number(rate) }, recordPcm);
  const results = await Promise.all([opus, pcm]);
  await closeWhileRecording(stream, "auto", recordOpus);
  await closeWhileRecording(stream, PCM, recordPcm);
  await report(results);
} catch (error) {
  await report({ error: `${error.name}: ${error.message}` });
}
