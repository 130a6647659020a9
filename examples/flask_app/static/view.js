// What the page shows: its state, the transcript, and messages.

import { clock } from "./microphone.js";
import { BlockedError } from "./server.js";

export const $ = (id) => document.getElementById(id);

const STATES = {
  idle: "Choose a file, or start speaking.",
  recording: "Recording…",
  uploading: "Uploading…",
  recognizing: "Recognizing…",
  live: "Listening…",
  done: "Done.",
  error: "Something went wrong.",
};

let busy = false; // from the press of a button to its transcript
let live = false; // whether the text was read as it was spoken

export const state = () => $("transcript").dataset.state;

/** Shows a state: idle, recording, uploading, recognizing, live, done or error. */
export function show(name, words = STATES[name]) {
  if ($("status").textContent !== words) $("status").textContent = words; // read by screen readers
  if (state() === name) return;
  if (name !== "recognizing" && name !== "done") live = name === "live";
  $("transcript").dataset.state = name;
  $("progress").hidden = true;
  $("figures").textContent = "";
  enable();
  if (name === "done") bringIntoSight();
}

/** Scrolls to the transcript: to its beginning, or to its end if it was read as it came. */
export function bringIntoSight() {
  $("paper").parentElement.scrollIntoView();
  if (live) $("transcript").lastElementChild?.scrollIntoView({ block: "nearest" });
}

export function setBusy(is) {
  busy = is;
  enable();
}

/** Enables the controls that make sense now. */
export function enable() {
  for (const id of ["record", "live", "audio-file", "again"]) $(id).disabled = busy;
  for (const button of $("history").querySelectorAll("button")) button.disabled = busy;
  $("transcribe").disabled = busy || !$("audio-file").files.length;
  $("stop").disabled = !["recording", "live"].includes(state());
  $("cancel").hidden = !["uploading", "recognizing"].includes(state());
  giveFocus($("stop"));
}

/** Moves the focus here if the pressed button was disabled. */
export function giveFocus(button) {
  if (document.activeElement === document.body && button && !button.disabled) button.focus({ preventScroll: true });
}

/** Clears everything from the page. */
export function clear() {
  clearText();
  live = false;
  for (const id of ["error", "notice", "keep", "player"]) $(id).hidden = true;
  $("player").removeAttribute("src");
}

/** Shows an error that ends the action. */
export function fail(error) {
  complain(error);
  hidePartial();
  show("error");
}

/** Shows an error that changes nothing else: a live session may go on. */
export function complain(error) {
  const unreachable = error instanceof BlockedError;
  $("error").textContent = unreachable ? `Can't reach the server: ${error.message}.` : error.message;
  $("error").hidden = false;
  $("error").scrollIntoView({ block: "nearest" });
}

export function note(words) {
  $("notice").textContent = words;
  $("notice").hidden = false;
}

const MEANINGS = {
  truncated: "the recording ends too early",
  damaged: "it can't be read",
  absent: "it was never stored",
  unreadable: "a further recording of a kind that can't be followed",
  dropped: "it came faster than it could be recognized",
  unaccounted: "it has no result",
};

/** Tells which parts of the audio are missing: the gaps of a ledger. */
export function noteMissing(gaps) {
  noteAll(aboutGaps(gaps));
}

const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}.`;

function noteAll(sentences) {
  if (sentences.length) note(sentences.join(" "));
}

/** Reasons why words between two sessions are missing. */
const BETWEEN = {
  restarted: "The server was restarted",
  disconnected: "The connection was lost for too long",
};

const inSeconds = (length) => `${length.toFixed(length < 1 ? 2 : 1)} s`;

/** Seconds that may be missing in all without a notice: less than a syllable. */
const TOLERANCE = 0.1;

function aboutGaps(gaps) {
  const missing = gaps.reduce((sum, { seconds }) => sum + (seconds ?? Infinity), 0);
  if (missing < TOLERANCE) return [];
  const parts = gaps.map(({ at, seconds, reason }) => {
    if (reason in BETWEEN) {
      const when = seconds === null ? `after ${clock(at)}` : `from ${clock(at)} to ${clock(at + seconds)}`;
      return `${BETWEEN[reason]}: what was said ${when} is missing.`;
    }
    const length = seconds === null ? "An unknown length" : inSeconds(seconds);
    return `${length} of audio is missing at ${clock(at)}: ${MEANINGS[reason] ?? reason}.`;
  });
  const more = parts.length > 3 ? [`There are ${parts.length - 3} more gaps.`] : [];
  return [...parts.slice(0, 3), ...more];
}

function aboutTrack({ number, count, canceled }) {
  const which = `This is audio track ${number} of ${count}, counted from 0.`;
  const taken = `${inSeconds(canceled)} of the channels cancel each other, and one was taken there.`;
  return [...(count > 1 ? [which] : []), ...(canceled ? [taken] : [])];
}

/** Shows the progress, from 0 to 1 (null is unknown), and figures, which are not announced. */
export function progress(fraction, figures = "") {
  $("progress").hidden = false;
  $("figures").textContent = figures;
  if (fraction === null) $("progress").removeAttribute("value");
  else $("progress").value = fraction;
}

// The text.

export function clearText() {
  edit(false);
  announce(false);
  $("transcript").replaceChildren();
  hidePartial();
}

/** Sets whether screen readers read text as it comes: not if it is that of a recording, or old. */
function announce(on) {
  $("transcript").setAttribute("aria-live", on ? "polite" : "off");
}

/** Adds a segment, which may have only a text. */
export function addSegment(segment) {
  const paragraph = document.createElement("p");
  if (segment.start !== undefined) {
    paragraph.dataset.start = segment.start;
    paragraph.dataset.time = clock(segment.start);
  }
  if (segment.speaker) paragraph.dataset.speaker = segment.speaker;
  paragraph.append(segment.text, " ");
  $("transcript").append(paragraph);
}

/** Shows the hypothesis for the open segment. Screen readers read only what is final. */
export function showPartial(stable, tail) {
  const [kept, open] = $("partial").children;
  kept.textContent = stable;
  open.textContent = tail;
}

/** Adds the final of the open segment, which screen readers read. */
export function settle(segment) {
  hidePartial();
  announce(true);
  addSegment(segment);
}

function hidePartial() {
  showPartial("", "");
}

/** Shows the text of a transcript, and what is missing. */
export function showText({ segments, ledger, track, doubt }) {
  clearText();
  noteAll([...(doubt ? [sentence(doubt)] : []), ...(track ? aboutTrack(track) : []), ...aboutGaps(ledger.gaps)]);
  segments.forEach(addSegment);
}

/** Shows a saved transcript, which can be corrected and downloaded. */
export function showSaved(id, transcript) {
  showText(transcript);
  edit(true);
  for (const link of $("keep").querySelectorAll("a")) link.href = `/transcripts/${id}/${link.dataset.format}`;
  $("keep").hidden = false;
  if (state() === "done") bringIntoSight(); // another one was shown before
}

/** Lets the text on the page be edited, or not. */
export function edit(on) {
  const transcript = $("transcript");
  transcript.setAttribute("role", on ? "textbox" : "log");
  if (!on) {
    for (const name of ["contenteditable", "aria-multiline"]) transcript.removeAttribute(name);
    return;
  }
  transcript.setAttribute("aria-multiline", "true");
  try {
    transcript.contentEditable = "plaintext-only";
  } catch {
    transcript.contentEditable = "true"; // a browser from before 2025
  }
}

// Playback.

export function play(url) {
  $("player").src = url;
  $("player").hidden = false;
}

export function hidePlayer() {
  $("player").hidden = true;
  $("transcript").classList.remove("plays");
}

/** Finds the duration of a recording by seeking to its end: MediaRecorder does not store it. */
export function measure({ currentTarget: player }) {
  if (player.duration !== Infinity) return;
  player.addEventListener("seeked", () => (player.currentTime = 0), { once: true });
  player.currentTime = Number.MAX_SAFE_INTEGER;
}

// Files and languages.

/**
 * Puts files dropped anywhere on the page into a field, and highlights an area meanwhile. While the
 * field is disabled they go to `enqueue(files)`.
 */
export function receiveDrops(area, field, enqueue) {
  const onDrag = (event) => {
    event.preventDefault();
    area.classList.toggle("over", event.type === "dragover");
  };
  for (const kind of ["dragover", "dragleave", "drop"]) addEventListener(kind, onDrag);
  addEventListener("drop", ({ dataTransfer }) => {
    if (!dataTransfer.files.length) return;
    if (field.disabled) return enqueue(dataTransfer.files);
    field.files = dataTransfer.files;
    enable();
    area.scrollIntoView({ block: "nearest" }); // the button that sends them
  });
}

/** Names languages in the user's language, and selects that one. */
export function nameLanguages(field) {
  const names = new Intl.DisplayNames(navigator.languages, { type: "language" });
  for (const option of field.options) {
    option.textContent = `${names.of(option.value)} (${option.value})`;
    if (option.value === navigator.language) field.value = option.value;
  }
}
