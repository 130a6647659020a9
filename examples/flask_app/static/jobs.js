// Transcripts in progress: watches one until it is over, whichever page makes it.

import { ask, patiently } from "./server.js";

const OVER = ["done", "canceled", "error", "interrupted"];

/**
 * Passes on each snapshot of a transcript, with its new segments, and returns the last. Goes on
 * trying for `grace` seconds when the server can't be reached: `onLost(error)` and `onBack()` tell.
 */
export async function watch(id, { signal, grace, onProgress, onLost, onBack }) {
  for (let now = { version: -1 }, known = 0; ; ) {
    const next = () => ask("GET", `/jobs/${id}?after=${now.version}&segments=${known}`, { signal });
    now = await patiently(next, { seconds: grace, signal, onLost, onBack });
    known += now.segments.length;
    onProgress(now);
    if (OVER.includes(now.state)) return now;
  }
}
