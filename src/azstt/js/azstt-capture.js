// Sends audio from a microphone, a tab, or any other MediaStream as it is recorded.

/** The format that `recordPcm` sends. */
export const PCM = Object.freeze({ sample_rate: 16000, channels: 1, sample_width: 2 });

/** Formats that browsers record; the server detects them from their first bytes. */
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

export function recordOpus(stream, client, { timeslice = 250, bitsPerSecond } = {}) {
  const type = TYPES.find((name) => MediaRecorder.isTypeSupported(name));
  if (!type) throw new Error(`this browser can't record ${TYPES.join(", ")}; use recordPcm()`);
  const options = { mimeType: type, audioBitsPerSecond: bitsPerSecond };
  const recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()), options);
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  const stop = () => {
    if (recorder.state !== "inactive") recorder.stop();
    return stopped.then(() => {});
  };
  recorder.addEventListener("dataavailable", ({ data }) => forward(client, data, stop));
  recorder.start(timeslice);
  return started(client, { type, stop });
}

export async function recordPcm(stream, client, { worklet } = {}) {
  const { sample_rate: rate, channels = 1, sample_width: width = 2 } = client.audio ?? {};
  if (!rate || channels !== 1 || width !== 2) {
    throw new Error("recordPcm() sends 16-bit mono PCM; use connect(url, { audio: PCM })");
  }
  const { context, source } = openSource(stream, rate);
  let node;
  try {
    await context.audioWorklet.addModule(worklet ?? new URL("azstt-worklet.js", import.meta.url));
    node = new AudioWorkletNode(context, "azstt-pcm", {
      numberOfOutputs: 0,
      channelCount: 1, // mix down to mono
      channelCountMode: "explicit",
      processorOptions: { rate },
    });
    source.connect(node);
    await context.resume();
  } catch (error) {
    await context.close();
    throw error;
  }
  const flushed = new Promise((resolve) => {
    node.port.onmessage = ({ data }) => (data ? forward(client, data, stop) : resolve());
  });
  const finish = async () => {
    node.port.postMessage("stop");
    await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, 500))]);
    await context.close();
  };
  let finishing = null;
  const stop = () => (finishing ??= finish());
  return started(client, { type: "audio/pcm", stop });
}

/** Opens a stream at a rate, or at its own rate in browsers that do not resample it. */
function openSource(stream, sampleRate) {
  const context = new AudioContext({ sampleRate });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    context.close();
    const native = new AudioContext();
    return { context: native, source: native.createMediaStreamSource(stream) };
  }
}

/** Sends audio. Stops the recording if the client was closed, which dispatches no event. */
function forward(client, audio, stop) {
  if (client.over) stop();
  else client.send(audio);
}

/** Lets a recording end with its client's session. */
function started(client, recording) {
  client.recordings.add(recording);
  for (const kind of ["ended", "failed"]) {
    client.addEventListener(kind, recording.stop, { once: true });
  }
  return recording;
}
