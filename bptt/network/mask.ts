/** Random masks of a network: drawn for each training batch, and constant in evaluation. */
import type { Random } from '../../core/random/random';
import type { Tensor } from '../../core/tensor';

/** A mask: each of its numbers is `hit` with probability `p`, otherwise `miss`; in evaluation all are `mean`. */
export interface Mask {
  /** [N, W]: a multiple of the B rows of the batch, or B, for a mask that all steps share. */
  readonly values: Tensor;
  readonly p: number;
  readonly hit: number;
  readonly miss: number;
  readonly mean: number;
}

/** Dropout: a unit is dropped, or kept and scaled so that its expected value does not change. */
export function dropoutMask(values: Tensor, p: number): Mask {
  return setToMean({ values, p, hit: 0, miss: 1 / (1 - p), mean: 1 });
}

/** Zoneout: a unit keeps its state, or not; in evaluation old and new state are mixed in that proportion. */
export function zoneoutMask(values: Tensor, p: number): Mask {
  return setToMean({ values, p, hit: 1, miss: 0, mean: p });
}

/** Sets a mask to its value in evaluation, and returns it. */
export function setToMean(mask: Mask): Mask {
  mask.values.data.fill(mask.mean);
  return mask;
}

/** Rows low…high of a batch of B. */
export interface Rows {
  B: number;
  low: number;
  high: number;
}

/** Draws a mask for all rows of a batch, and keeps the rows low…high. */
export function drawMask(
  { values: { data, shape }, p, hit, miss }: Mask,
  { B, low, high }: Rows,
  random: Random,
): void {
  const [N, width] = shape;
  let k = 0;
  for (let row = 0; row < (N / (high - low)) * B; row++) {
    const mine = row % B >= low && row % B < high;
    for (let c = 0; c < width; c++) {
      const isHit = random.uniform() < p;
      if (mine) data[k++] = isHit ? hit : miss;
    }
  }
}
