// Records every change of the page's state and texts, as a polling test might miss some.
{
  const text = (id) => {
    const element = document.getElementById(id);
    return element?.value ?? element?.textContent.trim() ?? "";
  };
  const seen = (window.seen = []);
  const note = () => {
    const state = document.getElementById("transcript")?.dataset.state;
    if (!state) return; // the page is still loading
    const now = { state };
    for (const id of ["transcript", "partial", "status", "figures", "notice"]) now[id] = text(id);
    if (JSON.stringify(now) !== JSON.stringify(seen.at(-1))) seen.push(now);
  };
  const what = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(note).observe(document, what);
}
