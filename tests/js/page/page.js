// Records what the microphone hears for some seconds, in both ways, and reports what was heard.
import { LiveClient, PCM, recordOpus, recordPcm } from "/azstt/azstt.js";

const { seconds, rate } = Object.fromEntries(new URLSearchParams(location.search));
const report = (what) => fetch("/report", { method: "POST", body: JSON.stringify(what) });

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

try {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  await report(
    await Promise.all([
      hear(stream, "auto", recordOpus),
      hear(stream, { ...PCM, sample_rate: Number(rate) }, recordPcm),
    ]),
  );
} catch (error) {
  await report({ error: `${error.name}: ${error.message}` });
}
