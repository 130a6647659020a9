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

export const state = () => $("transcript").dataset.state;

/** Shows a state: idle, recording, uploading, recognizing, live, done or error. */
export function show(name, words = STATES[name]) {
  if ($("status").textContent !== words) $("status").textContent = words;
  if (state() !== name) {
    $("transcript").dataset.state = name;
    $("progress").hidden = true;
    enable();
  }
  if (name === "done") $("paper").scrollIntoView({ block: "nearest" });
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
  if (document.activeElement === document.body && button && !button.disabled) button.focus();
}

/** Clears everything from the page. */
export function clear() {
  clearText();
  for (const id of ["error", "notice", "keep", "player"]) $(id).hidden = true;
  $("player").removeAttribute("src");
  $("transcript").classList.remove("plays");
}

export function fail(error) {
  const unreachable = error instanceof BlockedError;
  $("error").textContent = unreachable ? `Can't reach the server: ${error.message}.` : error.message;
  $("error").hidden = false;
  $("error").scrollIntoView({ block: "nearest" });
  hidePartial();
  show("error");
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

function noteAll(sentences) {
  if (sentences.length) note(sentences.join(" "));
}

/** Reasons why words between two sessions are missing. */
const BETWEEN = {
  restarted: "The server was restarted",
  disconnected: "The connection was lost for too long",
};

const inSeconds = (length) => `${length.toFixed(length < 1 ? 2 : 1)} s`;

/** Seconds that may be missing without a word: less than a syllable. */
const TOLERANCE = 0.1;

function aboutGaps(gaps) {
  const known = gaps.filter(({ seconds }) => seconds === null || seconds >= TOLERANCE);
  const parts = known.map(({ at, seconds, reason }) => {
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

/** Shows the progress, from 0 to 1; null is unknown. */
export function progress(fraction) {
  $("progress").hidden = false;
  if (fraction === null) $("progress").removeAttribute("value");
  else $("progress").value = fraction;
}

// The text.

export function clearText() {
  edit(false);
  $("transcript").replaceChildren();
  hidePartial();
}

/** Adds a segment, which may have only a text. */
export function addSegment(segment) {
  const paragraph = document.createElement("p");
  if (segment.start !== undefined) {
    paragraph.dataset.start = segment.start;
    paragraph.dataset.time = clock(segment.start);
  }
  if (segment.speaker) paragraph.dataset.speaker = segment.speaker;
  paragraph.append(...withWords(segment), " ");
  $("transcript").append(paragraph);
}

/** Splits a segment's text into words with their times. */
function* withWords({ text, words = [] }) {
  let at = 0;
  for (const { text: word, start, end } of words) {
    const found = text.indexOf(word, at);
    if (found < 0) continue;
    yield text.slice(at, found);
    const element = document.createElement("span");
    element.className = "word";
    Object.assign(element.dataset, { start, end });
    element.textContent = word;
    yield element;
    at = found + word.length;
  }
  yield text.slice(at);
}

/**
 * Shows the hypothesis for the open segment. The stable part only grows, by text nodes, so that
 * screen readers read each word once; they do not read the tail.
 */
export function showPartial(stable, tail) {
  const [kept, open] = $("partial").children;
  if ($("partial").classList.contains("settled") || !stable.startsWith(kept.textContent)) hidePartial();
  if (stable !== kept.textContent) kept.append(stable.slice(kept.textContent.length));
  if (tail !== open.textContent) open.textContent = tail;
}

/** Adds the final of the open segment. Its last words are still to be read by screen readers. */
export function settle(segment) {
  addSegment(segment);
  showPartial(segment.text, "");
  $("partial").classList.add("settled");
}

function hidePartial() {
  for (const part of $("partial").children) part.replaceChildren();
  $("partial").classList.remove("settled");
}

/** Shows the text of a transcript, and what is missing. */
export function showText({ segments, ledger, track }) {
  clearText();
  noteAll([...(track ? aboutTrack(track) : []), ...aboutGaps(ledger.gaps)]);
  segments.forEach(addSegment);
}

/** Shows a saved transcript, which can be corrected and downloaded. */
export function showSaved(id, transcript) {
  showText(transcript);
  edit(true);
  for (const link of $("keep").querySelectorAll("a")) link.href = `/transcripts/${id}/${link.dataset.format}`;
  $("save").disabled = true;
  $("keep").hidden = false;
}

function edit(on) {
  const transcript = $("transcript");
  if (!on) {
    for (const name of ["contenteditable", "role", "aria-multiline", "tabindex"]) transcript.removeAttribute(name);
    return;
  }
  transcript.setAttribute("role", "textbox");
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
  $("transcript").classList.add("plays");
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

/** Plays from the word that contains a node, or from the beginning of its segment. */
export function seek(node) {
  const element = node instanceof Element ? node : node?.parentElement;
  const at = element?.closest("#transcript [data-start]");
  if (at && !$("player").hidden) $("player").currentTime = Number(at.dataset.start);
}

/** Highlights the word being played. */
export function follow() {
  const now = $("player").currentTime;
  for (const word of $("transcript").querySelectorAll(".word")) {
    const { start, end } = word.dataset;
    word.classList.toggle("now", Number(start) <= now && now < Number(end));
  }
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
