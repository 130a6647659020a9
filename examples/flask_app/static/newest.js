// Keeps the newest text in sight, unless the reader has scrolled up.

/** Distance from the end, in pixels, that still counts as the end: less than a line. */
const SLACK = 16;

/**
 * Scrolls a box to its end as its contents grow. Once the reader scrolls up, the box stays where it
 * is, and a button appears that returns to the end.
 */
export function keepNewestInSight(box, button) {
  let following = true;
  let height = 0; // of the contents when the box was last laid out
  const update = () => {
    height = box.scrollHeight;
    if (height <= box.clientHeight) following = true; // all is in sight
    if (following) box.scrollTop = height;
    button.hidden = following;
  };
  const resized = new ResizeObserver(update);
  for (const element of [box, ...box.children]) resized.observe(element);
  box.addEventListener("scroll", () => {
    // Text that came after the scrolling must not count as distance from the end.
    const end = Math.min(height, box.scrollHeight) - box.clientHeight;
    following = box.scrollTop >= end - SLACK;
    button.hidden = following;
  });
  button.addEventListener("click", () => {
    following = true;
    update();
  });
}
