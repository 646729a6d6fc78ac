/** Draws the network unrolled over time; the forward pass highlights it from the left, the backward pass from the right. */
import { greatest } from '../../core/programs/reduce';
import type { OutlinedLayer, OutlinedPass } from '../engine/pass';
import { signed, styled } from '../ui/colors';
import { svg } from '../ui/dom';
import { labelOf } from '../ui/labels';
import { say, translated } from '../languages/say';

/** Training runs forward and backward through one window after the other: steps `from`…`to`, the last one excluded. */
export interface WindowSpan {
  from: number;
  to: number;
  backward: boolean;
}
export interface Moment extends WindowSpan {
  /** Steps of the window done in this direction, the current one included: 1…to − from. */
  done: number;
}

/** Minimum width of the drawing, and of each step. */
const WIDTH = 1000;
const STEP = 29;
const MARGIN = 46;
const ROW = 78;
const BOX = 46;
/** Height of a line of text, and of a step with room for −0.53. */
const LINE = 13;
const WIDE = 38;
/** Maximum number of stripes of a cell: as many units as one can distinguish. */
const STRIPES = 16;
/** Number of shades of the stripes for values above zero, and below. */
const SHADES = 24;

/** Time of the `k`-th step that a layer takes in a window. */
export const timeOf = (k: number, { from, to, backward }: WindowSpan, reverse: boolean): number =>
  reverse === backward ? from + k : to - 1 - k;

/** One drawn direction of a layer: its row, and the rows of its layer. */
interface Row {
  layer: OutlinedLayer;
  /** The rows of a layer are drawn above each other; both read the layer below, and the layer above reads both. */
  lowest: number;
  highest: number;
  top: boolean;
}

/** All layers from the bottom, their directions above each other. */
function rowsOf(layers: readonly OutlinedLayer[]): Row[] {
  const numbers = layers.map(({ name }) => /\d+/.exec(name)?.[0]);
  return layers.map((layer, l) => {
    const [lowest, highest] = [numbers.indexOf(numbers[l]), numbers.lastIndexOf(numbers[l])];
    return { layer, lowest, highest, top: highest === layers.length - 1 };
  });
}

/** Where everything stands: steps from left to right, rows of cells from the bottom up. */
class Layout {
  readonly width: number;
  readonly height: number;
  /** From one step to the next, the width of a cell, and how far from its middle a line goes past it. */
  readonly step: number;
  readonly cellWidth: number;
  readonly aside: number;
  /** Top of the labels of the network's inputs, below all cells. */
  readonly floor: number;

  constructor({ T, layers, reads }: OutlinedPass) {
    const foot = 13 + reads.length * LINE;
    this.width = Math.max(WIDTH, MARGIN + 10 + T * STEP);
    this.height = 40 + layers.length * ROW + foot;
    this.step = (this.width - MARGIN - 10) / T;
    this.cellWidth = Math.min(34, this.step * 0.62);
    this.aside = this.cellWidth / 2 + this.step * 0.1;
    this.floor = this.height - foot;
  }

  /** The middle of a step. */
  x(t: number): number {
    return MARGIN + (t + 0.5) * this.step;
  }

  /** The top of the cells of a row. */
  y(l: number): number {
    return this.floor - 8 - (l + 1) * ROW + (ROW - BOX) / 2;
  }

  /** Where the outputs of a row have left its cells. */
  above(l: number): number {
    return this.y(l) - (ROW - BOX);
  }

  /** The foot of a line of text below the cells. */
  below(line: number): number {
    return this.floor + 14 + line * LINE;
  }
}

const norm = (row: Float64Array): number => Math.hypot(...row);

/** The largest absolute value. */
export const largest = (rows: readonly Float64Array[]): number =>
  greatest(rows.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));

/** The cells of a row and the lines that lead to and from them, at one moment. */
class DrawnRow {
  /** The steps that the row has completed, the current one, and the last one. */
  private readonly taken: ReadonlySet<number>;
  private readonly now: number;
  private readonly last: number;
  /** Where the next step is. */
  private readonly side: 1 | -1;
  /** Values of the stripes, step by step. */
  private readonly track: readonly Float64Array[];
  /** Norms of the gradients that come from above and from the step after, and the greatest of them. */
  private readonly fromOutput: number[];
  private readonly fromNext: number[];
  private readonly most: number;
  /** The largest value of the stripes. */
  private readonly limit: number;

  constructor(
    private readonly pass: OutlinedPass,
    private readonly moment: Moment,
    private readonly at: Layout,
    private readonly row: Row,
    private readonly l: number,
  ) {
    const { reverse, tracks } = row.layer;
    const { backward, done } = moment;
    this.taken = new Set(Array.from({ length: done }, (_, k) => timeOf(k, moment, reverse)));
    this.now = timeOf(done - 1, moment, reverse);
    this.last = reverse ? 0 : pass.T - 1;
    this.side = reverse ? -1 : 1;
    const [state] = Object.keys(tracks);
    this.track = tracks[backward ? `d${state}` : state];
    this.fromOutput = tracks[`d${state}Out`].map(norm);
    this.fromNext = tracks[`d${state}Next`].map(norm);
    if (pass.endsInOne && row.top) {
      // if only the last state is read, its gradient comes from the output
      this.fromOutput[this.last] = this.fromNext[this.last];
      this.fromNext[this.last] = 0;
    }
    this.most = Math.max(greatest(this.fromOutput), greatest(this.fromNext), 1e-30);
    this.limit = Math.max(largest(this.track), 1e-30);
  }

  parts(chosen: boolean, choose: (t: number) => void): SVGElement[] {
    const { name, reverse } = this.row.layer;
    const label = svg('text', { x: 2, y: this.middle + 4 }, `${name} ${reverse ? '←' : '→'}`);
    const steps = Array.from({ length: this.pass.T }, (_, t) => {
      const cell = this.cell(t, chosen && t === this.now);
      cell.addEventListener('click', () => choose(t));
      return [...this.lines(t), cell];
    });
    return [label, ...steps.flat(), ...this.stripes()];
  }

  private get middle(): number {
    return this.at.y(this.l) + BOX / 2;
  }

  /** The windows before have been through both ways. */
  private reached(t: number): boolean {
    return t < this.moment.from || this.taken.has(t);
  }

  private lines(t: number): SVGElement[] {
    const { at, side, l, moment, pass } = this;
    const { top, lowest } = this.row;
    const { backward } = moment;
    const on = this.reached(t);
    const lines: SVGElement[] = [];
    const next = t + side;
    if (next >= 0 && next < pass.T) {
      const [own, other] = [at.x(t) + (side * at.cellWidth) / 2, at.x(next) - (side * at.cellWidth) / 2];
      // gradients end at the start of their window
      const cut = backward && Math.floor(t / pass.window) !== Math.floor(next / pass.window);
      const d = backward ? this.arrow(other, own) : this.arrow(own, other);
      lines.push(this.edge('along', d, on && !cut, this.fromNext[t]));
    }
    const edge = at.x(0) - at.cellWidth / 2;
    if (t === 0 && pass.carried) lines.push(this.edge('carried', this.arrow(edge - 12, edge), !backward));
    if (!top || !pass.endsInOne || t === this.last)
      lines.push(this.edge(top ? 'outlet' : 'up', this.outlet(t), on, this.fromOutput[t]));
    // training does not compute the gradient of the input
    if (lowest === 0 || l > lowest)
      lines.push(this.edge('inlet', this.inlet(t), on && !(backward && lowest === 0)));
    return lines;
  }

  /** A line from step to step, for a state or for a gradient of this norm. */
  private edge(what: string, d: string, on: boolean, size = this.most): SVGElement {
    const { backward } = this.moment;
    const lit = on && (!backward || size > 0);
    const thick = lit && backward ? 1 + (3 * size) / this.most : 1.5;
    const kind = lit ? (backward ? 'back' : 'lit') : '';
    return svg('path', { d, class: `${what} ${kind}`.trim(), 'stroke-width': thick.toFixed(1) });
  }

  /** An arrow along the row. */
  private arrow(start: number, end: number): string {
    const [y, back] = [this.middle, end > start ? -4 : 4];
    return `M${start} ${y}H${end}M${end + back} ${y - 3}L${end} ${y}L${end + back} ${y + 3}`;
  }

  /** From a cell upwards, past the other direction of its layer. */
  private outlet(t: number): string {
    const { at, l } = this;
    const { highest } = this.row;
    const [x, y, roof] = [at.x(t), at.y(l), at.above(highest)];
    return l === highest
      ? `M${x} ${y}V${roof}`
      : `M${x} ${y}V${y - 8}H${x + at.aside}V${at.y(highest) - 10}H${x}V${roof}`;
  }

  /** From below into a cell, past the other direction of its layer. */
  private inlet(t: number): string {
    const { at, l } = this;
    const { lowest } = this.row;
    const [x, y] = [at.x(t), at.y(l) + BOX];
    const floor = lowest === 0 ? at.floor : at.y(lowest) + ROW;
    return l === lowest ? `M${x} ${floor}V${y}` : `M${x} ${floor - 12}H${x - at.aside}V${y + 8}H${x}V${y}`;
  }

  private cell(t: number, chosen: boolean): SVGElement {
    const { cellWidth } = this.at;
    const [x, y] = [this.at.x(t) - cellWidth / 2, this.at.y(this.l)];
    const group = svg('g', { class: t === this.now ? 'now' : '' });
    group.append(svg('rect', { class: 'cell', x, y, width: cellWidth, height: BOX, rx: 5 }));
    if (chosen)
      group.append(
        svg('rect', {
          ...{ x: x - 3, y: y - 3, width: cellWidth + 6, height: BOX + 6, rx: 7 },
          ...{ fill: 'none', stroke: 'currentColor', 'stroke-dasharray': '3 3' },
        }),
      );
    return group;
  }

  /** Units as stripes from the top down, in the cells that are reached: one path for all stripes of a color. */
  private stripes(): SVGElement[] {
    const { at, track, limit } = this;
    const count = Math.min(STRIPES, track[0].length);
    const [width, height] = [at.cellWidth - 6, (BOX - 6) / count];
    const paths = new Map<number, string[]>();
    track.forEach((units, t) => {
      if (!this.reached(t)) return;
      for (let k = 0; k < count; k++) {
        const value = units[Math.floor((k * units.length) / count)];
        const shade = Math.round(SHADES * Math.sign(value) * Math.sqrt(Math.abs(value) / limit));
        const [x, y] = [at.x(t) - width / 2, at.y(this.l) + 3 + k * height];
        const path = `M${x.toFixed(1)} ${y.toFixed(2)}h${width.toFixed(1)}v${height.toFixed(2)}h${(-width).toFixed(1)}z`;
        const same = paths.get(shade);
        if (same) same.push(path);
        else paths.set(shade, [path]);
      }
    });
    const { color } = signed(1);
    return Array.from(paths, ([shade, path]) => {
      const fill = styled(color(Math.sign(shade) * (shade / SHADES) ** 2));
      return svg('path', { class: 'stripes', d: path.join(''), style: `fill: ${fill}; stroke: none` });
    });
  }
}

export function drawNetwork(
  pass: OutlinedPass,
  moment: Moment,
  chosen: number,
  choose: (layer: number, t: number) => void,
): SVGSVGElement {
  const at = new Layout(pass);
  const root = svg('svg', {
    viewBox: `0 0 ${at.width} ${at.height}`,
    role: 'img',
    'aria-label': drawn(pass, moment),
  });
  root.style.minWidth = `${Math.max(760, 0.8 * at.width)}px`;
  rowsOf(pass.layers).forEach((row, l) =>
    root.append(...new DrawnRow(pass, moment, at, row, l).parts(l === chosen, (t) => choose(l, t))),
  );
  root.append(...readLabels(pass, at), ...outputLabels(pass, at));
  return root;
}

/** Labels of the inputs of each step, and their names. */
function readLabels({ read, reads }: OutlinedPass, at: Layout): SVGElement[] {
  const decimals = at.step < WIDE ? 1 : 2;
  return [
    ...read.flatMap((parts, t) =>
      parts.map((part, k) =>
        svg('text', { x: at.x(t), y: at.below(k), 'text-anchor': 'middle' }, labelOf(part, decimals)),
      ),
    ),
    ...reads.map((name, k) => svg('text', { x: 2, y: at.below(k) }, translated(name))),
  ];
}

/** Labels of the outputs: one per step, or a single one of the final outputs of the last layer's directions. */
function outputLabels({ T, layers, endsInOne }: OutlinedPass, at: Layout): SVGElement[] {
  const label = (t: number, text: string): SVGElement =>
    svg('text', { x: at.x(t), y: 14, 'text-anchor': 'middle' }, text);
  if (!endsInOne) return Array.from({ length: T }, (_, t) => label(t, `y${subscript(t)}`));
  const roof = at.above(layers.length - 1);
  const joined = rowsOf(layers).filter(({ top }) => top).length > 1;
  return [...(joined ? [svg('path', { d: `M${at.x(0)} ${roof}H${at.x(T - 1)}` })] : []), label(T - 1, 'y')];
}

const subscript = (t: number): string => [...String(t)].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[Number(digit)]).join('');

const drawn = ({ T, layers }: OutlinedPass, { done, from, to, backward }: Moment): string =>
  say(backward ? 'drawing.backward' : 'drawing.forward', {
    T,
    rows: layers.length,
    done,
    count: to - from,
    from,
  });
