/** A live progress table at the bottom of the terminal: one row per running trial, and one for the sweep. */
import { MultiBar, type SingleBar } from 'cli-progress';
import { barText } from '../terminal/bar';
import { time } from '../core/format';
import { noteLine } from '../terminal/output';
import { safe } from '../core/safe';
import type { Trial } from './config';
import type { TrialProgress } from './trial';

const CLEAR_BELOW = '\x1b[J';

export class Board {
  private readonly started = performance.now();
  private readonly rows = new Map<string, SingleBar>();
  private readonly bars = new MultiBar({
    format: (_options, _params, payload) => (payload as { text?: string }).text ?? '',
    stream: process.stderr,
    clearOnComplete: true,
    // Ctrl-C is handled here, because running trials must be saved first
    gracefulExit: false,
    hideCursor: false,
    // rows fit on one line, but messages between them may take more
    linewrap: true,
    // unchanged rows, too, must be drawn again below the messages
    forceRedraw: true,
    fps: 10,
  });
  /** Lines to print above the rows at the next redraw. */
  private readonly lines: string[] = [];
  private readonly total: SingleBar;
  private readonly all: number;
  private readonly before: number;
  /** Width of the column of trial names. */
  private readonly widest: number;
  private done: number;

  /** @param left the trials among `all` that have not run yet. */
  constructor(left: readonly Trial[], all: number) {
    this.all = all;
    this.done = this.before = all - left.length;
    this.widest = Math.max(...left.map(({ label }) => label.length));
    this.bars.on('redraw-pre', () => this.print());
    this.total = this.bars.create(1, 0, { text: '' });
    this.drawTotal(0);
  }

  moved({ id, label }: Trial, { done, bits }: TrialProgress, where?: string): void {
    const facts = [`${bits.toFixed(2)} bits/char`, ...(where === undefined ? [] : [safe(where)])];
    const columns = process.stderr.columns || 80;
    // the bar needs some room too
    const width = Math.max(12, Math.min(this.widest, columns - 40));
    const name = label.length > width ? `${label.slice(0, width - 1)}…` : label.padEnd(width);
    const text = `${safe(name)}  ${barText(done, facts, columns - width - 2)}`;
    const row = this.rows.get(id);
    if (row) row.update(done, { text });
    // a small terminal shows only some of the rows
    else if (this.rows.size < (process.stderr.rows || 24) - 4)
      this.rows.set(id, this.bars.create(1, done, { text }));
  }

  /** Removes the row of a trial that has ended. */
  left({ id }: Trial, finished: boolean): void {
    const row = this.rows.get(id);
    if (row) this.bars.remove(row);
    this.rows.delete(id);
    if (finished) this.done++;
    this.drawTotal(this.done - this.before);
  }

  /** Prints a line above the table. */
  say(text: string): void {
    this.lines.push(text);
  }

  close(): void {
    this.bars.stop();
    this.print();
  }

  /** Prints lines at the first row of the table, which is then redrawn below. */
  private print(): void {
    for (const text of this.lines.splice(0)) {
      process.stderr.write(CLEAR_BELOW);
      noteLine(text);
    }
  }

  private drawTotal(made: number): void {
    const { done, all } = this;
    const rest = ((performance.now() - this.started) / 1000 / made) * (all - done);
    const facts = [`trial ${done} of ${all}`, ...(made > 0 ? [`${time(rest)} left`] : [])];
    this.total.update(done / Math.max(1, all), {
      text: barText(done / Math.max(1, all), facts, process.stderr.columns || 80),
    });
  }
}
