// The offer to undo a deletion.

import { $ } from "./view.js";

/** Milliseconds: less than the minute in which the server can. */
const TIME = 30_000;

let timer;
let deleted = null; // the ID of the transcript that was deleted last

/** Offers to undo a deletion for a while. */
export function offerUndo(id, undo) {
  clearTimeout(timer);
  timer = setTimeout(close, TIME);
  deleted = id;
  $("undo").onclick = () => {
    close();
    undo();
  };
  $("deleted").hidden = false;
}

/** Ends the offer for a transcript. */
export function withdrawUndo(id) {
  if (id === deleted) close();
}

function close() {
  clearTimeout(timer);
  $("deleted").hidden = true;
}
