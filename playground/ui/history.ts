/** The losses of a run, all of them, and as many of them as a chart can show. */
import type { Point } from '../engine/run';

/** Points of a curve: more than there are pixels to tell them apart would only cost time. */
const SHOWN = 700;

export class History {
  readonly steps: number[] = [];
  readonly losses: number[] = [];
  readonly norms: number[] = [];

  add(points: readonly Point[]): void {
    for (const { step, loss, norm } of points) {
      this.steps.push(step);
      this.losses.push(loss);
      this.norms.push(norm);
    }
  }

  /** Steps, and the means of `values` over equal stretches of them. */
  curve(values: readonly number[]): { steps: number[]; means: number[] } {
    const every = Math.max(1, Math.ceil(values.length / SHOWN));
    const steps: number[] = [];
    const means: number[] = [];
    for (let from = 0; from < values.length; from += every) {
      const to = Math.min(from + every, values.length);
      // not a sum, which may be too large for a number where the mean is not
      let mean = 0;
      for (let k = from; k < to; k++) mean += (values[k] - mean) / (k - from + 1);
      steps.push(this.steps[to - 1]);
      means.push(mean);
    }
    return { steps, means };
  }
}
