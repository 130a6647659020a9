// The list of transcripts. It is up to date in all tabs: they tell each other of changes, and ask
// again while something is in progress.

import { clock } from "./microphone.js";
import { ask } from "./server.js";
import { $, enable } from "./view.js";

const KINDS = { upload: "Upload", record: "Recording", live: "Live" };
/** Words for the states of transcripts that are not done. */
const STATES = {
  uploading: "uploading…",
  recognizing: "recognizing…",
  live: "in progress…",
  canceled: "canceled",
  error: "failed",
  interrupted: "interrupted",
};
const UNFINISHED = ["uploading", "recognizing", "live"];
/** Milliseconds between requests while something is in progress. */
const INTERVAL = 2000;

const otherTabs = new BroadcastChannel("azstt history");

/**
 * Shows the list, now and whenever it changes. `open(id)` is called to show an entry, `remove(id)`
 * to delete it, and `onError(error)` if the list can't be loaded. Returns a function that reloads
 * it here and in all other tabs; call it after a change.
 */
export function showHistory({ open, remove, onError }) {
  let shown = "";
  let timer;
  const load = async () => {
    clearTimeout(timer);
    const entries = await ask("GET", "/transcripts");
    const busy = entries.some(({ state }) => UNFINISHED.includes(state));
    clearTimeout(timer); // another load may have set it meanwhile
    if (busy) timer = setTimeout(reload, INTERVAL);
    if (JSON.stringify(entries) === shown) return;
    shown = JSON.stringify(entries);
    keepFocus(() => $("history").replaceChildren(...entries.map((entry) => item(entry, open, remove))));
    enable();
  };
  const reload = () => document.hidden || load().catch(() => (timer = setTimeout(reload, INTERVAL)));
  for (const kind of ["focus", "pageshow"]) addEventListener(kind, reload);
  document.addEventListener("visibilitychange", reload);
  otherTabs.onmessage = reload;
  return () => {
    otherTabs.postMessage(null);
    load().catch(onError);
  };
}

function item(entry, open, remove) {
  const kind = KINDS[entry.kind];
  const when = new Date(entry.created * 1000);
  const about = element("span", "about", `${kind} · `);
  const time = element("time", "", when.toLocaleString());
  time.dateTime = when.toISOString();
  const state = entry.state in STATES ? ` · ${STATES[entry.state]}` : "";
  const name = entry.kind === "upload" ? ` · ${entry.name}` : "";
  about.append(time, ` · ${clock(entry.seconds)}${name}${state}`);

  const openButton = element("button", "open");
  const none = UNFINISHED.includes(entry.state) ? "…" : "(no speech)";
  openButton.append(about, element("span", "text", entry.preview || entry.error || none));
  openButton.onclick = () => open(entry.id);
  const removeButton = element("button", "delete", "Delete");
  removeButton.setAttribute("aria-label", `Delete: ${kind}, ${when.toLocaleString()}`);
  removeButton.onclick = () => remove(entry.id);

  const row = element("li", "");
  Object.assign(row.dataset, { id: entry.id, kind: entry.kind, state: entry.state });
  row.append(openButton, removeButton);
  return row;
}

/** Replaces the entries, and keeps the focus on the button that has it. */
function keepFocus(replace) {
  const { activeElement } = document;
  const id = activeElement.closest("#history li")?.dataset.id;
  replace();
  if (id) document.querySelector(`#history li[data-id="${id}"] .${activeElement.className}`)?.focus();
}

function element(name, className, text = "") {
  const created = document.createElement(name);
  if (name === "button") created.type = "button";
  created.className = className;
  created.textContent = text;
  return created;
}
