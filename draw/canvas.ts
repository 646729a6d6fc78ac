/** Draws SVG with Observable Plot without a browser, and stacks several panels. */

/** Plot and its document: large and ESM-only, so loaded only when there is something to draw. */
export async function canvas() {
  const Plot = await import('@observablehq/plot');
  const { parseHTML } = await import('linkedom');
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const style = { background: 'white', fontFamily: 'sans-serif', fontSize: '12px' };
  return { Plot, document, style };
}

export type Canvas = Awaited<ReturnType<typeof canvas>>;

/** A plot and its height in the layout; 0 if the next one is placed next to it. */
export interface SizedPlot {
  svg: Element;
  height: number;
}

/** Combines several plots, at their sizes, into one SVG document. */
export function stacked(panels: readonly SizedPlot[], width: number): string {
  let top = 0;
  const parts = panels.map(({ svg, height }) => {
    svg.setAttribute('y', String(top));
    top += height;
    return svg.outerHTML;
  });
  const size = `width="${width}" height="${top}" viewBox="0 0 ${width} ${top}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${parts.join('')}</svg>\n`;
}

/** Label on an axis of decimal logarithms: `1e-3`, or `0.32` between two powers of ten. */
export const decade = (log: number): string =>
  Number.isInteger(log) ? `1e${log}` : String(+(10 ** log).toPrecision(2));
