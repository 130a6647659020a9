// The part of recordPcm() that runs on the browser's audio thread, in a file of its own so that
// no content security policy need allow inline scripts.

/** How many zero crossings of the low-pass filter's sinc are kept on each side. */
const CROSSINGS = 32;
/** Where it begins to cut, of half the lower rate. */
const CUTOFF = 0.92;
/** Its window's parameter: 90 dB are taken off what would alias. */
const BETA = 9;

/** Takes samples from one rate to another, exactly in time: each output has a filter of its own. */
class Resampler {
  constructor(from, to) {
    const common = divisor(from, to);
    this.up = to / common;
    this.down = from / common;
    const cutoff = CUTOFF * Math.min(1, to / from);
    this.half = Math.ceil(CROSSINGS / cutoff);
    this.filters = Array.from({ length: this.up }, (_, phase) =>
      lowPass(phase / this.up, this.half, cutoff),
    );
    this.kept = new Float32Array(this.half - 1); // input that is still needed
    this.at = this.half - 1; // of the next output, in `kept` and what follows
    this.phase = 0; // and how far after that, in parts of `up`
  }

  /** Gives what more input makes. */
  push(input) {
    const samples = new Float32Array(this.kept.length + input.length);
    samples.set(this.kept);
    samples.set(input, this.kept.length);
    const output = [];
    while (this.at + this.half < samples.length) {
      const filter = this.filters[this.phase];
      const first = this.at - this.half + 1;
      let sum = 0;
      for (let tap = 0; tap < filter.length; tap += 1) sum += filter[tap] * samples[first + tap];
      output.push(sum);
      this.phase += this.down;
      this.at += Math.floor(this.phase / this.up);
      this.phase %= this.up;
    }
    const done = Math.min(this.at - this.half + 1, samples.length);
    this.kept = samples.slice(done);
    this.at -= done;
    return output;
  }

  /** Gives what is left. */
  flush() {
    return this.push(new Float32Array(this.half));
  }
}

/** A windowed sinc around a moment between two samples, which takes nothing off a constant. */
function lowPass(moment, half, cutoff) {
  const taps = Array.from({ length: 2 * half }, (_, tap) => {
    const at = tap - half + 1 - moment;
    const angle = Math.PI * cutoff * at;
    const window = bessel(BETA * Math.sqrt(Math.max(0, 1 - (at / half) ** 2)));
    return (angle === 0 ? 1 : Math.sin(angle) / angle) * window;
  });
  const sum = taps.reduce((one, other) => one + other);
  return Float32Array.from(taps, (tap) => tap / sum);
}

/** The modified Bessel function of order 0, which makes Kaiser's window. */
function bessel(x) {
  let sum = 1;
  for (let term = 1, k = 1; term > 1e-12 * sum; k += 1) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

function divisor(one, other) {
  return other ? divisor(other, one % other) : one;
}

class PcmProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.resampler = rate === sampleRate ? null : new Resampler(sampleRate, rate);
    this.piece = new Int16Array(rate / 10); // 100 ms
    this.filled = 0;
    this.over = false;
    this.port.onmessage = () => this.stop();
  }

  process([channels]) {
    if (this.over) return false;
    const samples = channels[0] ?? new Float32Array(128); // a stream that is muted is silent
    this.write(this.resampler ? this.resampler.push(samples) : samples);
    return true;
  }

  write(samples) {
    for (const sample of samples) {
      this.piece[this.filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      this.filled += 1;
      if (this.filled === this.piece.length) this.post();
    }
  }

  post() {
    const { buffer } = this.piece.slice(0, this.filled);
    this.port.postMessage(buffer, [buffer]);
    this.filled = 0;
  }

  stop() {
    if (this.over) return;
    this.over = true;
    if (this.resampler) this.write(this.resampler.flush());
    if (this.filled) this.post();
    this.port.postMessage(null);
  }
}

registerProcessor("azstt-pcm", PcmProcessor);
