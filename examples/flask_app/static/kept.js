// Recordings, kept in the browser while they are made and until they are transcribed, so that a
// reload or a crash loses at most the last second.

const CHUNKS = "chunks"; // by [when the recording started, when the chunk came], in milliseconds

/** Adds a chunk to a recording. */
export function keep(started, type, chunk) {
  return transact("readwrite", (chunks) => chunks.put({ type, chunk }, [started, Date.now()]));
}

/** Deletes a recording. */
export function discard(started) {
  return transact("readwrite", (chunks) => chunks.delete(all(started)));
}

/** Returns a recording. */
export async function restore(started) {
  const parts = await transact("readonly", (chunks) => chunks.getAll(all(started)));
  return new File(parts.map(({ chunk }) => chunk), "recording", { type: parts[0].type });
}

/** Returns the recordings that no page works on: when each started, and its length in seconds. */
export async function left() {
  const keys = await transact("readonly", (chunks) => chunks.getAllKeys());
  const { held } = await navigator.locks.query();
  const used = new Set(held.map(({ name }) => name));
  const byStart = Map.groupBy(keys, ([started]) => started);
  return [...byStart]
    .filter(([started]) => !used.has(lock(started)))
    .map(([started, own]) => ({ started, seconds: (own.at(-1)[1] - own[0][1]) / 1000 + 1 }));
}

/** Runs work on a recording, which other pages do not offer meanwhile. */
export const use = (started, work) => navigator.locks.request(lock(started), work);

const lock = (started) => `recording ${started}`;
const all = (started) => IDBKeyRange.bound([started], [started, Infinity]);

async function transact(mode, request) {
  const db = await result(open());
  try {
    return await result(request(db.transaction(CHUNKS, mode).objectStore(CHUNKS)));
  } finally {
    db.close();
  }
}

function open() {
  const opening = indexedDB.open("azstt recordings");
  opening.onupgradeneeded = () => opening.result.createObjectStore(CHUNKS);
  return opening;
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
