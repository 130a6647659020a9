// What happens when: the page's buttons, and the way from each to a transcript.

import { list } from "./history.js";
import { listen } from "./live.js";
import { closeMicrophone, meter, openMicrophone, record } from "./microphone.js";
import { ask, ServerError, sleep } from "./server.js";
import { transcribe } from "./upload.js";
import * as view from "./view.js";
import { $ } from "./view.js";

const { maxSeconds, grace } = document.body.dataset;
let shown = null; // the id of the transcript that is on the page
let stop = () => {}; // ends what is recorded, or live
let cancelling = new AbortController();

/** Runs what a button starts; whatever goes wrong is shown. */
function start(work) {
  return async (event) => {
    event?.preventDefault();
    view.clear();
    shown = null;
    cancelling = new AbortController();
    try {
      await work();
    } catch (error) {
      if (cancelling.signal.aborted) view.show("idle", "Cancelled.");
      else view.fail(error);
    }
    refresh();
  };
}

function settings() {
  return {
    language: Array.from($("language").selectedOptions, (option) => option.value),
    diarize: $("diarize").checked,
    phrases: $("phrases").value.split("\n").map((line) => line.trim()).filter(Boolean),
  };
}

function blocked(why, way) {
  view.note(
    `Something between this page and the server does not let this through: ${why}. An inspecting ` +
      `proxy, such as Zscaler, may block recordings. The same sound is now sent as ${way}.`,
  );
}

// Uploads and recordings.

async function send(recording, kind) {
  view.show("uploading");
  const asked = { kind, name: recording.name, ...settings() };
  const last = await transcribe(recording, asked, {
    signal: cancelling.signal,
    grace: Number(grace),
    blocked,
    sent: (bytes) => view.state() === "uploading" && view.progress(bytes / recording.size),
    news,
  });
  if (last.transcript) await open(last.transcript);
  play(recording);
  if (last.error) throw new Error(last.error);
}

/** Shows how far the server is. */
function news(now) {
  for (const text of now.texts) view.addSegment({ text });
  view.showPartial("", now.partial);
  if (now.state !== "uploading") view.show("recognising", `Recognising… ${seconds(now)}`);
  if (now.state === "recognising") view.progress(now.total ? now.recognised / now.total : null);
}

function seconds({ decoded, recognised, total }) {
  const whole = (number) => Math.round(number);
  if (!decoded) return "";
  return `${whole(recognised)} of ${whole(total ?? decoded)} s`;
}

/** Has the recording at hand, so that a click on a word plays from there. */
function play(recording) {
  $("player").src = URL.createObjectURL(recording);
  $("player").hidden = false;
  $("transcript").classList.add("plays");
}

async function recordThenSend() {
  const stream = await openMicrophone();
  const done = new Promise((resolve) => (stop = resolve));
  const endMeter = meter(stream, $("level"), $("timer"), { limit: maxSeconds, over: () => stop() });
  try {
    const end = record(stream);
    view.show("recording");
    await done;
    await send(await end(), "record");
  } finally {
    endMeter();
    closeMicrophone(stream);
  }
}

// Live.

async function live() {
  const stream = await openMicrophone();
  let endMeter = () => {};
  try {
    const session = await listen(stream, { transport: $("transport").value, blocked, ...settings() });
    hear(session.client);
    const stopped = new Promise((resolve) => (stop = resolve));
    const failed = new Promise((_, reject) => {
      session.client.addEventListener("failed", ({ detail }) => reject(new Error(detail.error.message)));
    });
    endMeter = meter(stream, $("level"), $("timer"), { limit: maxSeconds, over: () => stop() });
    view.show("live");
    try {
      await Promise.race([stopped, failed]);
      view.show("recognising");
      await Promise.race([session.stop(), failed]);
    } finally {
      await openSaved(session.id);
    }
  } finally {
    endMeter();
    closeMicrophone(stream);
  }
}

/** Shows a session's events as they come. */
function hear(client) {
  const on = (kind, handle) => client.addEventListener(kind, ({ detail }) => handle(detail));
  on("partial", ({ stable, tail }) => view.showPartial(stable, tail));
  on("final", ({ segment }) => segment.text && view.settle(segment));
  on("disconnected", () => view.show(view.state(), "The connection was lost; connecting again…"));
  on("connected", () => view.show(view.state(), "Connected again. Listening…"));
  on("reconnecting", () => view.show(view.state(), "The server lost its recogniser; connecting again…"));
  on("audio_gap", ({ start, end }) => view.note(`${(end - start).toFixed(1)} s of sound were lost.`));
  on("refused", ({ error }) => view.note(error.message));
}

// Transcripts.

/** Opens what was just said; the server may take a moment to keep it. */
async function openSaved(id) {
  for (const pause of [0, 100, 300, 1000, 3000]) {
    await sleep(pause);
    try {
      return await open(id);
    } catch (error) {
      if (!(error instanceof ServerError && error.status === 404)) throw error;
    }
  }
}

async function open(id) {
  const { transcript, edits } = await ask("GET", `/transcripts/${id}`);
}
