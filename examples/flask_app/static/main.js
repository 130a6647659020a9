// The page's actions: from each button to a transcript.

import * as editor from "./editor.js";
import { showHistory } from "./history.js";
import { watch } from "./jobs.js";
import * as kept from "./kept.js";
import { isLost, onLost, showEvents, startLive } from "./live.js";
import { closeMicrophone, meter, openMicrophone, record } from "./microphone.js";
import { keepNewestInSight } from "./newest.js";
import { ask, newId } from "./server.js";
import { offerUndo, withdrawUndo } from "./undo.js";
import * as uploads from "./upload.js";
import { enqueue, offerKept, sendFiles, waits } from "./waiting.js";
import * as view from "./view.js";
import { $ } from "./view.js";

const maxSeconds = Number(document.body.dataset.maxSeconds);
const grace = Number(document.body.dataset.grace);

const recordings = new Map(); // URLs of recordings made or uploaded in this visit, by transcript ID
let shown = null; // the ID of the transcript on the page, if it can be corrected
let making = null; // the ID of the transcript that this page makes
let unsent = null; // when the recording that is not transcribed yet was started
let retry = null; // sends the last recording again
let stop = () => {}; // ends the recording or the live session
let cancel = () => {}; // ends the upload
let busy = false; // this page makes a transcript
let leave = new AbortController(); // ends the action
let complained = false; // the error on the page is that of a short action

/**
 * Wraps an action as an event handler, which shows its errors. An action that makes a transcript
 * keeps the page busy; one that only shows one can be left for another at any time.
 */
const handler = (action, { makes }) => async (event) => {
  const button = event?.submitter ?? event?.currentTarget;
  event?.preventDefault();
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  cancel = () => leave.abort();
  view.setBusy((busy = makes));
  try {
    const conflict = unsaved() && (await editor.save()); // don't discard corrections
    view.clear();
    if (conflict) view.note(conflict);
    shown = making = retry = null;
    await action(signal);
  } catch (error) {
    if (signal.aborted && !makes) return; // another action has taken over
    if (signal.aborted) view.show("idle", "Canceled.");
    else view.fail(error);
    complained = false;
    if (error.retryable === false) retry = null; // it would fail again
  }
  $("again").hidden = retry === null || view.state() !== "error";
  view.setBusy((busy = false));
  view.giveFocus(button);
  refresh();
  if (waits()) work(upload)(); // dropped meanwhile
};
const work = (action) => handler(action, { makes: true });
const look = (action) => handler(action, { makes: false });

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
  if (!recording.size) {
    const what = kind === "upload" ? "file" : "recording";
    throw Object.assign(new Error(`The ${what} is empty.`), { retryable: false });
  }
  const url = URL.createObjectURL(recording);
  view.play(url);
  view.show("uploading");
  const request = { kind, name: recording.name, ...settings() };
  const last = await uploads.transcribe(recording, request, {
    signal: leave.signal,
    grace,
    onStart: begun,
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
  recordings.set(last.id, url);
  await showResult(last.id, last);
}

/** Shows the server's progress. */
function onProgress({ state, segments, partial, decoded, recognized, total }) {
  segments.forEach(view.addSegment);
  view.showPartial("", partial);
  if (state !== "recognizing") return;
  const of = total ? ` of ${Math.round(total)}` : ""; // some containers do not state it
  const ahead = decoded < (total ?? Infinity) - 1 ? `; ${Math.round(decoded)} s decoded` : "";
  view.show("recognizing");
  view.progress(total ? Math.min(1, recognized / total) : null, `${Math.round(recognized)}${of} s${ahead}`);
}

function uploadChosen(signal) {
  enqueue($("audio-file").files);
  return upload(signal);
}

/** Transcribes the files that wait, one after the other. */
async function upload(signal) {
  try {
    await sendFiles(async (file) => {
      view.clear();
      await send(file, "upload");
    }, signal);
  } catch (error) {
    retry = (again) => {
      enqueue(error.files);
      return upload(again);
    };
    throw error;
  }
}

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

const CANNOT_KEEP = "This browser can't keep the recording: do not close this page before it is transcribed.";

/** Works on a recording; the page warns before it is left. */
async function keeping(started, action) {
  try {
    await kept.use(started, () => action((unsent = started)));
  } finally {
    unsent = null;
  }
}

async function sendKept(started, made) {
  retry = () => keeping(started, () => sendKept(started, made));
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
  const id = newId();
  let failure = null;
  try {
    await withMicrophone((stream) => speak(id, stream));
  } catch (error) {
    if (making === null) throw error; // before the server knew of it
    if (!isLost(error)) failure = error;
  }
  view.show("recognizing");
  const last = await watch(id, { signal: leave.signal, grace, onProgress() {}, onLost });
  // The transcript up to a failure is saved, too.
  await showResult(id, failure ? { state: "error", error: failure.message } : last);
}

/** Transcribes a stream until Stop is pressed, in a new session whenever the server loses one. */
async function speak(id, stream) {
  view.show("idle", "Connecting…");
  const options = { format: $("transport").value, onBlocked, ...settings() };
  const end = stopped();
  let session = await startLive(id, stream, options);
  begun(id);
  for (let offset = 0; ; ) {
    showEvents(session.client, offset);
    view.show("live");
    try {
      await Promise.race([end, session.over]);
      break;
    } catch (error) {
      if (!isLost(error)) throw error;
    }
    const waiting = new AbortController();
    const again = startAgain(id, stream, options, waiting.signal);
    session = await Promise.race([end, again]);
    if (!session) { // stopped meanwhile
      waiting.abort();
      again.then(({ stop }) => stop()).catch(() => {});
      return;
    }
    ({ offset } = await ask("GET", `/jobs/${id}`));
    view.showText(await ask("GET", `/transcripts/${id}`));
    refresh(); // it is in progress again
  }
  view.show("recognizing");
  await session.stop();
}

/** Begins a new session under the ID of one that the server has lost, as soon as it answers. */
async function startAgain(id, stream, options, signal) {
  await watch(id, { signal, grace: Infinity, onProgress() {}, onLost });
  return startLive(id, stream, options);
}

// Transcripts, in progress or saved: each has a URL.

const address = (id) => (id ? `/t/${id}` : "/");
const addressed = () => location.pathname.match(/^\/t\/([^/]+)$/)?.[1] ?? null;

/** Puts a transcript, or none, into the address bar. */
function go(id) {
  if (addressed() !== id) history.pushState(null, "", address(id));
}

/** Shows in all tabs that this page has begun to make a transcript. */
function begun(id) {
  making = id;
  withdrawUndo(id); // it is made again
  go(id);
  refresh();
}

/** Shows a transcript that is over, as the last snapshot says; `words` are for one that is done. */
async function showResult(id, { state, error, retryable, saved = true, repeated }, words) {
  if (!saved) {
    view.show("idle", "Canceled.");
    return;
  }
  const signal = state === "canceled" ? undefined : leave.signal; // which is what canceled it
  const loaded = await editor.load(id, signal);
  const { segments, ledger } = loaded.transcript;
  if (state !== "error" || segments.length) {
    editor.show(loaded);
    if (recordings.has(id)) view.play(recordings.get(id));
    shown = id;
  }
  if (state === "error") throw Object.assign(new Error(error), { retryable });
  if (state === "canceled") {
    view.show("idle", "Canceled. This is what was recognized until then.");
    view.bringIntoSight();
  } else if (repeated) view.show("done", "This recording was transcribed before.");
  else if (ledger.gaps.length) view.show("done", words ?? "Done, but parts of the audio are missing.");
  else view.show("done", words);
}

/** Shows the transcript that is in the address bar, in whatever state it is, until it is over. */
const showAddressed = look(async (signal) => {
  const id = addressed();
  if (!id) {
    view.show("idle");
    return;
  }
  stop = () => aside(() => ask("POST", `/live/${id}/end`));
  cancel = () => aside(() => uploads.cancel(id));
  let words = "An earlier transcript.";
  const last = await watch(id, {
    signal,
    grace,
    onProgress(now) {
      if (now.state !== "done") words = undefined;
      if (now.state === "live") view.show("live", "In progress, in another tab…");
      if (now.state === "uploading") {
        view.show("uploading");
        view.progress(now.received / now.size);
      }
      onProgress(now);
    },
    onLost,
  });
  await showResult(id, last, words);
});

function open(id) {
  go(id);
  showAddressed();
}

async function remove(id) {
  if (id === shown && unsaved()) await editor.save(); // so that undoing it brings all back
  await ask("DELETE", `/transcripts/${id}`);
  const here = addressed() === id;
  offerUndo(id, () => aside(async () => {
    await ask("POST", `/transcripts/${id}/undelete`);
    if (here) open(id);
  }));
  if (!here) return;
  shown = null;
  history.replaceState(null, "", address(null));
  await showAddressed();
}

/** Whether there are unsaved corrections. */
const unsaved = () => shown !== null && editor.unsaved();

const refreshHistory = showHistory({ open, remove: (id) => aside(() => remove(id)), onError: complain });

function refresh() {
  refreshHistory();
  offerKept(transcribeKept, discardKept).catch(() => {}); // a browser that keeps nothing
}

function complain(error) {
  view.complain(error);
  complained = true;
}

/** Runs a short action without changing the state of the page. Its error is shown until one succeeds. */
async function aside(action) {
  try {
    await action();
    if (complained) $("error").hidden = true;
    complained = false;
  } catch (error) {
    complain(error);
  }
  refresh();
}

// The page.

$("drop").addEventListener("submit", work(uploadChosen));
$("record").addEventListener("click", work(recordAndSend));
$("live").addEventListener("click", work(live));
$("again").addEventListener("click", (event) => work(retry)(event));
$("stop").addEventListener("click", () => stop());
$("cancel").addEventListener("click", () => cancel());
$("save").addEventListener("click", () => aside(editor.save));
$("version").addEventListener("change", () => aside(editor.useVersion));
$("audio-file").addEventListener("change", view.enable);
$("transcript").addEventListener("input", editor.onInput);
$("transcript").addEventListener("click", editor.seek);
$("transcript").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  editor.seek();
});
$("player").addEventListener("timeupdate", editor.follow);
$("player").addEventListener("loadedmetadata", view.measure);
$("player").addEventListener("error", view.hidePlayer); // a format that this browser can't play
addEventListener("popstate", () => {
  if (!busy) showAddressed();
  else if (making) go(making); // the page still makes it
});
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
addEventListener("beforeunload", (event) => (unsaved() || unsent) && event.preventDefault());
view.receiveDrops($("drop"), $("audio-file"), enqueue);
view.nameLanguages($("language"));
keepNewestInSight($("paper"), $("newest"));
view.enable();
if (addressed()) showAddressed();
else refresh();
