/** A progress bar at the foot of a terminal, on standard error. */
import { SingleBar } from 'cli-progress';

const WIDEST = 120;

export class ProgressBar {
  private text = '';
  private shown = false;
  private readonly bar = new SingleBar({
    format: () => this.text,
    stream: process.stderr,
    clearOnComplete: true,
    forceRedraw: true,
    // we handle Ctrl-C ourselves, to save first
    gracefulExit: false,
    fps: 10,
  });

  /** Draws the bar: the fraction done, and facts, most important first. */
  show(done: number, facts: readonly string[]): void {
    this.text = barText(done, facts, process.stderr.columns || 80);
    if (!this.shown) this.bar.start(1, 0);
    this.shown = true;
    this.bar.update(done);
  }

  /** Erases the bar, before printing or at the end. */
  clear(): void {
    if (this.shown) this.bar.stop();
    this.shown = false;
  }
}

/** Whether standard error and standard output both go to a terminal that can show a bar. */
export const barFits = (): boolean =>
  process.stdout.isTTY && process.stderr.isTTY && process.env.TERM !== 'dumb';

/** A bar and as many facts as fit; on a narrow terminal the least important ones are left out. */
export function barText(done: number, facts: readonly string[], columns: number): string {
  const room = Math.min(columns, WIDEST) - 1; // a full last column would make some terminals wrap
  let text = `${String(Math.floor(100 * done)).padStart(3)} %`;
  for (const fact of facts) {
    if (text.length + 2 + fact.length <= room) text += `  ${fact}`;
  }
  const length = Math.min(30, room - text.length - 1);
  if (length < 5) return text.slice(0, room);
  const full = Math.round(length * done);
  return `${'█'.repeat(full)}${'░'.repeat(length - full)} ${text}`;
}
