/** A loss curve of bounded length: each point is the mean over an interval, which doubles when the curve gets long. */
import * as v from 'valibot';

const MOST_POINTS = 2000;

const finite = v.pipe(v.number(), v.finite());
/** What has been added since the last point. */
export const restSchema = v.strictObject({
  interval: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  sum: finite,
  count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
export type Rest = v.InferOutput<typeof restSchema>;

export class LossCurve {
  private readonly steps: number[] = [];
  private readonly losses: number[] = [];
  private interval = 1;
  private sum = 0;
  private count = 0;

  /** A curve as `points` and `rest` described it. */
  static from(points: ArrayLike<number>, rest: Rest): LossCurve {
    const curve = new LossCurve();
    for (let k = 0; k + 1 < points.length; k += 2) {
      curve.steps.push(points[k]);
      curve.losses.push(points[k + 1]);
    }
    return Object.assign(curve, rest);
  }

  /** Adds a loss; steps must ascend. One that is not finite, as of a validation that ran away, leaves a gap. */
  add(step: number, loss: number): void {
    if (!Number.isFinite(loss)) return; // no checkpoint could hold the sum
    this.sum += loss;
    this.count++;
    if (this.count < this.interval) return;
    this.steps.push(step);
    this.losses.push(this.sum / this.count);
    this.sum = 0;
    this.count = 0;
    if (this.steps.length >= MOST_POINTS) this.halve();
  }

  /** Pairs of step and mean loss, one after the other. */
  get points(): Float64Array {
    return Float64Array.from({ length: 2 * this.steps.length }, (_, k) =>
      k % 2 === 0 ? this.steps[k >> 1] : this.losses[k >> 1],
    );
  }

  /** Of the last point; NaN where there is none. */
  get last(): number {
    return this.losses.at(-1) ?? NaN;
  }

  get rest(): Rest {
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
