// What happens when: the page's buttons, and the way from each of them to a transcript.

import { list } from "./history.js";
import { listen } from "./live.js";
import { closeMicrophone, meter, openMicrophone, record } from "./microphone.js";
import { ask } from "./server.js";
import { transcribe } from "./upload.js";
import * as view from "./view.js";
import { $ } from "./view.js";

const maxSeconds = Number(document.body.dataset.maxSeconds);
const grace = Number(document.body.dataset.grace);

const sounds = new Map(); // URLs of the recordings of this visit, by their transcripts' ids
let shown = null; // the id of the transcript that is on the page
let again = null; // sends the last recording once more
let stop = () => {}; // ends what is recorded, or live
let canceling = new AbortController();

/** Makes a button's work of a function: whatever goes wrong in it is shown. */
const work = (does) => async (event) => {
  const button = event?.submitter ?? event?.currentTarget;
  event?.preventDefault();
  view.setBusy(true);
  canceling = new AbortController();
  try {
    if (unsaved()) await save(); // to go on is not to throw away
    view.clear();
    shown = again = null;
    await does();
  } catch (error) {
    if (canceling.signal.aborted) view.show("idle", "Canceled.");
    else view.fail(error);
  }
  $("again").hidden = again === null || view.state() !== "error";
  view.setBusy(false);
  view.giveFocus(button);
  refresh();
};

function settings() {
  const lines = $("phrases").value.split("\n").map((line) => line.trim());
  return {
    language: Array.from($("language").selectedOptions, (option) => option.value),
    diarize: $("diarize").checked,
    phrases: lines.filter(Boolean),
  };
}

function blocked(why, way) {
  view.note(
    `Something between this page and the server does not let the sound through: ${why}. Inspecting ` +
      `proxies, such as Zscaler, block recordings. The same sound is now sent in another way: as ${way}.`,
  );
}

// A recording: a file, or what the microphone gave.

async function send(recording, kind) {
  if (!recording.size) throw new Error(`The ${kind === "upload" ? "file" : "recording"} is empty.`);
  again = () => send(recording, kind);
  const sound = URL.createObjectURL(recording);
  view.play(sound);
  view.show("uploading");
  const asked = { kind, name: recording.name, ...settings() };
  const last = await transcribe(recording, asked, {
    signal: canceling.signal,
    grace,
    anew: view.clearText,
    blocked,
    sent(bytes) {
      if (bytes === recording.size) view.show("recognizing");
      else view.progress(bytes / recording.size);
    },
    news,
  });
  if (last.transcript) {
    sounds.set(last.transcript, sound);
    await open(last.transcript);
  }
  if (last.error) throw new Error(last.error);
  view.show("done");
}

/** Shows how far the server is. */
function news({ state, texts, partial, decoded, recognized, total }) {
  for (const text of texts) view.addSegment({ text });
  view.showPartial("", partial);
  if (state !== "recognizing") return;
  const of = total ? ` of ${Math.round(total)}` : ""; // some containers do not say
  const ahead = decoded < (total ?? Infinity) - 1 ? `; ${Math.round(decoded)} s are decoded` : "";
  view.show("recognizing", decoded ? `Recognizing… ${Math.round(recognized)}${of} s${ahead}` : undefined);
  view.progress(total ? Math.min(1, recognized / total) : null);
}

async function upload() {
  await send($("audio-file").files[0], "upload");
}

async function recordAndSend() {
  const recording = await withMicrophone(async (stream) => {
    const end = record(stream);
    view.show("recording");
    await stopped();
    return end();
  });
  await send(recording, "record");
}

// The microphone.

/** Lends the microphone to a function, and shows how loud it is meanwhile. */
async function withMicrophone(does) {
  view.show("idle", "Waiting for the microphone…");
  const stream = await openMicrophone();
  const endMeter = meter(stream, $("level"), $("timer"), { limit: maxSeconds, over: () => stop() });
  try {
    return await does(stream);
  } finally {
    endMeter();
    closeMicrophone(stream);
  }
}

/** Waits until somebody presses stop, or the limit is reached. */
const stopped = () => new Promise((resolve) => (stop = resolve));

async function live() {
  let id;
  try {
    await withMicrophone(async (stream) => {
      view.show("idle", "Connecting…");
      const session = await listen(stream, { transport: $("transport").value, blocked, ...settings() });
      id = session.id;
      hear(session.client);
      view.show("live");
      await Promise.race([stopped(), session.failed]);
      view.show("recognizing");
      await session.stop();
    });
  } catch (error) {
    view.fail(error);
  }
  // What was said until something failed is kept too.
  if (id && (await ask("GET", `/live/${id}`)).saved) await open(id);
  if (view.state() !== "error") view.show("done");
}

/** Shows a live session's events as they come. */
function hear(client) {
  const on = (kind, show) => client.addEventListener(kind, ({ detail }) => show(detail));
  on("partial", ({ stable, tail }) => view.showPartial(stable, tail));
  on("final", ({ segment }) => segment.text && view.settle(segment));
  on("connected", () => view.show(view.state()));
  on("disconnected", () => view.show(view.state(), "The connection was lost; connecting again…"));
  on("reconnecting", () => view.show(view.state(), "The server reconnects to its recognizer…"));
  on("audio_gap", ({ start, end }) => view.note(`${(end - start).toFixed(1)} s of the sound were lost.`));
  on("refused", ({ error }) => view.note(error.message));
}

// Saved transcripts.

async function open(id) {
  view.showSaved(id, await ask("GET", `/transcripts/${id}`));
  if (sounds.has(id)) view.play(sounds.get(id));
  shown = id;
}

async function reopen(id) {
  await open(id);
  view.show("done", "An earlier transcript.");
}

async function forget(id) {
  await ask("DELETE", `/transcripts/${id}`);
  if (shown !== id) return;
  shown = null;
  view.clear();
  view.show("idle");
}

/** Whether there are corrections that only the page has. */
const unsaved = () => shown !== null && !$("save").disabled;

async function save() {
  $("save").disabled = true;
  try {
    await ask("PATCH", `/transcripts/${shown}`, { json: { text: $("transcript").innerText } });
    view.show("done", "Saved.");
  } catch (error) {
    $("save").disabled = false;
    throw error;
  }
}

function refresh() {
  const openIt = (id) => work(() => reopen(id))();
  list(openIt, (id) => tell(() => forget(id))).catch(view.fail);
}

/** Does something small, beside whatever is on the page. */
async function tell(does) {
  try {
    await does();
  } catch (error) {
    view.fail(error);
  }
  refresh();
}

// The page.

$("drop").addEventListener("submit", work(upload));
$("record").addEventListener("click", work(recordAndSend));
$("live").addEventListener("click", work(live));
$("again").addEventListener("click", (event) => work(again)(event));
$("stop").addEventListener("click", () => stop());
$("cancel").addEventListener("click", () => canceling.abort());
$("save").addEventListener("click", () => tell(save));
$("audio-file").addEventListener("change", view.enable);
$("transcript").addEventListener("input", () => ($("save").disabled = shown === null));
$("transcript").addEventListener("click", ({ target }) => view.seek(target));
$("transcript").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  view.seek(getSelection().anchorNode);
});
$("player").addEventListener("timeupdate", view.follow);
$("player").addEventListener("loadedmetadata", view.measure);
addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());
view.receiveDrops($("drop"), $("audio-file"));
view.nameLanguages($("language"));
view.enable();
refresh();
