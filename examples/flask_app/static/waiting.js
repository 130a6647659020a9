// What waits to be transcribed: files, one after the other, and recordings that a page left behind.

import * as kept from "./kept.js";
import { clock } from "./microphone.js";
import { $ } from "./view.js";

const files = []; // the first one may be in progress
let sending = false;

export const waits = () => files.length > 0 && !sending;

/** Adds files, and shows them if there are several. */
export function enqueue(added) {
  files.push(...added);
  showFiles();
}

/**
 * Sends the files one after the other by `send(file)`, including those that are added meanwhile.
 * One that fails does not hold up the others; the error that is thrown at the end tells all. Aborting
 * the signal drops those that wait.
 */
export async function sendFiles(send, signal) {
  sending = true;
  const failures = [];
  let count = 0;
  for (; files.length; files.shift(), count += 1) {
    showFiles();
    try {
      await send(files[0]);
    } catch (error) {
      if (!signal.aborted) failures.push({ file: files[0], error });
    }
    if (signal.aborted) files.length = 0;
  }
  sending = false;
  showFiles();
  if (failures.length) throw summary(failures, count);
}

/** Returns one error for all failures among so many files, with the `files` that may succeed later. */
function summary(failures, count) {
  const said = failures.map(({ file, error }) => {
    const message = error.message.replace(/\.$/, "");
    return message.includes(file.name) ? `${message}.` : `${file.name}: ${message}.`;
  }).join(" ");
  const files = failures.filter(({ error }) => error.retryable !== false).map(({ file }) => file);
  const error = count === 1 ? failures[0].error : new Error(said);
  return Object.assign(error, { files, retryable: files.length > 0 });
}

function showFiles() {
  const items = files.length < 2 && sending ? [] : files.map(({ name }, index) => {
    const item = document.createElement("li");
    item.textContent = index === 0 && sending ? `${name}: now` : `${name}: waiting`;
    return item;
  });
  $("waiting").replaceChildren(...items);
}

/**
 * Offers the recordings that were not transcribed: `send(started, recording)` transcribes one, and
 * `discard(started)` deletes it.
 */
export async function offerKept(send, discard) {
  const left = await kept.left();
  const offers = left.map(({ started, seconds }) => {
    const when = new Date(started).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
    const item = document.createElement("li");
    item.append(
      `A recording of ${clock(seconds)} from ${when} was not transcribed. `,
      button("Transcribe", () => send(started)),
      " ",
      button("Discard", () => discard(started)),
    );
    return item;
  });
  $("kept").replaceChildren(...offers);
}

function button(name, action) {
  const created = document.createElement("button");
  created.type = "button";
  created.textContent = name;
  created.onclick = action;
  return created;
}
