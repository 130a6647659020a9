// What a page hears, sent as it comes: from a microphone, a tab or any other MediaStream.

/** What `recordPcm` sends. */
export const PCM = Object.freeze({ sample_rate: 16000, channels: 1, sample_width: 2 });

/** What browsers record speech in; the server tells them apart by their first bytes. */
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

export function recordOpus(stream, client, { timeslice = 250, bitsPerSecond } = {}) {
  const type = TYPES.find((name) => MediaRecorder.isTypeSupported(name));
  if (!type) throw new Error(`this browser records none of ${TYPES.join(", ")}; use recordPcm()`);
  const options = { mimeType: type, audioBitsPerSecond: bitsPerSecond };
  const recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()), options);
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  const stop = () => {
    if (recorder.state !== "inactive") recorder.stop();
    return stopped.then(() => {});
  };
  recorder.addEventListener("dataavailable", ({ data }) => pass(client, data, stop));
  recorder.start(timeslice);
  stopWith(client, stop);
  return { type, stop };
}

export async function recordPcm(stream, client, { worklet } = {}) {
  const { sample_rate: rate, channels = 1, sample_width: width = 2 } = client.audio ?? {};
  if (!rate || channels !== 1 || width !== 2) {
    throw new Error("recordPcm() sends 16-bit mono PCM: connect(url, { audio: PCM })");
  }
  const { context, source } = listenTo(stream, rate);
  let node;
  try {
    await context.audioWorklet.addModule(worklet ?? new URL("azstt-worklet.js", import.meta.url));
    node = new AudioWorkletNode(context, "azstt-pcm", {
      numberOfOutputs: 0,
      channelCount: 1, // whatever comes is mixed down
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
    node.port.onmessage = ({ data }) => (data ? pass(client, data, stop) : resolve());
  });
  const finish = async () => {
    node.port.postMessage("stop");
    await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, 500))]);
    await context.close();
  };
  let finishing = null;
  const stop = () => (finishing ??= finish());
  stopWith(client, stop);
  return { type: "audio/pcm", stop };
}

/** Opens a stream at a rate, or, in browsers that do not resample it, at its own. */
function listenTo(stream, sampleRate) {
  const context = new AudioContext({ sampleRate });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    context.close();
    const native = new AudioContext();
    return { context: native, source: native.createMediaStreamSource(stream) };
  }
}

/** Sends audio; one that was closed while it was recorded does not tell, and is found out here. */
function pass(client, audio, stop) {
  if (client.over) stop();
  else client.send(audio);
}

function stopWith(client, stop) {
  for (const kind of ["ended", "failed"]) client.addEventListener(kind, stop, { once: true });
}
