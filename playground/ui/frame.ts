/** The frame in which another page shows this one as a figure. */

/**
 * Makes the frame as high as what it shows, and at least as high as it is at the start, so that a narrow one is not scrolled within
 * the other page. Does nothing in a page of its own, or if the other page is of another origin.
 */
export function fitFrame(): void {
  const frame = window.frameElement as HTMLElement | null;
  if (!frame) return;
  const { offsetHeight: least, clientHeight } = frame;
  const border = least - clientHeight;
  new ResizeObserver(() => {
    frame.style.height = `${Math.max(least, document.body.offsetHeight + border)}px`;
  }).observe(document.body);
}
