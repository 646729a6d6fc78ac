/** Draws a network folded, or unrolled over time: its inputs, cells and outputs, and the paths between them. */
import { elman } from '../../cells/elman';
import { mustBe } from '../../core/check';
import type { Architecture } from '../../bptt/network/architecture';
import { bidirectional, directionsOf, type Layer } from '../../bptt/network/layers/layer';
import { network, type NetworkOptions } from '../../bptt/network/network';
import { beginsWithOne, endsInOne } from '../../bptt/network/topology';
import { arrowhead } from '../../playground/equations/arrowhead';
import { captioned } from './figure';
import { say, type Language } from './languages';

/** Distances of steps and of rows in pixels; width and height of a cell, radius of a circle, and the margin. */
const [STEP, ROW, WIDTH, HEIGHT, RADIUS, MARGIN] = [80, 62, 48, 30, 15, 12];
/** How far a path leads past a cell: the middle of a curve reaches three quarters of it. */
const PAST = 48;

type Fields = Pick<NetworkOptions, 'topology' | 'feed' | 'attention'>;
interface Words extends Fields {
  layers?: number;
  bidirectional?: boolean;
  folded?: boolean;
}

/**
 * `many-to-one layers=2 bidirectional=true`: a network of a topology, with a caption. Further words: `folded=true`, and
 * `feed=` and `attention=` as in the options of a network.
 */
export function networkDiagram([topology, ...words]: string[], caption: string, language: Language): string {
  const options = Object.fromEntries(
    words
      .map((word) => word.split('='))
      .map(([key, value]) => [key, /^(\d+|true)$/.test(value) ? (JSON.parse(value) as unknown) : value]),
  ) as Words;
  const { layers = 1, bidirectional: both, folded = false, ...fields } = options;
  const stack = (): Layer[] =>
    Array.from({ length: layers }, (_, l) => {
      const cell = elman({ input: l === 0 ? 2 : both ? 6 : 3, hidden: 3 });
      return both ? bidirectional(cell) : cell;
    });
  const encoder = topology === 'encoder-decoder' ? { encoder: stack() } : {};
  mustBe(!both || !encoder.encoder, 'a drawing', 'an encoder must read forward only', 'bidirectional=true');
  const { architecture } = network({
    ...{ topology: topology as Fields['topology'], layers: stack(), output: 2, loss: 'softmax' },
    ...encoder,
    ...fields,
  });
  const svg = new Drawing(architecture, folded, language).svg();
  return captioned(`<div v-pre>${svg}</div>`, caption);
}

/** One direction of a layer: its place from the bottom, and those of all directions of its layer. */
interface Row {
  place: number;
  lowest: number;
  highest: number;
  isReverse: boolean;
  label: string;
}

/** Cells in the columns `from`…`to` (exclusive), one row above the other. */
interface Stack {
  from: number;
  to: number;
  layers: Row[][];
}

class Drawing {
  private readonly stacks: Stack[];
  private readonly columns: number;
  private readonly paths: string[] = [];
  private readonly shapes: string[] = [];
  /** Number of rows of cells. */
  private readonly height: number;

  constructor(
    private readonly architecture: Architecture,
    private readonly folded: boolean,
    private readonly language: Language,
  ) {
    const { topology, encoder, layers } = architecture;
    const steps = folded || topology === 'one-to-one' ? 1 : encoder ? 3 : 4;
    this.stacks = [
      ...(encoder ? [{ from: 0, to: steps, layers: rowsOf(encoder) }] : []),
      { from: encoder ? steps : 0, to: encoder ? 2 * steps : steps, layers: rowsOf(layers) },
    ];
    this.columns = this.last.to;
    this.height =
      Math.max(...this.stacks.flatMap((stack) => stack.layers.flat()).map(({ place }) => place)) + 1;
    for (const stack of this.stacks) this.draw(stack);
    this.drawOutputs();
    const names = [say('encoder', language), say('decoder', language)];
    if (encoder) this.stacks.forEach(({ from, to }, k) => this.name(names[k], from, to));
  }

  svg(): string {
    const width = this.columns * STEP + 2 * MARGIN;
    const top = this.y(this.outputPlace) - RADIUS - MARGIN;
    const height = this.y(-1) + RADIUS + MARGIN + (this.architecture.encoder ? 24 : 0) - top;
    return [
      `<svg class="diagram" viewBox="0 ${top} ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${this.inWords()}">`,
      arrowhead,
      ...this.paths,
      ...this.shapes,
      '</svg>',
    ].join('');
  }

  private get last(): Stack {
    return this.stacks[this.stacks.length - 1];
  }
  private get outputPlace(): number {
    return this.height + (this.architecture.attention ? 1 : 0);
  }
  private x(column: number): number {
    return MARGIN + (column + 0.5) * STEP;
  }
  private y(place: number): number {
    return -place * ROW;
  }

  private draw(stack: Stack): void {
    const isDecoder = stack === this.last && this.stacks.length > 1;
    for (let column = stack.from; column < stack.to; column++) {
      this.drawInput(stack, column, isDecoder);
      stack.layers.forEach((rows, l) => {
        const below = stack.layers[l - 1];
        if (below) this.climb(column, below, rows);
        for (const row of rows) this.drawCell(row, column, stack);
      });
    }
  }

  /** The input of a step, or the path by which the output of the step before becomes its input. */
  private drawInput(stack: Stack, column: number, isDecoder: boolean): void {
    const { topology, feed } = this.architecture;
    const t = column - stack.from;
    const isFirst = t === 0;
    const isFed = isDecoder || beginsWithOne(topology);
    if (!isFirst && isFed && feed === 'output') return this.feedBack(stack, column);
    if (!isFirst && isFed && feed !== 'given') return;
    const label = isDecoder
      ? isFirst
        ? say('start', this.language)
        : indexed('q', this.index(t, -1))
      : indexed('x', beginsWithOne(topology) ? '' : this.index(t));
    this.circle('input', column, -1, label);
    this.climb(column, undefined, stack.layers[0]);
  }

  /** `t` where the network is folded. */
  private index(t: number, by = 0): string {
    if (this.architecture.topology === 'one-to-one') return '';
    if (!this.folded) return String(t + by);
    return by === 0 ? 't' : 't−1';
  }

  private drawCell({ place, isReverse, label }: Row, column: number, stack: Stack): void {
    const [x, y] = [this.x(column), this.y(place)];
    const text = indexed(label, this.index(column - stack.from));
    this.shapes.push(
      `<g class="cell"><rect x="${x - WIDTH / 2}" y="${y - HEIGHT / 2}" width="${WIDTH}" height="${HEIGHT}" rx="5"/>${textAt(x, y, text)}</g>`,
    );
    if (this.folded && this.architecture.topology !== 'one-to-one') {
      const [edge, far] = [x + WIDTH / 2, x + WIDTH / 2 + 34];
      const [start, end] = isReverse ? [10, -8] : [-10, 8];
      return this.path(
        `M${edge} ${y + start}C${far} ${y + 2.6 * start} ${far} ${y + 2.6 * end} ${edge} ${y + end}`,
      );
    }
    // the decoder begins with the state in which the encoder ends
    const next = column + 1;
    if (next === this.columns || (next === stack.to && place >= this.height)) return;
    const [from, to] = isReverse ? [next, column] : [column, next];
    const side = isReverse ? -1 : 1;
    this.path(`M${this.x(from) + (side * WIDTH) / 2} ${y}H${this.x(to) - (side * WIDTH) / 2}`);
  }

  /** From the rows of a layer, or from the input, to all rows of the layer above, past other rows on the way. */
  private climb(column: number, below: readonly Row[] | undefined, above: readonly Row[]): void {
    const x = this.x(column);
    const start = below ? this.y(below[0].highest) - HEIGHT / 2 : this.y(-1) - RADIUS;
    const end = this.y(above[0].lowest) + HEIGHT / 2;
    const middle = (start + end) / 2;
    for (const row of below ?? []) {
      const top = this.y(row.place) - HEIGHT / 2;
      if (row.place < row.highest) this.path(past(x, top, middle, 1), false);
    }
    this.path(`M${x} ${start}V${end}`);
    for (const row of above) {
      const foot = this.y(row.place) + HEIGHT / 2;
      if (row.place > row.lowest) this.path(past(x, middle, foot, -1));
    }
  }

  private drawOutputs(): void {
    const { topology, attention } = this.architecture;
    const { from, to, layers } = this.last;
    const top = layers[layers.length - 1];
    const place = this.outputPlace;
    if (attention) this.drawAttention();
    for (let column = endsInOne(topology) ? to - 1 : from; column < to; column++) {
      const x = this.x(column);
      this.circle(
        'output',
        column,
        place,
        indexed('y', endsInOne(topology) ? '' : this.index(column - from)),
      );
      const end = this.y(attention ? place - 1 : place) + (attention ? HEIGHT / 2 : RADIUS);
      const middle = (this.y(top[0].highest) - HEIGHT / 2 + end) / 2;
      for (const row of top) {
        const y = this.y(row.place) - HEIGHT / 2;
        const isElsewhere = endsInOne(topology) && row.isReverse;
        if (isElsewhere) this.path(`M${this.x(from)} ${y}V${middle}H${x}`, false);
        else if (row.place < row.highest) this.path(past(x, y, middle, 1), false);
      }
      const isPassed = endsInOne(topology) && top.length > 1;
      this.path(`M${x} ${isPassed ? middle : this.y(top[0].highest) - HEIGHT / 2}V${end}`);
      if (attention) this.path(`M${x} ${this.y(place - 1) - HEIGHT / 2}V${this.y(place) + RADIUS}`);
    }
  }

  /** Over all columns: each step of the decoder weighs the states of the encoder. */
  private drawAttention(): void {
    const [left, right, y] = [
      this.x(0) - WIDTH / 2,
      this.x(this.columns - 1) + WIDTH / 2,
      this.y(this.height),
    ];
    this.shapes.push(
      `<g class="operation"><rect x="${left}" y="${y - HEIGHT / 2}" width="${right - left}" height="${HEIGHT}" rx="15"/>${textAt((left + right) / 2, y, say('attention', this.language))}</g>`,
    );
    const [{ to, layers }] = this.stacks;
    const [{ highest }] = layers[layers.length - 1];
    for (let column = 0; column < to; column++)
      this.path(`M${this.x(column)} ${this.y(highest) - HEIGHT / 2}V${y + HEIGHT / 2}`);
  }

  /** From the output of the step before to the input of this one, between the two columns. */
  private feedBack(stack: Stack, column: number): void {
    const [x, before] = [this.x(column), this.x(column - 1) + RADIUS];
    const [top, foot] = [this.y(this.outputPlace), this.y(stack.layers[0][0].lowest) + HEIGHT / 2];
    const middle = (this.x(column) + this.x(column - 1)) / 2;
    this.path(
      `M${before} ${top}Q${middle} ${top} ${middle} ${top + 24}V${foot}C${middle} ${foot + 26} ${x} ${foot + 26} ${x} ${foot}`,
    );
  }

  private circle(kind: string, column: number, place: number, label: string): void {
    const [x, y] = [this.x(column), this.y(place)];
    const width = label === say('start', this.language) ? 44 : 2 * RADIUS;
    this.shapes.push(
      `<g class="${kind}"><rect x="${x - width / 2}" y="${y - RADIUS}" width="${width}" height="${2 * RADIUS}" rx="${RADIUS}"/>${textAt(x, y, label)}</g>`,
    );
  }

  private name(text: string, from: number, to: number): void {
    this.shapes.push(textAt((this.x(from) + this.x(to - 1)) / 2, this.y(-1) + RADIUS + 20, text));
  }

  private path(d: string, arrow = true): void {
    this.paths.push(`<path class="flow" d="${d}"${arrow ? ' marker-end="url(#arrow)"' : ''}/>`);
  }

  private inWords(): string {
    const { topology, layers } = this.architecture;
    const depth = `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`;
    return `A ${topology} network of ${depth}, ${this.folded ? 'folded' : 'unrolled over time'}`;
  }
}

/** The rows of all layers from the bottom. */
function rowsOf(layers: readonly Layer[]): Row[][] {
  let place = 0;
  return layers.map((layer, l) => {
    const directions = directionsOf(layer, l);
    const [lowest, highest] = [place, place + directions.length - 1];
    const depth =
      layers.length > 1 ? `<tspan class="index" dy="-0.4em">${l + 1}</tspan><tspan dy="0.3em"></tspan>` : '';
    return directions.map(({ reverse }) => ({
      ...{ place: place++, lowest, highest, isReverse: reverse },
      label: `${directions.length > 1 ? (reverse ? '←' : '→') : ''}h${depth}`,
    }));
  });
}

/** From y to y along a curve that leads past a cell, on its right side or on its left. */
const past = (x: number, from: number, to: number, side: 1 | -1): string =>
  `M${x} ${from}C${x + side * PAST} ${from} ${x + side * PAST} ${to} ${x} ${to}`;

const textAt = (x: number, y: number, text: string): string =>
  `<text x="${x}" y="${y}" dy="0.35em">${text}</text>`;
const indexed = (name: string, index: string): string =>
  index ? `${name}<tspan class="index" dy="0.3em">${index}</tspan>` : name;
