/** Random masks of a network: drawn for each training batch, and constant in evaluation. */
import type { Random } from '../../core/random/random';
import type { Tensor } from '../../core/tensor';

/** A mask: each of its numbers is `hit` with probability `p`, otherwise `miss`; in evaluation all are `still`. */
export interface Mask {
  /** [N, W]: a multiple of the B rows of the batch, or B, for a mask that all steps share. */
  readonly values: Tensor;
  readonly p: number;
  readonly hit: number;
  readonly miss: number;
  readonly still: number;
}

/** Dropout: a unit is dropped, or kept and scaled so that its mean stays. */
export function dropoutMask(values: Tensor, p: number): Mask {
  return calm({ values, p, hit: 0, miss: 1 / (1 - p), still: 1 });
}

/** Zoneout: a unit keeps its state, or not; in evaluation it does in part, as in the mean. */
export function zoneoutMask(values: Tensor, p: number): Mask {
  return calm({ values, p, hit: 1, miss: 0, still: p });
}

/** Sets a mask as in evaluation, and returns it. */
export function calm(mask: Mask): Mask {
  mask.values.data.fill(mask.still);
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
