/** A loss curve of bounded length: each point is the mean over an interval, which doubles when the curve gets long. */
import { mustBeArrayLike } from '../../core/check';

const MOST_POINTS = 2000;

/** A loss at a step. */
export interface LossPoint {
  step: number;
  loss: number;
}

/** The losses added to a curve since its last point. */
export interface CurveRest {
  /** Number of losses that are averaged to one point. */
  interval: number;
  sum: number;
  count: number;
}

/**
 * The loss curve of a run of any length.
 *
 * @example
 * const curve = new LossCurve();
 * curve.add(1, 0.5);
 * curve.points; // [{ step: 1, loss: 0.5 }]
 */
export class LossCurve {
  private readonly steps: number[] = [];
  private readonly losses: number[] = [];
  private interval = 1;
  private sum = 0;
  private count = 0;

  /** Restores a curve from `pairs` and `rest`. */
  static from(pairs: ArrayLike<number>, rest: CurveRest): LossCurve {
    mustBeArrayLike(pairs, 'LossCurve.from', 'the pairs');
    const curve = new LossCurve();
    for (let k = 0; k + 1 < pairs.length; k += 2) {
      curve.steps.push(pairs[k]);
      curve.losses.push(pairs[k + 1]);
    }
    return Object.assign(curve, rest);
  }

  /** Adds a loss; steps must be increasing. A non-finite loss, as of a diverged validation, is skipped. */
  add(step: number, loss: number): void {
    if (!Number.isFinite(loss)) return; // a checkpoint could not store the sum
    this.sum += loss;
    this.count++;
    if (this.count < this.interval) return;
    this.steps.push(step);
    this.losses.push(this.sum / this.count);
    this.sum = 0;
    this.count = 0;
    if (this.steps.length >= MOST_POINTS) this.halve();
  }

  /** Steps and mean losses. */
  get points(): LossPoint[] {
    return this.steps.map((step, k) => ({ step, loss: this.losses[k] }));
  }

  /** Pairs of step and mean loss, flattened. */
  get pairs(): Float64Array {
    return Float64Array.from(this.points.flatMap(({ step, loss }) => [step, loss]));
  }

  /** The loss of the last point; NaN if there is none. */
  get last(): number {
    return this.losses.at(-1) ?? NaN;
  }

  /** The state needed to continue the curve, besides `pairs`. */
  get rest(): CurveRest {
    return { interval: this.interval, sum: this.sum, count: this.count };
  }

  private halve(): void {
    for (let k = 0; k < MOST_POINTS / 2; k++) {
      this.steps[k] = this.steps[2 * k + 1];
      this.losses[k] = (this.losses[2 * k] + this.losses[2 * k + 1]) / 2;
    }
    this.steps.length = this.losses.length = MOST_POINTS / 2;
    this.interval *= 2;
  }
}
