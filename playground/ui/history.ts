/** The losses of a run: all of them, and a reduced curve for a chart. */
import type { CurvePoint } from '../engine/run';
import { say } from '../languages/say';

/** Maximum number of points of a curve: more than there are pixels would only cost time. */
const SHOWN = 700;
/** Steps whose mean losses are compared, and from what ratio on the loss has risen. */
const [COMPARED, RISEN] = [10, 2];

/** A curve, the number of values that a point stands for at most, and of those that it was made of. */
interface Reduced {
  every: number;
  steps: number[];
  means: number[];
  count: number;
}

export class History {
  readonly steps: number[] = [];
  readonly losses: number[] = [];
  readonly norms: number[] = [];
  private readonly reduced = new Map<readonly number[], Reduced>();

  add(points: readonly CurvePoint[]): void {
    for (const { step, loss, norm } of points) {
      this.steps.push(step);
      this.losses.push(loss);
      this.norms.push(norm);
    }
  }

  /**
   * Steps, and the means of those of `values` that are known over equal stretches of them. Only what has come since the
   * call before is added, so that a long run is drawn as fast as a short one.
   * @returns also how many steps a point stands for at most. The lists are valid until the next call.
   */
  curve(values: readonly number[]): { steps: number[]; means: number[]; each: number } {
    const every = Math.max(1, Math.ceil(values.length / SHOWN));
    const before = this.reduced.get(values);
    const reduced = before?.every === every ? before : { every, steps: [], means: [], count: 0 };
    const { steps, means } = reduced;
    // the last point may stand for more values now
    steps.length = means.length = Math.floor(reduced.count / every);
    reduced.count = values.length;
    this.reduced.set(values, reduced);
    for (let from = steps.length * every; from < values.length; from += every) {
      const to = Math.min(from + every, values.length);
      // a running mean: a sum may overflow where the mean does not
      let [mean, count] = [0, 0];
      for (let k = from; k < to; k++) if (!Number.isNaN(values[k])) mean += (values[k] - mean) / ++count;
      steps.push(this.steps[to - 1]);
      means.push(count > 0 ? mean : NaN);
    }
    const each = steps.slice(1).reduce((most, step, k) => Math.max(most, step - steps[k]), 1);
    return { steps, means, each };
  }
}

/** Whether the loss of a run has risen far above that of its first steps. */
export function hasRisen(losses: readonly number[]): boolean {
  const mean = (some: readonly number[]): number => some.reduce((sum, loss) => sum + loss / COMPARED, 0);
  const [first, last] = [losses.slice(0, COMPARED), losses.slice(-COMPARED)];
  return losses.length >= 2 * COMPARED && mean(last) > RISEN * mean(first);
}

/** The note of a chart whose points are means. */
export const meansOf = (each: number): string => (each > 1 ? say('means', { count: each }) : '');

/** Step, loss and norm of every run as CSV, in full precision; unknown values are empty. */
export function csvOf(cells: readonly string[], histories: readonly History[]): string {
  const head = ['step', ...cells.flatMap((cell) => [`${cell} loss`, `${cell} gradient norm`])];
  const rows = histories[0].steps.map((step, k) =>
    [step, ...histories.flatMap(({ losses, norms }) => [losses[k], known(norms[k])])].join(),
  );
  return `${[head.join(), ...rows].join('\n')}\n`;
}

const known = (v: number): number | string => (Number.isNaN(v) ? '' : v);
