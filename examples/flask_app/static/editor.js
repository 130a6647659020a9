// The text of a saved transcript: corrections, their versions, and the words of the recording.
//
// Words are ranges of the text, not elements: neither typing nor saving replaces anything in the
// page, so that the browser's own undo works throughout.

import { ask } from "./server.js";
import * as view from "./view.js";
import { $ } from "./view.js";

let saved = null; // what is on the page: { id, version, transcript, text }
let words = []; // the words of the recording: { start, end, range }
let changed = false; // whether the text on the page is in no version

/** Loads a transcript in the version in use. */
export async function load(id, signal) {
  const { current, versions } = await ask("GET", `/transcripts/${id}/versions`, { signal });
  return { id, version: current, versions, transcript: await read(id, current, signal) };
}

const read = (id, version, signal) => ask("GET", `/transcripts/${id}?version=${version}`, { signal });

/** Shows a transcript that was loaded, to be corrected. */
export function show({ id, version, versions, transcript }) {
  view.showSaved(id, transcript);
  $("saved").textContent = "";
  listVersions(versions, version);
  begin(id, version, transcript);
}

function begin(id, version, transcript) {
  saved = { id, version, transcript, text: linesOnPage().join("\n") };
  mark(false);
  locate();
}

function mark(is) {
  changed = is;
  $("save").disabled = !is;
}

/** Whether there are corrections that were not saved. */
export const unsaved = () => changed;

const asLines = (texts) => texts.map((text) => text.split(/\s+/).filter(Boolean).join(" ")).filter(Boolean);

const linesOnPage = () => asLines($("transcript").innerText.split("\n"));

/** Call it after each edit, with the event. */
export function onInput({ inputType }) {
  if (!saved) return;
  // Only undoing and redoing lead back to the saved text; comparing takes long in a long text.
  const same = inputType.startsWith("history") && linesOnPage().join("\n") === saved.text;
  mark(!same);
  $("saved").textContent = "";
  if (same) locate(); // words that had gone are back
}

/**
 * Saves the text as a new version. Returns why it is not in use: another tab has saved one since
 * this one was loaded. Both are kept, and the next save replaces the other one.
 */
export async function save() {
  const { id, version } = saved;
  const text = linesOnPage().join("\n");
  mark(false);
  let conflict = null;
  try {
    await ask("PATCH", `/transcripts/${id}`, { json: { text, version } });
  } catch (error) {
    if (error.status !== 409) {
      mark(true);
      throw error;
    }
    conflict = error.message;
  }
  const { current, versions } = await ask("GET", `/transcripts/${id}/versions`);
  const newest = versions.at(-1).number;
  const transcript = await read(id, newest);
  const same = linesOnPage().join("\n") === text;
  if (same && !isOnPage(transcript)) {
    view.showText(transcript); // lines have been joined or divided
    view.edit(true);
  }
  listVersions(versions, newest);
  begin(id, current, transcript);
  mark(!same);
  if (conflict) $("save").disabled = false;
  $("saved").textContent = conflict ?? "Saved.";
  return conflict;
}

/** Whether each segment of a transcript has its paragraph on the page. */
function isOnPage({ segments }) {
  const paragraphs = [...$("transcript").querySelectorAll("[data-start]")];
  const times = paragraphs.filter(({ innerText }) => innerText.trim()).map(({ dataset }) => Number(dataset.start));
  return (
    linesOnPage().join("\n") === asLines(segments.map(({ text }) => text)).join("\n") &&
    times.join() === segments.map(({ start }) => start).join()
  );
}

function listVersions(versions, shown) {
  const options = versions.map(({ number, created }) => {
    const when = new Date(created * 1000);
    const today = when.toDateString() === new Date().toDateString();
    const time = today ? when.toLocaleTimeString() : when.toLocaleString();
    return new Option(number ? time : "Recognized", number, false, number === shown);
  });
  $("version").replaceChildren(...options);
  $("version").parentElement.hidden = options.length === 1;
}

/** Returns to the version that was chosen. What was not saved becomes a version first. */
export async function useVersion() {
  const { id } = saved;
  const version = Number($("version").value);
  if (changed) await save();
  await ask("PUT", `/transcripts/${id}/version`, { json: { version } });
  show(await load(id));
}

// The words of the recording.

/** Finds the words in the text on the page, which is that of the transcript. */
function locate() {
  const nodes = [];
  let all = "";
  const walker = document.createTreeWalker($("transcript"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    nodes.push({ node: walker.currentNode, first: all.length });
    all += walker.currentNode.data;
  }
  const place = (index) => {
    const { node, first } = nodes.findLast(({ first }) => first <= index);
    return [node, index - first];
  };
  words = [];
  let from = 0;
  for (const { text, start, end, text_offset } of saved.transcript.segments.flatMap(({ words }) => words)) {
    const at = text_offset === null ? -1 : all.indexOf(text, from);
    if (at < 0) continue;
    from = at + text.length;
    const range = new Range();
    range.setStart(...place(at));
    const [node, offset] = place(from - 1);
    range.setEnd(node, offset + 1);
    words.push({ start, end, range });
  }
}

/** Plays from the word at the caret, or from the beginning of its segment. */
export function seek() {
  const { anchorNode: node, anchorOffset: offset } = getSelection();
  if (!$("transcript").contains(node) || $("player").hidden) return;
  const element = node instanceof Element ? node : node.parentElement;
  const paragraph = element.closest("#transcript [data-start]");
  const word = words.findLast(({ range }) => !range.collapsed && range.comparePoint(node, offset) >= 0);
  const near = word && (paragraph ?? $("transcript")).contains(word.range.startContainer);
  const start = near ? word.start : paragraph?.dataset.start;
  if (start !== undefined) $("player").currentTime = Number(start);
}

/** Highlights the word being played. */
export function follow() {
  const now = $("player").currentTime;
  const played = words.filter(({ start, end }) => start <= now && now < end);
  CSS.highlights?.set("now", new Highlight(...played.map(({ range }) => range)));
}
