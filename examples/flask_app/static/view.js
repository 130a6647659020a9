// What the page shows: one state at a time, the transcript, and what there is to say about it.

import { clock } from "./microphone.js";

export const $ = (id) => document.getElementById(id);

const STATES = {
  idle: "Choose a file, or speak.",
  recording: "Recording…",
  uploading: "Uploading…",
  recognising: "Recognising…",
  live: "Listening…",
  done: "Done.",
  error: "That did not work.",
};

/** Shows a state: idle, recording, uploading, recognising, live, done or error. */
export function show(state, words = STATES[state]) {
  const transcript = $("transcript");
  const changed = transcript.dataset.state !== state;
  transcript.dataset.state = state;
  if (changed || $("status").textContent !== words) $("status").textContent = words;
  if (!changed) return;
  const free = ["idle", "done", "error"].includes(state);
  for (const id of ["record", "live", "audio-file"]) $(id).disabled = !free;
  $("transcribe").disabled = !free || !$("audio-file").files.length;
  $("stop").disabled = !["recording", "live"].includes(state);
  $("cancel").hidden = !["uploading", "recognising"].includes(state);
  if (free) $("progress").hidden = true;
}

export const state = () => $("transcript").dataset.state;

/** Begins anew: nothing is shown of what was. */
export function clear() {
  $("transcript").replaceChildren();
  $("error").hidden = $("notice").hidden = $("keep").hidden = true;
  $("player").hidden = true;
  $("player").removeAttribute("src");
  $("transcript").contentEditable = "inherit";
  $("transcript").classList.remove("plays");
  hidePartial();
}

export function fail(error) {
  $("error").textContent = error.message;
  $("error").hidden = false;
  hidePartial();
  show("error");
}

export function note(words) {
  $("notice").textContent = words;
  $("notice").hidden = !words;
}

/** Shows how much is done, of 1; null is unknown. */
export function progress(part) {
  $("progress").hidden = false;
  if (part === null) $("progress").removeAttribute("value");
  else $("progress").value = part;
}

/** Adds what was said in one piece: a segment, or its text alone. */
export function addSegment(segment) {
  const paragraph = document.createElement("p");
  if (segment.start !== undefined) paragraph.dataset.time = clock(segment.start);
  if (segment.speaker) paragraph.dataset.speaker = segment.speaker;
  if (segment.words?.length) {
    paragraph.append(...segment.words.flatMap((word) => [asElement(word), " "]));
    paragraph.lastChild.remove();
  } else {
    paragraph.textContent = segment.text;
  }
  $("transcript").append(paragraph);
}

function asElement(word) {
  const element = document.createElement("span");
  element.className = "word";
  element.textContent = word.text;
  element.dataset.start = word.start;
  element.dataset.end = word.end;
  return element;
}

/**
 * Shows what the open segment sounds like. What is stable only grows, by text nodes, so that a
 * screen reader says each word once; what may change it does not say at all.
 */
export function showPartial(stable, tail) {
  const [shown, rest] = $("partial").children;
  if ($("partial").classList.contains("settled") || !stable.startsWith(shown.textContent)) hidePartial();
  if (stable !== shown.textContent) shown.append(stable.slice(shown.textContent.length));
  rest.textContent = tail;
}

/** Moves a segment from what is open to what stays; its last words are still to be said aloud. */
export function settle(segment) {
  addSegment(segment);
  showPartial(segment.text, "");
  $("partial").classList.add("settled");
}

export function hidePartial() {
  for (const part of $("partial").children) part.replaceChildren();
  $("partial").classList.remove("settled");
}
