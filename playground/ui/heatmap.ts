/** A heat map of a matrix: one colored cell per number; cells can be chosen by pointer and by arrow keys. */
import { greatest } from '../../core/programs/reduce';
import { styled, type ColorScale } from './colors';
import { h, onceAFrame } from './dom';
import { placedLabels } from './labels';

export interface HeatmapData {
  rows: number;
  columns: number;
  value: (row: number, column: number) => number;
  scale: ColorScale;
  /** Shown under the columns: lines of one text for each. */
  labels?: readonly (readonly string[])[];
  /** Shown beside the rows. */
  names?: readonly string[];
  chosen?: { row: number; column: number };
}

export interface HeatmapOptions {
  /** Description for screen readers. */
  label: string;
  height: number;
  onchoose?: (row: number, column: number) => void;
}

/** Height of a line of text. */
const LINE = 14;
const FONT = '12px ui-monospace, monospace';

export class Heatmap {
  readonly root: HTMLElement;
  private readonly canvas = h('canvas', { 'aria-hidden': 'true' });
  private readonly legend = h('p', { class: 'legend' });
  private picture: HeatmapData | undefined;
  /** Room for the names of the rows. */
  private left = 0;
  readonly redraw = onceAFrame(() => this.draw());

  constructor(private readonly options: HeatmapOptions) {
    const { label, onchoose } = options;
    const field = h(
      'div',
      {
        class: 'heatmap',
        role: onchoose ? 'application' : 'img',
        'aria-label': label,
        tabindex: onchoose ? 0 : false,
      },
      this.canvas,
    );
    if (onchoose) {
      this.canvas.addEventListener('pointerdown', (event) => this.point(event));
      field.addEventListener('keydown', (event) => this.key(event));
    }
    this.root = h('figure', {}, field, this.legend);
    new ResizeObserver(this.redraw).observe(this.canvas);
  }

  show(picture: HeatmapData): void {
    this.picture = picture;
    const { rows, names: rowNames = [], labels = [] } = picture;
    const widths = rowNames.map((name) => this.widthOf(name));
    this.left = rowNames.length > 0 ? greatest(widths) + 9 : 0;
    // names are drawn above each other
    const least = rowNames.length > 0 ? rows * LINE + labels.length * LINE : 0;
    this.canvas.style.height = `${Math.max(this.options.height, least)}px`;
    const { ends, names, color } = picture.scale;
    const [from, to] = ends;
    const value = (fraction: number): number =>
      from > 0 ? from * (to / from) ** fraction : from + fraction * (to - from);
    const ramp = Array.from({ length: 9 }, (_, k) => styled(color(value(k / 8))));
    this.legend.replaceChildren(
      names[0],
      h('span', { class: 'ramp', style: `background: linear-gradient(90deg, ${ramp.join()})` }),
      names[1],
    );
    this.redraw();
  }

  private draw(): void {
    const { picture, canvas } = this;
    const context = canvas.getContext('2d');
    if (!picture || !context || canvas.clientWidth === 0) return;
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const { rows, columns, labels = [], names, chosen } = picture;
    const { left, w, high } = this.cellGeometry();
    context.imageSmoothingEnabled = false;
    context.drawImage(pixelsOf(picture), left, 0, columns * w, rows * high);
    const gap = w > 9 && high > 9 && rows * columns < 400 ? 1 : 0;
    for (let r = 1; gap > 0 && r <= rows; r++) context.clearRect(left, r * high - gap, columns * w, gap);
    for (let c = 1; gap > 0 && c <= columns; c++) context.clearRect(left + c * w - gap, 0, gap, rows * high);
    context.fillStyle = getComputedStyle(canvas).color;
    context.font = FONT;
    context.textAlign = 'center';
    labels.forEach((line, k) => {
      const foot = height - 3 - (labels.length - 1 - k) * LINE;
      const room = { left, column: w, right: width };
      for (const { text, x } of placedLabels(line, (label) => this.widthOf(label), room))
        context.fillText(text, x, foot);
    });
    context.textAlign = 'right';
    names?.forEach((text, r) => context.fillText(text, left - 6, (r + 0.5) * high + 4));
    if (chosen) {
      context.strokeStyle = getComputedStyle(canvas).color;
      context.lineWidth = 2;
      context.strokeRect(
        left + chosen.column * w,
        chosen.row * high,
        Math.max(w - gap, 3),
        Math.max(high - gap, 3),
      );
    }
  }

  /** The origin of the cells, and the width and height of one. */
  private cellGeometry(): { left: number; w: number; high: number } {
    const { left, canvas } = this;
    const { rows, columns, labels = [] } = this.picture as HeatmapData;
    const below = labels.length > 0 ? labels.length * LINE + 3 : 0;
    return { left, w: (canvas.clientWidth - left) / columns, high: (canvas.clientHeight - below) / rows };
  }

  private widthOf(text: string): number {
    const context = this.canvas.getContext('2d');
    if (!context) return 0;
    context.font = FONT;
    return context.measureText(text).width;
  }

  private point(event: PointerEvent): void {
    if (!this.picture) return;
    const { left, w, high } = this.cellGeometry();
    this.choose(Math.floor(event.offsetY / high), Math.floor((event.offsetX - left) / w));
  }

  private key(event: KeyboardEvent): void {
    const by: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const move = by[event.key];
    if (!move || !this.picture) return;
    event.preventDefault();
    const { row, column } = this.picture.chosen ?? { row: 0, column: 0 };
    this.choose(row + move[0], column + move[1]);
  }

  private choose(row: number, column: number): void {
    const { rows, columns } = this.picture as HeatmapData;
    const within = (k: number, n: number): number => Math.min(n - 1, Math.max(0, k));
    this.options.onchoose?.(within(row, rows), within(column, columns));
  }
}

/** One pixel for each number: filling that many rectangles would take long. */
function pixelsOf({ rows, columns, value, scale }: HeatmapData): HTMLCanvasElement {
  const canvas = h('canvas', { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  for (let k = 0; k < rows * columns; k++) {
    const [red, green, blue] = scale.color(value(Math.floor(k / columns), k % columns));
    image.data[4 * k] = red;
    image.data[4 * k + 1] = green;
    image.data[4 * k + 2] = blue;
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}
