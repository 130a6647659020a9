// Earlier transcripts: the list, what is open of it, and what is kept or thrown away.

import { clock } from "./microphone.js";
import { ask } from "./server.js";
import { $ } from "./view.js";

const KINDS = { upload: "Upload", record: "Recording", live: "Live" };

/** Shows the list anew; `open(id)` is called when one is chosen, `gone(id)` when it is deleted. */
export async function list({ open, gone }) {
  const entries = await ask("GET", "/transcripts");
  $("history").replaceChildren(...entries.map((entry) => line(entry, { open, gone })));
}

function line(entry, { open, gone }) {
  const kind = KINDS[entry.kind];
  const when = new Date(entry.created * 1000);
  const about = element("span", "about", `${kind} · `);
  const time = element("time", "", when.toLocaleString());
  time.dateTime = when.toISOString();
  const name = entry.kind === "upload" ? ` · ${entry.name}` : "";
  about.append(time, ` · ${clock(entry.seconds)}${name}`);

  const chosen = element("button", "open");
  chosen.append(about, element("span", "text", entry.preview || "(no speech)"));
  chosen.onclick = () => open(entry.id);
  const remove = element("button", "delete", "Delete");
  remove.setAttribute("aria-label", `Delete: ${kind}, ${when.toLocaleString()}`);
  remove.onclick = () => gone(entry.id);

  const item = element("li", "");
  item.dataset.id = entry.id;
  item.dataset.kind = entry.kind;
  item.append(chosen, remove);
  return item;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (name === "button") made.type = "button";
  made.className = className;
  made.textContent = text;
  return made;
}
