// Earlier transcripts: the list, what is open of it, and what is kept or thrown away.

import { clock } from "./microphone.js";
import { ask } from "./server.js";
import { $, enable } from "./view.js";

const KINDS = { upload: "Upload", record: "Recording", live: "Live" };

/** Shows the list anew; `open(id)` is called when one is chosen, `forget(id)` to delete it. */
export async function list(open, forget) {
  const entries = await ask("GET", "/transcripts");
  $("history").replaceChildren(...entries.map((entry) => line(entry, open, forget)));
  enable();
}

function line(entry, open, forget) {
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
  remove.onclick = () => forget(entry.id);

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
