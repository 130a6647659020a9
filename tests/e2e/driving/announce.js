// Records what a screen reader would announce: text that appears in live regions.
{
  const LIVE = { status: "polite", log: "polite", alert: "assertive" };
  const announced = (window.announced = []);
  const liveRegion = (node) => {
    const region = (node instanceof Element ? node : node.parentElement)?.closest(
      "[aria-live], [role=status], [role=log], [role=alert], [role=timer]",
    );
    const live = region && (region.getAttribute("aria-live") ?? LIVE[region.getAttribute("role")]);
    return live && live !== "off" ? region : null;
  };
  const note = (records) => {
    for (const { type, target, addedNodes } of records) {
      const region = liveRegion(target);
      if (!region) continue;
      const texts = type === "characterData" ? [target.data] : [...addedNodes].map((node) => node.textContent);
      for (const text of texts) if (text.trim()) announced.push([region.id, text.trim()]);
    }
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
}
