/** The network unrolled over time, as a drawing: forward it is lit from the left, backward from the right. */
import type { Trace } from '../engine/trace';
import { signed } from '../ui/colors';
import { svg } from '../ui/dom';

export interface Moment {
  /** Steps done in the order of the pass, the current one included: 1…T. */
  done: number;
  backward: boolean;
}

const W = 1000;
const MARGIN = 46;
const ROW = 78;
const BOX = 46;
/** Stripes of a cell: as many units as can be told apart. */
const STRIPES = 16;

/** Time of the `k`-th step that a layer takes in this pass. */
export const timeOf = (k: number, T: number, reverse: boolean, backward: boolean): number =>
  reverse === backward ? k : T - 1 - k;

export function drawNetwork(
  trace: Trace & { labels: string[] },
  moment: Moment,
  chosen: number,
  choose: (layer: number, t: number) => void,
): SVGSVGElement {
  const { T, layers, labels } = trace;
  const { backward, done } = moment;
  const height = 40 + layers.length * ROW + 26;
  const step = (W - MARGIN - 10) / T;
  const box = Math.min(34, step * 0.62);
  const x = (t: number): number => MARGIN + (t + 0.5) * step;
  const y = (l: number): number => height - 34 - (l + 1) * ROW + (ROW - BOX) / 2;
  const root = svg('svg', { viewBox: `0 0 ${W} ${height}`, role: 'img', 'aria-label': drawn(trace, moment) });
  const what = backward ? 'd' : '';

  layers.forEach((layer, l) => {
    const reached = (t: number): boolean =>
      Array.from({ length: done }, (_, k) => timeOf(k, T, layer.reverse, backward)).includes(t);
    const now = timeOf(done - 1, T, layer.reverse, backward);
    const state = Object.keys(layer.tracks)[0];
    const track = layer.tracks[`${what}${state}`];
    const norms = track.map((row) => Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)));
    const top = Math.max(...norms, 1e-30);
    const limit = Math.max(...track.flat().map(Math.abs), 1e-30);
    const scale = signed(limit);
    root.append(svg('text', { x: 2, y: y(l) + BOX / 2 + 4 }, `${layer.name} ${layer.reverse ? '←' : '→'}`));
    for (let t = 0; t < T; t++) {
      const on = reached(t);
      const kind = on ? (backward ? 'back' : 'lit') : '';
      const thick = backward && on ? 1 + (5 * norms[t]) / top : 1.5;
      const edge = (d: string): void => {
        root.append(svg('path', { d, class: kind, 'stroke-width': thick.toFixed(1) }));
      };
      const other = layer.reverse ? t - 1 : t + 1;
      if (other >= 0 && other < T) {
        const side = layer.reverse ? -1 : 1;
        edge(
          `M${x(t) + (side * box) / 2} ${y(l) + BOX / 2}L${x(other) - (side * box) / 2} ${y(l) + BOX / 2}`,
        );
      }
      edge(`M${x(t)} ${y(l)}V${y(l) - (ROW - BOX)}`);
      if (l === 0) edge(`M${x(t)} ${y(0) + BOX}V${height - 26}`);
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
  for (let t = 0; t < T; t++) {
    const label = labels[t] === ' ' ? '␣' : labels[t] === '\n' ? '⏎' : labels[t].split(' ')[0];
    root.append(
      svg('text', { x: x(t), y: height - 12, 'text-anchor': 'middle' }, label),
      svg('text', { x: x(t), y: 14, 'text-anchor': 'middle' }, `y${subscript(t)}`),
    );
  }
  root.append(svg('text', { x: 2, y: height - 12 }, 'x'));
  return root;
}

const subscript = (t: number): string => [...String(t)].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[Number(digit)]).join('');

const drawn = ({ T, layers }: Trace, { done, backward }: Moment): string =>
  `The network unrolled over ${T} steps, ${layers.length} layers; ${backward ? 'backward' : 'forward'} pass after ${done} of ${T} steps`;
