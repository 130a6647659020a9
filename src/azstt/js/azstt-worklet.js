// The part of recordPcm() that runs on the browser's audio thread. It is a separate file so that
// content security policies need not allow inline scripts.

/** Zero crossings of the low-pass filter's sinc on each side. */
const CROSSINGS = 32;
/** The filter's cutoff, as a fraction of half the lower rate. */
const CUTOFF = 0.92;
/** The Kaiser window's parameter: attenuates aliases by 90 dB. */
const BETA = 9;

/** Polyphase resampler: each output phase has its own filter, so that timing is exact. */
class Resampler {
  constructor(from, to) {
    const common = gcd(from, to);
    this.up = to / common;
    this.down = from / common;
    const cutoff = CUTOFF * Math.min(1, to / from);
    this.half = Math.ceil(CROSSINGS / cutoff);
    this.filters = Array.from({ length: this.up }, (_, phase) =>
      lowPass(phase / this.up, this.half, cutoff),
    );
    this.kept = new Float32Array(this.half - 1); // input that later outputs need
    this.at = this.half - 1; // the position of the next output, in `kept` and the input after it
    this.phase = 0; // its fractional position, in units of 1 / `up`
  }

  /** Returns the output for more input. */
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

  /** Returns the remaining output. */
  flush() {
    return this.push(new Float32Array(this.half));
  }
}

/** Returns a windowed sinc, centered between two samples, with unit gain at 0 Hz. */
function lowPass(offset, half, cutoff) {
  const taps = Array.from({ length: 2 * half }, (_, tap) => {
    const at = tap - half + 1 - offset;
    const angle = Math.PI * cutoff * at;
    const window = bessel(BETA * Math.sqrt(Math.max(0, 1 - (at / half) ** 2)));
    return (angle === 0 ? 1 : Math.sin(angle) / angle) * window;
  });
  const sum = taps.reduce((one, other) => one + other);
  return Float32Array.from(taps, (tap) => tap / sum);
}

/** The modified Bessel function of order 0, for the Kaiser window. */
function bessel(x) {
  let sum = 1;
  for (let term = 1, k = 1; term > 1e-12 * sum; k += 1) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

function gcd(one, other) {
  return other ? gcd(other, one % other) : one;
}

class PcmProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.resampler = rate === sampleRate ? null : new Resampler(sampleRate, rate);
    this.chunk = new Int16Array(rate / 10); // 100 ms
    this.filled = 0;
    this.over = false;
    this.port.onmessage = () => this.stop();
  }

  process([channels]) {
    if (this.over) return false;
    const samples = channels[0] ?? new Float32Array(128); // a muted stream sends silence
    this.write(this.resampler ? this.resampler.push(samples) : samples);
    return true;
  }

  write(samples) {
    for (const sample of samples) {
      this.chunk[this.filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      this.filled += 1;
      if (this.filled === this.chunk.length) this.post();
    }
  }

  post() {
    const { buffer } = this.chunk.slice(0, this.filled);
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
