// The list of earlier transcripts.

import { clock } from "./microphone.js";
import { ask } from "./server.js";
import { $, enable } from "./view.js";

const KINDS = { upload: "Upload", record: "Recording", live: "Live" };

/** Reloads the list. `open(id)` is called to show an entry, and `remove(id)` to delete it. */
export async function showHistory(open, remove) {
  const entries = await ask("GET", "/transcripts");
  $("history").replaceChildren(...entries.map((entry) => entryElement(entry, open, remove)));
  enable();
}

function entryElement(entry, open, remove) {
  const kind = KINDS[entry.kind];
  const when = new Date(entry.created * 1000);
  const about = element("span", "about", `${kind} · `);
  const time = element("time", "", when.toLocaleString());
  time.dateTime = when.toISOString();
  const name = entry.kind === "upload" ? ` · ${entry.name}` : "";
  about.append(time, ` · ${clock(entry.seconds)}${name}`);

  const openButton = element("button", "open");
  openButton.append(about, element("span", "text", entry.preview || "(no speech)"));
  openButton.onclick = () => open(entry.id);
  const removeButton = element("button", "delete", "Delete");
  removeButton.setAttribute("aria-label", `Delete: ${kind}, ${when.toLocaleString()}`);
  removeButton.onclick = () => remove(entry.id);

  const item = element("li", "");
  item.dataset.id = entry.id;
  item.dataset.kind = entry.kind;
  item.append(openButton, removeButton);
  return item;
}

function element(name, className, text = "") {
  const created = document.createElement(name);
  if (name === "button") created.type = "button";
  created.className = className;
  created.textContent = text;
  return created;
}
