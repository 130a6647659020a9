// The page's actions: from each button to a transcript.

import { showHistory } from "./history.js";
import { startLive } from "./live.js";
import * as kept from "./kept.js";
import { closeMicrophone, meter, openMicrophone, record } from "./microphone.js";
import { ask } from "./server.js";
import { transcribe } from "./upload.js";
import { enqueue, offerKept, sendFiles, waits } from "./waiting.js";
import * as view from "./view.js";
import { $ } from "./view.js";

const maxSeconds = Number(document.body.dataset.maxSeconds);
const grace = Number(document.body.dataset.grace);

const recordings = new Map(); // URLs of recordings made or uploaded in this visit, by transcript ID
let shown = null; // the ID of the transcript on the page
let unsent = null; // when the recording that is not transcribed yet was started
let retry = null; // sends the last recording again
let stop = () => {}; // ends the recording or the live session
let abort = new AbortController();

/** Wraps an action as an event handler, which shows its errors. */
const work = (action) => async (event) => {
  const button = event?.submitter ?? event?.currentTarget;
  event?.preventDefault();
  view.setBusy(true);
  abort = new AbortController();
  try {
    if (unsaved()) await save(); // don't discard corrections
    view.clear();
    shown = retry = null;
    await action();
  } catch (error) {
    if (abort.signal.aborted) view.show("idle", "Canceled.");
    else view.fail(error);
    if (error.retryable === false) retry = null; // it would fail again
  }
  $("again").hidden = !retry || view.state() !== "error";
  view.setBusy(false);
  view.giveFocus(button);
  refresh();
  if (waits()) work(upload)(); // dropped meanwhile
};

function settings() {
  const lines = $("phrases").value.split("\n").map((line) => line.trim());
  return {
    language: Array.from($("language").selectedOptions, (option) => option.value),
    diarize: $("diarize").checked,
    phrases: lines.filter(Boolean),
  };
}

function onBlocked(reason, transport = "small requests") {
  view.note(
    `Something between this page and the server blocks the audio: ${reason}. Some inspecting ` +
      `proxies, such as Zscaler, block recordings. The audio is now sent another way: in ${transport}.`,
  );
}

// Recordings: a file, or audio from the microphone.

async function send(recording, kind) {
  if (!recording.size) throw new Error(`The ${kind === "upload" ? "file" : "recording"} is empty.`);
  retry = () => send(recording, kind);
  const url = URL.createObjectURL(recording);
  view.play(url);
  view.show("uploading");
  const request = { kind, name: recording.name, ...settings() };
  const last = await transcribe(recording, request, {
    signal: abort.signal,
    grace,
    onBlocked,
    onLost: ({ message }) => view.show(view.state(), `Connection lost: ${message}. Trying again…`),
    onBack: () => view.show(view.state()),
    onRestart() {
      view.clearText();
      view.show("uploading", "The server was restarted, so the recording is sent again…");
    },
    onSent(bytes) {
      if (bytes === recording.size) view.show("recognizing");
      else view.progress(bytes / recording.size);
    },
    onProgress,
  });
  if (last.saved) {
    recordings.set(last.id, url);
    await open(last.id);
  }
  if (last.state === "canceled") view.show("idle", canceled(last));
  else if (last.error) throw Object.assign(new Error(last.error), last);
  else view.show("done", last.repeated && "This recording was transcribed before.");
}

const canceled = ({ saved }) =>
  saved ? "Canceled. This is what was recognized until then." : "Canceled.";

/** Shows the server's progress. */
function onProgress({ state, segments, partial, decoded, recognized, total }) {
  segments.forEach(view.addSegment);
  view.showPartial("", partial);
  if (state !== "recognizing") return;
  const of = total ? ` of ${Math.round(total)}` : ""; // some containers do not state it
  const ahead = decoded < (total ?? Infinity) - 1 ? `; ${Math.round(decoded)} s decoded` : "";
  view.show("recognizing", decoded ? `Recognizing… ${Math.round(recognized)}${of} s${ahead}` : undefined);
  view.progress(total ? Math.min(1, recognized / total) : null);
}

async function upload() {
  await sendFiles(async (file) => {
    view.clear();
    await send(file, "upload");
  }, abort.signal);
}

function uploadChosen() {
  enqueue($("audio-file").files);
  return upload();
}

const CANNOT_KEEP = "This browser can't keep the recording: do not close this page before it is transcribed.";

/** Records, and transcribes that. The recording is kept in the browser until it is transcribed. */
async function recordAndSend() {
  const started = Date.now();
  const onChunk = (type, chunk) =>
    kept.keep(started, type, chunk).catch(() => view.note(CANNOT_KEEP));
  await keeping(started, async () => {
    const made = await withMicrophone(async (stream) => {
      const end = record(stream, onChunk);
      view.show("recording");
      await stopped();
      return end();
    });
    await sendKept(started, made);
  });
}

/** Works on a recording; the page warns before it is left. */
async function keeping(started, action) {
  try {
    await kept.use(started, () => action((unsent = started)));
  } finally {
    unsent = null;
  }
}

async function sendKept(started, made) {
  await send(made, "record");
  if (view.state() === "done") await kept.discard(started);
}

const transcribeKept = (started) =>
  work(() => keeping(started, async () => sendKept(started, await kept.restore(started))))();

const discardKept = (started) => aside(() => kept.discard(started));

// The microphone.

/** Runs an action with the microphone, and shows the level meanwhile. */
async function withMicrophone(action) {
  view.show("idle", "Waiting for the microphone…");
  const stream = await openMicrophone();
  const endMeter = meter(stream, $("level"), $("timer"), { limit: maxSeconds, onLimit: () => stop() });
  try {
    return await action(stream);
  } finally {
    endMeter();
    closeMicrophone(stream);
  }
}

/** Waits until Stop is pressed or the time limit is reached. */
const stopped = () => new Promise((resolve) => (stop = resolve));

async function live() {
  let id;
  try {
    await withMicrophone(async (stream) => {
      view.show("idle", "Connecting…");
      const format = $("transport").value;
      const session = await startLive(stream, { format, onBlocked, ...settings() });
      id = session.id;
      showEvents(session.client);
      view.show("live");
      await Promise.race([stopped(), session.failed]);
      view.show("recognizing");
      await session.stop();
    });
  } catch (error) {
    view.fail(error);
  }
  // The transcript up to a failure is saved, too.
  if (id && (await ask("GET", `/live/${id}`)).saved) await open(id);
  if (view.state() !== "error") view.show("done");
}

/** Shows a live session's events as they arrive. */
function showEvents(client) {
  const on = (kind, show) => client.addEventListener(kind, ({ detail }) => show(detail));
  on("partial", ({ stable, tail }) => view.showPartial(stable, tail));
  on("final", ({ segment }) => segment.text && view.settle(segment));
  on("connected", () => view.show(view.state()));
  on("disconnected", () => view.show(view.state(), "Connection lost; reconnecting…"));
  on("reconnecting", () => view.show(view.state(), "The server is reconnecting to its recognizer…"));
  on("audio_gap", (gap) => view.noteMissing([{ ...gap, at: gap.start }]));
  on("refused", ({ error }) => view.note(error.message));
}

// Saved transcripts.

async function open(id) {
  view.showSaved(id, await ask("GET", `/transcripts/${id}`));
  if (recordings.has(id)) view.play(recordings.get(id));
  shown = id;
}

async function openEarlier(id) {
  await open(id);
  view.show("done", "An earlier transcript.");
}

async function remove(id) {
  await ask("DELETE", `/transcripts/${id}`);
  if (shown !== id) return;
  shown = null;
  view.clear();
  view.show("idle");
}

/** Whether there are unsaved corrections. */
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
  const show = (id) => work(() => openEarlier(id))();
  showHistory(show, (id) => aside(() => remove(id))).catch(view.fail);
  offerKept(transcribeKept, discardKept).catch(() => {}); // a browser that keeps nothing
}

/** Runs a short action without changing the state of the page. */
async function aside(action) {
  try {
    await action();
  } catch (error) {
    view.fail(error);
  }
  refresh();
}

// The page.

$("drop").addEventListener("submit", work(uploadChosen));
$("record").addEventListener("click", work(recordAndSend));
$("live").addEventListener("click", work(live));
$("again").addEventListener("click", (event) => work(retry)(event));
$("stop").addEventListener("click", () => stop());
$("cancel").addEventListener("click", () => abort.abort());
$("save").addEventListener("click", () => aside(save));
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
$("player").addEventListener("error", view.hidePlayer); // a format that this browser can't play
addEventListener("beforeunload", (event) => (unsaved() || unsent) && event.preventDefault());
view.receiveDrops($("drop"), $("audio-file"), enqueue);
view.nameLanguages($("language"));
view.enable();
refresh();
