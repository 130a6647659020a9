// What the page shows: one state at a time, the transcript, and what there is to say about it.

import { clock } from "./microphone.js";
import { BlockedError } from "./server.js";

export const $ = (id) => document.getElementById(id);

const STATES = {
  idle: "Choose a file, or speak.",
  recording: "Recording…",
  uploading: "Uploading…",
  recognizing: "Recognizing…",
  live: "Listening…",
  done: "Done.",
  error: "That did not work.",
};

let busy = false; // with a sound, from the press of a button to its transcript

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

/** Lets those buttons be pressed that make sense now. */
export function enable() {
  for (const id of ["record", "live", "audio-file", "again"]) $(id).disabled = busy;
  for (const button of $("history").querySelectorAll("button")) button.disabled = busy;
  $("transcribe").disabled = busy || !$("audio-file").files.length;
  $("stop").disabled = !["recording", "live"].includes(state());
  $("cancel").hidden = !["uploading", "recognizing"].includes(state());
  giveFocus($("stop"));
}

/** Lets the keyboard go on here, if the button that was pressed can't be pressed any more. */
export function giveFocus(button) {
  if (document.activeElement === document.body && button && !button.disabled) button.focus();
}

/** Begins anew: nothing is shown of what was. */
export function clear() {
  clearText();
  for (const id of ["error", "notice", "keep", "player"]) $(id).hidden = true;
  $("player").removeAttribute("src");
  $("transcript").classList.remove("plays");
}

export function fail(error) {
  const unreachable = error instanceof BlockedError;
  $("error").textContent = unreachable ? `The server can't be reached: ${error.message}.` : error.message;
  $("error").hidden = false;
  $("error").scrollIntoView({ block: "nearest" });
  hidePartial();
  show("error");
}

export function note(words) {
  $("notice").textContent = words;
  $("notice").hidden = false;
}

/** Shows how much is done, of 1; null is unknown. */
export function progress(part) {
  $("progress").hidden = false;
  if (part === null) $("progress").removeAttribute("value");
  else $("progress").value = part;
}

// The text.

export function clearText() {
  edit(false);
  $("transcript").replaceChildren();
  hidePartial();
}

/** Adds what was said in one piece: a segment, or its text alone. */
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

/** Cuts a segment's text at its words, so that each can be found by its time. */
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
 * Shows what the open segment sounds like. What is stable only grows, by text nodes, so that a
 * screen reader says each word once; what may change it does not say at all.
 */
export function showPartial(stable, tail) {
  const [kept, open] = $("partial").children;
  if ($("partial").classList.contains("settled") || !stable.startsWith(kept.textContent)) hidePartial();
  if (stable !== kept.textContent) kept.append(stable.slice(kept.textContent.length));
  if (tail !== open.textContent) open.textContent = tail;
}

/** Moves the open segment to what stays; its last words are still to be said aloud. */
export function settle(segment) {
  addSegment(segment);
  showPartial(segment.text, "");
  $("partial").classList.add("settled");
}

function hidePartial() {
  for (const part of $("partial").children) part.replaceChildren();
  $("partial").classList.remove("settled");
}

/** Shows a transcript that is saved: to correct, and to download. */
export function showSaved(id, { segments }) {
  clearText();
  segments.forEach(addSegment);
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

// The sound.

export function play(url) {
  $("player").src = url;
  $("player").hidden = false;
  $("transcript").classList.add("plays");
}

/** Has the length of a recording found: MediaRecorder does not write it down, but its end tells. */
export function measure({ currentTarget: player }) {
  if (player.duration !== Infinity) return;
  player.addEventListener("seeked", () => (player.currentTime = 0), { once: true });
  player.currentTime = Number.MAX_SAFE_INTEGER;
}

/** Plays from the word that a node is in, or from the beginning of its segment. */
export function seek(node) {
  const element = node instanceof Element ? node : node?.parentElement;
  const at = element?.closest("#transcript [data-start]");
  if (at && !$("player").hidden) $("player").currentTime = Number(at.dataset.start);
}

/** Marks the word that is heard. */
export function follow() {
  const now = $("player").currentTime;
  for (const word of $("transcript").querySelectorAll(".word")) {
    const { start, end } = word.dataset;
    word.classList.toggle("now", Number(start) <= now && now < Number(end));
  }
}

// The rest.

/** Puts files that are dropped anywhere on the page into a field. */
export function receiveDrops(place, field) {
  const over = (event) => {
    event.preventDefault();
    place.classList.toggle("over", event.type === "dragover" && !field.disabled);
  };
  for (const kind of ["dragover", "dragleave", "drop"]) addEventListener(kind, over);
  addEventListener("drop", ({ dataTransfer }) => {
    if (!dataTransfer.files.length || field.disabled) return;
    field.files = dataTransfer.files;
    enable();
  });
}

/** Names languages in the reader's own, which is chosen. */
export function nameLanguages(field) {
  const names = new Intl.DisplayNames(navigator.languages, { type: "language" });
  for (const option of field.options) {
    option.textContent = `${names.of(option.value)} (${option.value})`;
    if (option.value === navigator.language) field.value = option.value;
  }
}
