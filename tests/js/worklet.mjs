// Runs tones through the worklet as a browser would, and prints the output as JSON.
// node worklet.mjs WORKLET [[RATE, TO, HERTZ, SECONDS], ...]
import { pathToFileURL } from "node:url";

const [worklet, cases] = process.argv.slice(2);
let Processor;
globalThis.registerProcessor = (name, made) => (Processor = made);
globalThis.AudioWorkletProcessor = class {
  port = { posted: [], postMessage: (data) => this.port.posted.push(data) };
};
await import(worklet);

function run([from, rate, hertz, seconds]) {
  globalThis.sampleRate = from;
  const processor = new Processor({ processorOptions: { rate } });
  const frames = Math.round(seconds * from);
  for (let at = 0; at < frames; at += 128) {
    const samples = new Float32Array(Math.min(128, frames - at));
    const tone = samples.map((_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * (at + n)) / from));
    processor.process(hertz ? [[tone]] : [[]]);
  }
  processor.port.onmessage({ data: "stop" });
  const { posted } = processor.port;
  const last = posted.pop();
  const samples = posted.flatMap((buffer) => [...new Int16Array(buffer)]);
  return { samples, sizes: posted.map((buffer) => buffer.byteLength), last, alive: processor.process([[]]) };
}

console.log(JSON.stringify(JSON.parse(cases).map(run)));
