// Transcripts in progress: watches one until it is over, whichever page makes it.

import { ask, BlockedError, sleep } from "./server.js";

/** Milliseconds between attempts while the server can't be reached. */
const RETRY_DELAY = 1000;

const OVER = ["done", "error", "interrupted"];

/**
 * Passes on each snapshot of a transcript, with its new segments, and returns the last. Calls
 * `onLost(error)` when the server can't be reached, and goes on trying for `grace` seconds.
 */
export async function watch(id, { signal, grace, onProgress, onLost = () => {} }) {
  let now = { version: -1 };
  let lost = null; // since when the server can't be reached
  for (let known = 0; ; ) {
    try {
      now = await ask("GET", `/jobs/${id}?after=${now.version}&segments=${known}`, { signal });
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error;
      lost ??= performance.now();
      if (performance.now() - lost > grace * 1000) throw error;
      onLost(error);
      await sleep(RETRY_DELAY);
      continue;
    }
    lost = null;
    known += now.segments.length;
    onProgress(now);
    if (OVER.includes(now.state)) return now;
  }
}
