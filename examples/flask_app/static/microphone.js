// The microphone: how to get it, how loud it is, and for how long it has been on.

const PROBLEMS = {
  NotAllowedError: "The microphone was refused. Allow it for this page in the browser's settings, and try again.",
  NotFoundError: "There is no microphone. Connect one, and try again.",
  NotReadableError: "The microphone can't be used: another program may have it.",
  OverconstrainedError: "There is no microphone that fits.",
  SecurityError: "This browser forbids microphones on this page.",
};

/** What browsers do to calls takes words off recognizers; to level the loudness harms none. */
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };

/** Types that recordings are made in, the first that the browser can. */
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/** Asks for the microphone; raises an Error in plain words. */
export async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers give the microphone only to pages by HTTPS, or on this machine itself.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch (error) {
    throw new Error(PROBLEMS[error.name] ?? `The microphone can't be had: ${error.message}`);
  }
}

export function closeMicrophone(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Shows how loud a stream is and how long it has been on; gives a function that ends that. */
export function meter(stream, level, timer, { limit, over }) {
  const context = new AudioContext();
  const analyzer = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyzer);
  const samples = new Float32Array(analyzer.fftSize);
  const began = performance.now();
  const ticking = setInterval(() => {
    analyzer.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    level.value = Math.max(0, 1 + Math.log10(power + 1e-12) / 6); // -60 dB is 0
    const seconds = (performance.now() - began) / 1000;
    timer.textContent = clock(seconds);
    if (seconds >= limit) over();
  }, 100);
  return () => {
    clearInterval(ticking);
    context.close();
    level.value = 0;
  };
}

/** Records a stream; gives a function that ends it and resolves with the recording. */
export function record(stream) {
  const type = TYPES.find((name) => globalThis.MediaRecorder?.isTypeSupported(name));
  if (!type) throw new Error("This browser can't record. Live works, or upload a recording.");
  const recorder = new MediaRecorder(stream, { mimeType: type });
  const pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const stopped = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start(1000);
  return async () => {
    if (recorder.state !== "inactive") recorder.stop();
    await stopped;
    return new File(pieces, "recording", { type: type.split(";")[0] });
  };
}

/** Writes seconds as 1:02:03. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return (hours ? [hours, ...parts] : parts).join(":").replace(/^0(?=\d:)/, "");
}
