// Notes what the page tells people, in order: as a test that looks now and then might miss it.
{
  const text = (id) => {
    const element = document.getElementById(id);
    return element?.value ?? element?.textContent.trim() ?? "";
  };
  const seen = (window.seen = []);
  const note = () => {
    const state = document.getElementById("transcript")?.dataset.state;
    if (!state) return; // it is still loading
    const now = { state };
    for (const id of ["transcript", "partial", "status", "notice"]) now[id] = text(id);
    if (JSON.stringify(now) !== JSON.stringify(seen.at(-1))) seen.push(now);
  };
  const what = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(note).observe(document, what);
}
