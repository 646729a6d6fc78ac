/** Writes a chart of the page as an SVG document, on the same scale. */
import { rounds, tens, written } from './marks';
import { say } from '../languages/say';

export interface Curves {
  /** What the axes measure. */
  names: { x: string; y: string };
  x: readonly number[];
  /** A null is a gap. */
  curves: readonly { label: string; color: string; y: readonly (number | null)[] }[];
  /** The ends of the axes. */
  ends: { x: Ends; y: Ends };
  logarithmic: boolean;
  /** Colors of background and text. */
  ground: string;
  ink: string;
  /** A note below the chart. */
  note: string;
}
type Ends = readonly [from: number, to: number];

const [WIDTH, HEIGHT] = [720, 380];
/** The plot area; text is drawn around it. */
const field = { left: 64, right: WIDTH - 16, top: 40, foot: HEIGHT - 56 };

export function pictureOf({ names, x, curves, ends, logarithmic, ground, ink, note }: Curves): string {
  const { left, right, top, foot } = field;
  const across = along(ends.x, left, right, false);
  const up = along(ends.y, foot, top, logarithmic);
  const marks = (logarithmic ? tens : rounds)(...ends.y).map((v) => {
    const line = `<path stroke="${ink}" stroke-opacity="0.2" d="M${left} ${up(v)}H${right}"/>`;
    return `${line}<text x="${left - 8}" y="${Number(up(v)) + 4}" text-anchor="end">${written(v, logarithmic)}</text>`;
  });
  const steps = rounds(...ends.x).map(
    (v) => `<text x="${across(v)}" y="${foot + 18}" text-anchor="middle">${v}</text>`,
  );
  const lines = curves.map(({ label, color, y }, k) => {
    const name = `<text x="${right - 110 * (curves.length - 1 - k)}" y="22" text-anchor="end" fill="${color}">${label}</text>`;
    return `<path fill="none" stroke="${color}" stroke-width="2" d="${lineOf(x.map(across), y, up)}"/>${name}`;
  });
  const name = logarithmic ? say('logarithmic', { name: names.y }) : names.y;
  const words =
    `<text x="12" y="22">${name}</text>` +
    `<text x="${right}" y="${foot + 42}" text-anchor="end">${names.x}</text>` +
    `<text x="${left}" y="${foot + 42}">${note}</text>`;
  const axes = `<path fill="none" stroke="${ink}" d="M${left} ${top}V${foot}H${right}"/>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="${ink}">` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${ground}"/>` +
    `${marks.join('')}${steps.join('')}${axes}${lines.join('')}${words}</svg>\n`
  );
}

/** Maps a value to a position between two ends. */
function along([from, to]: Ends, start: number, end: number, logarithmic: boolean): (v: number) => string {
  const at = logarithmic ? Math.log10 : Number;
  const span = at(to) - at(from) || 1;
  return (v) => (start + ((at(v) - at(from)) / span) * (end - start)).toFixed(1);
}

/** A path through the points, interrupted at gaps. */
const lineOf = (x: readonly string[], y: readonly (number | null)[], up: (v: number) => string): string =>
  y.map((v, k) => (v === null ? '' : `${k > 0 && y[k - 1] !== null ? 'L' : 'M'}${x[k]} ${up(v)}`)).join('');
