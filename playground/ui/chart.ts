/** A live line chart. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { css } from './colors';
import { short } from '../../core/format';
import { h } from './dom';
import { tens, written } from './marks';
import { pictureOf } from './picture';
import { say } from '../languages/say';

export interface ChartSeries {
  label: string;
  /** The name of a color in the style sheet. */
  color: string;
  dashed?: boolean;
}

export interface ChartOptions {
  label: string;
  height: number;
  series: ChartSeries[];
  logarithmic?: boolean;
  /** Draw points without a line. */
  dots?: boolean;
  x?: string;
}

export class Chart {
  readonly root: HTMLElement;
  private readonly legend = h('p', { class: 'names' });
  private readonly field: HTMLElement;
  private plot: uPlot | undefined;
  private note = '';
  private data: uPlot.AlignedData = [[]];

  constructor(private options: ChartOptions) {
    this.field = h('div', { role: 'img', 'aria-label': options.label });
    this.field.style.height = `${options.height}px`;
    this.root = h('div', { class: 'chart' }, this.legend, this.field);
    new ResizeObserver(() => (this.plot ? this.plot.setSize(this.size) : this.build())).observe(this.field);
    document.addEventListener('theme', () => this.build());
  }

  /** Replaces the curves or their names. */
  change(options: Partial<ChartOptions>): void {
    this.options = { ...this.options, ...options };
    this.build();
  }

  /** @param note a remark shown beside the names of the curves. */
  say(note: string): void {
    this.note = note;
  }

  show(x: readonly number[], ...curves: readonly (readonly (number | null)[])[]): void {
    // values that are not finite, or not positive on a logarithmic axis, leave a gap
    const { logarithmic = false } = this.options;
    const place = (v: number | null): number | null =>
      v !== null && Number.isFinite(v) && (v > 0 || !logarithmic) ? v : null;
    this.data = [x as number[], ...curves.map((curve) => curve.map(place))];
    if (this.plot) this.plot.setData(this.data);
    else this.build();
    this.tell();
  }

  /** The chart as a separate SVG document. */
  picture(y: string): string {
    const { series, logarithmic = false, x = say('readout.step') } = this.options;
    const ends = (axis: 'x' | 'y'): [number, number] => {
      const { min, max } = this.plot?.scales[axis] ?? {};
      return [min ?? 1, max ?? 1];
    };
    return pictureOf({
      names: { x, y },
      x: Array.from(this.data[0]),
      curves: series.map(({ label, color }, k) => ({
        label,
        color: css(color),
        y: this.data[k + 1] as (number | null)[],
      })),
      ends: { x: ends('x'), y: ends('y') },
      logarithmic,
      ground: css('--panel'),
      ink: css('--muted'),
      note: this.note,
    });
  }

  private get size(): { width: number; height: number } {
    return { width: this.field.clientWidth, height: this.options.height };
  }

  /** Names of the curves, with their values where the pointer is, or the last ones. */
  private tell(): void {
    const { series, x = say('readout.step') } = this.options;
    const at = this.plot?.cursor.idx ?? this.data[0].length - 1;
    const value = (k: number): string => {
      const v = this.data[k]?.[at];
      return v === undefined || v === null ? '–' : short(v);
    };
    this.legend.replaceChildren(
      ...series.map(({ label, color }, k) =>
        h('span', { style: `color: var(${color})` }, `${label} `, h('b', {}, value(k + 1))),
      ),
      h('span', { class: 'muted' }, `${x} ${this.data[0][at] ?? '–'}`),
      ...(this.note ? [h('span', { class: 'muted' }, this.note)] : []),
    );
  }

  private build(): void {
    this.plot?.destroy();
    this.plot = undefined;
    const { series, logarithmic = false, dots = false } = this.options;
    if (this.field.clientWidth === 0 || this.data.length !== series.length + 1) return;
    const axis = {
      stroke: css('--muted'),
      grid: { stroke: css('--line'), width: 1 },
      ticks: { stroke: css('--line'), width: 1 },
      font: '12px system-ui, sans-serif',
    };
    this.plot = new uPlot(
      {
        ...this.size,
        scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
        axes: [
          { ...axis, size: 30 },
          {
            ...axis,
            size: 52,
            ...(logarithmic && {
              splits: (_: uPlot, __: number, from: number, to: number) => tens(from, to),
              filter: (_: uPlot, marks: number[]) => marks,
              // with its own distances between marks, uPlot draws none where the powers are many
              incrs: [Number.MAX_VALUE],
            }),
            values: (_, ticks) =>
              ticks.map((v: number | null) => (v === null ? '' : written(v, logarithmic))),
          },
        ],
        legend: { show: false },
        hooks: { setCursor: [() => this.tell()] },
        cursor: { points: { show: false }, drag: { x: false, y: false } },
        series: [
          {},
          ...series.map(({ color, dashed }) => ({
            stroke: css(color),
            width: 2,
            ...(dashed && { dash: [6, 4] }),
            points: {
              show: dots,
              size: 6,
              width: dashed ? 1 : 2,
              fill: dashed ? css('--panel') : css(color),
            },
            ...(dots && { paths: () => null }),
          })),
        ],
      },
      this.data,
      this.field,
    );
    this.tell();
  }
}
