// The microphone: access, level, and recording.

const PROBLEMS = {
  NotAllowedError: "Access to the microphone was denied. Allow it for this page in the browser's settings, and try again.",
  NotFoundError: "No microphone was found. Connect one, and try again.",
  NotReadableError: "The microphone can't be used: another program may be using it.",
  OverconstrainedError: "No suitable microphone was found.",
  SecurityError: "This browser does not allow microphones on this page.",
};

/** Echo and noise processing for calls harms recognition; automatic gain does not. */
const CONSTRAINTS = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };

/** Formats to record in; the first that the browser supports is used. */
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/** Opens the microphone; throws an Error with a plain message. */
export async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers allow the microphone only on pages loaded over HTTPS, or from this machine.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: CONSTRAINTS });
  } catch (error) {
    throw new Error(PROBLEMS[error.name] ?? `The microphone can't be opened: ${error.message}`);
  }
}

export function closeMicrophone(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Shows a stream's level and duration; returns a function that stops this. */
export function meter(stream, level, timer, { limit, onLimit }) {
  const context = new AudioContext();
  const analyzer = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyzer);
  const samples = new Float32Array(analyzer.fftSize);
  const started = performance.now();
  const timerId = setInterval(() => {
    analyzer.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    level.value = Math.max(0, 1 + Math.log10(power + 1e-12) / 6); // -60 dB is 0
    const seconds = (performance.now() - started) / 1000;
    timer.textContent = clock(seconds);
    if (seconds >= limit) onLimit();
  }, 100);
  return () => {
    clearInterval(timerId);
    context.close();
    level.value = 0;
  };
}

/**
 * Records a stream; returns a function that stops and resolves with the recording. Calls
 * `onChunk(type, chunk)` for each second of it.
 */
export function record(stream, onChunk) {
  const type = TYPES.find((name) => globalThis.MediaRecorder?.isTypeSupported(name));
  if (!type) throw new Error("This browser can't record. Use Live, or upload a recording.");
  const recorder = new MediaRecorder(stream, { mimeType: type });
  const chunks = [];
  const container = type.split(";")[0];
  recorder.ondataavailable = ({ data }) => {
    chunks.push(data);
    onChunk(container, data);
  };
  const stopped = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start(1000);
  return async () => {
    if (recorder.state !== "inactive") recorder.stop();
    await stopped;
    return new File(chunks, "recording", { type: container });
  };
}

/** Formats seconds as 1:02:03. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return (hours ? [hours, ...parts] : parts).join(":").replace(/^0(?=\d:)/, "");
}
