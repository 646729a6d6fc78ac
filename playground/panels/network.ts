/** The network unrolled over time, as a drawing: forward it is lit from the left, backward from the right. */
import { greatest } from '../../core/reduce';
import type { Pass } from '../engine/session';
import type { TracedLayer } from '../../bptt/trace/numbers';
import { signed } from '../ui/colors';
import { svg } from '../ui/dom';
import { labelOf } from '../ui/labels';

/** Training goes forward and back through one window after the other: steps `from`…`to`, the last one not included. */
export interface Span {
  from: number;
  to: number;
  backward: boolean;
}
export interface Moment extends Span {
  /** Steps of the window done in this direction, the current one included: 1…to − from. */
  done: number;
}

/** The drawing is at least this wide, and each step of it. */
const WIDTH = 1000;
const STEP = 29;
const MARGIN = 46;
const ROW = 78;
const BOX = 46;
/** Height of a line of text, and of a step with room for −0.53. */
const LINE = 13;
const WIDE = 38;
/** Stripes of a cell: as many units as can be told apart. */
const STRIPES = 16;

/** Time of the `k`-th step that a layer takes in a window. */
export const timeOf = (k: number, { from, to, backward }: Span, reverse: boolean): number =>
  reverse === backward ? from + k : to - 1 - k;

/** One direction of a layer as it is drawn: its row, and the rows of its layer. */
interface Row {
  layer: TracedLayer;
  /** The rows of a layer stand above each other; both read what comes from below, and both are read from above. */
  lowest: number;
  highest: number;
  top: boolean;
}

/** Layer by layer from below, its directions above each other. */
function rowsOf(layers: readonly TracedLayer[]): Row[] {
  const numbers = layers.map(({ name }) => /\d+/.exec(name)?.[0]);
  return layers.map((layer, l) => {
    const [lowest, highest] = [numbers.indexOf(numbers[l]), numbers.lastIndexOf(numbers[l])];
    return { layer, lowest, highest, top: highest === layers.length - 1 };
  });
}

const norm = (row: readonly number[]): number => Math.hypot(...row);

export function drawNetwork(
  pass: Pass,
  moment: Moment,
  chosen: number,
  choose: (layer: number, t: number) => void,
): SVGSVGElement {
  const { T, layers, read, reads, endsInOne, carried, window } = pass;
  const { backward, done, from } = moment;
  const foot = 13 + reads.length * LINE;
  const height = 40 + layers.length * ROW + foot;
  const W = Math.max(WIDTH, MARGIN + 10 + T * STEP);
  const step = (W - MARGIN - 10) / T;
  const box = Math.min(34, step * 0.62);
  const aside = box / 2 + step * 0.1;
  const x = (t: number): number => MARGIN + (t + 0.5) * step;
  const y = (l: number): number => height - foot - 8 - (l + 1) * ROW + (ROW - BOX) / 2;
  const below = (line: number): number => height - foot + 14 + line * LINE;
  const root = svg('svg', { viewBox: `0 0 ${W} ${height}`, role: 'img', 'aria-label': drawn(pass, moment) });
  root.style.minWidth = `${Math.max(760, 0.8 * W)}px`;

  rowsOf(layers).forEach(({ layer, lowest, highest, top }, l) => {
    const { reverse } = layer;
    const steps = Array.from({ length: done }, (_, k) => timeOf(k, moment, reverse));
    // the windows before have been through both ways
    const reached = (t: number): boolean => t < from || steps.includes(t);
    const now = timeOf(done - 1, moment, reverse);
    const last = reverse ? 0 : T - 1;
    const side = reverse ? -1 : 1;
    const [state] = Object.keys(layer.tracks);
    const track = layer.tracks[backward ? `d${state}` : state];
    const [fromOutput, fromNext] = [`d${state}Out`, `d${state}Next`].map((name) =>
      layer.tracks[name].map(norm),
    );
    // where the last state alone is read, its gradient comes from the output
    if (endsInOne && top) [fromOutput[last], fromNext[last]] = [fromNext[last], 0];
    const most = Math.max(greatest(fromOutput), greatest(fromNext), 1e-30);
    const scale = signed(Math.max(greatest(track.flat().map(Math.abs)), 1e-30));
    root.append(svg('text', { x: 2, y: y(l) + BOX / 2 + 4 }, `${layer.name} ${reverse ? '←' : '→'}`));

    /** A line along which a state goes on, or a gradient of this norm comes back. */
    const edge = (what: string, d: string, on: boolean, size = most): void => {
      const lit = on && (!backward || size > 0);
      const thick = lit && backward ? 1 + (3 * size) / most : 1.5;
      const kind = lit ? (backward ? 'back' : 'lit') : '';
      root.append(svg('path', { d, class: `${what} ${kind}`.trim(), 'stroke-width': thick.toFixed(1) }));
    };
    /** An arrow along the row. */
    const arrow = (start: number, end: number): string => {
      const [middle, back] = [y(l) + BOX / 2, end > start ? -4 : 4];
      return `M${start} ${middle}H${end}M${end + back} ${middle - 3}L${end} ${middle}L${end + back} ${middle + 3}`;
    };
    for (let t = 0; t < T; t++) {
      const on = reached(t);
      const other = t + side;
      const [own, next] = [x(t) + (side * box) / 2, x(other) - (side * box) / 2];
      if (other >= 0 && other < T) {
        // what goes back ends where its window begins
        const cut = backward && Math.floor(t / window) !== Math.floor(other / window);
        edge('along', backward ? arrow(next, own) : arrow(own, next), on && !cut, fromNext[t]);
      }
      if (t === 0 && carried) edge('carried', arrow(x(0) - box / 2 - 12, x(0) - box / 2), !backward);
      if (!top || !endsInOne || t === last) {
        const roof = y(highest) - (ROW - BOX);
        const d =
          l === highest
            ? `M${x(t)} ${y(l)}V${roof}`
            : `M${x(t)} ${y(l)}V${y(l) - 8}H${x(t) + aside}V${y(highest) - 10}H${x(t)}V${roof}`;
        edge(top ? 'outlet' : 'up', d, on, fromOutput[t]);
      }
      const floor = lowest === 0 ? height - foot : y(lowest) + ROW;
      const inlet =
        l === lowest
          ? `M${x(t)} ${floor}V${y(l) + BOX}`
          : `M${x(t)} ${floor - 12}H${x(t) - aside}V${y(l) + BOX + 8}H${x(t)}V${y(l) + BOX}`;
      // training asks for no gradient of what the network reads
      if (lowest === 0 || l > lowest) edge('inlet', inlet, on && !(backward && lowest === 0));
      const group = svg('g', { class: t === now ? 'now' : '' });
      group.append(
        svg('rect', { class: 'cell', x: x(t) - box / 2, y: y(l), width: box, height: BOX, rx: 5 }),
      );
      if (on) {
        const row = track[t];
        const count = Math.min(STRIPES, row.length);
        for (let k = 0; k < count; k++) {
          const value = row[Math.floor((k * row.length) / count)];
          const h = (BOX - 6) / count;
          group.append(
            svg('rect', {
              x: x(t) - box / 2 + 3,
              y: y(l) + 3 + k * h,
              width: box - 6,
              height: h,
              fill: scale.color(value),
            }),
          );
        }
      }
      group.addEventListener('click', () => choose(l, t));
      if (l === chosen && t === now)
        group.append(
          svg('rect', {
            x: x(t) - box / 2 - 3,
            y: y(l) - 3,
            width: box + 6,
            height: BOX + 6,
            rx: 7,
            fill: 'none',
            stroke: 'currentColor',
            'stroke-dasharray': '3 3',
          }),
        );
      root.append(group);
    }
  });
  const decimals = step < WIDE ? 1 : 2;
  for (let t = 0; t < T; t++) {
    read[t].forEach((part, k) => {
      const place = { x: x(t), y: below(k), 'text-anchor': 'middle' };
      root.append(svg('text', place, labelOf(part, decimals)));
    });
    if (!endsInOne) root.append(svg('text', { x: x(t), y: 14, 'text-anchor': 'middle' }, `y${subscript(t)}`));
  }
  // one output of what both directions end with
  const ends = rowsOf(layers).flatMap(({ layer: { reverse }, top }) => (top ? [reverse ? 0 : T - 1] : []));
  if (endsInOne) {
    const roof = y(layers.length - 1) - (ROW - BOX);
    if (ends.length > 1) root.append(svg('path', { d: `M${x(0)} ${roof}H${x(T - 1)}` }));
    root.append(svg('text', { x: x(T - 1), y: 14, 'text-anchor': 'middle' }, 'y'));
  }
  reads.forEach((name, k) => root.append(svg('text', { x: 2, y: below(k) }, name)));
  return root;
}

const subscript = (t: number): string => [...String(t)].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[Number(digit)]).join('');

const drawn = ({ T, layers }: Pass, { done, from, to, backward }: Moment): string =>
  `The network unrolled over ${T} steps, ${layers.length} rows of cells; ${backward ? 'backward' : 'forward'} pass after ${done} of the ${to - from} steps from t = ${from}`;
