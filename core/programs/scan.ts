/**
 * Linear recurrences over a known sequence, h_t = a_t ⊙ h_{t−1} + b_t, by a loop and by an associative scan, and their
 * gradients.
 *
 * A step is the map h ↦ a ⊙ h + b. Two steps in a row are such a map again, (a₂ a₁, a₂ b₁ + b₂), and this composition is
 * associative. So the sequence can be cut into parts that do not wait for each other: each part is solved from zero,
 * together with the product of its factors; then the state before each part is added to its states, times these products.
 *
 * Source: Blelloch 1990, "Prefix sums and their applications", section 1.4.
 */
import { must, mustCount } from '../check';

/** A linear recurrence: a, b [T, W] row-major, and h0 [W]. */
export interface LinearRecurrence {
  a: Float64Array;
  b: Float64Array;
  h0: Float64Array;
}

/**
 * h [T, W], step by step.
 * @throws RangeError if the lengths do not fit together.
 * @example
 * const [a, b, h0] = [[1, -1, 1], [1, 1, 0], [0]].map((v) => Float64Array.from(v));
 * Array.from(recurrenceByLoop({ a, b, h0 })); // [1, 0, 0]
 */
export function recurrenceByLoop({ a, b, h0 }: LinearRecurrence): Float64Array {
  const W = widthOf({ a, b, h0 });
  const h = new Float64Array(b.length);
  for (let k = 0; k < W; k++) h[k] = a[k] * h0[k] + b[k];
  for (let k = W; k < h.length; k++) h[k] = a[k] * h[k - W] + b[k];
  return h;
}

/**
 * The same by a scan over `parts` of the sequence. The additions are in another order, so the result may differ by
 * rounding. It makes three times as many multiplications, which is worth it only if many parts are computed at once.
 * @throws RangeError as `recurrenceByLoop`, and for a number of parts below 1.
 * @example
 * const [a, b, h0] = [[1, -1, 1], [1, 1, 0], [0]].map((v) => Float64Array.from(v));
 * Array.from(recurrenceByScan({ a, b, h0 }, 2)); // [1, 0, 0]
 */
export function recurrenceByScan({ a, b, h0 }: LinearRecurrence, parts: number): Float64Array {
  const W = widthOf({ a, b, h0 });
  mustCount(parts, 'recurrenceByScan', 'parts');
  const T = b.length / W;
  const [h, product] = [new Float64Array(b.length), new Float64Array(b.length)];
  const starts = Array.from({ length: parts + 1 }, (_, p) => Math.floor((p * T) / parts) * W);
  // each part from zero, with the products of its factors
  for (let p = 0; p < parts; p++) {
    const [from, to] = [starts[p], starts[p + 1]];
    for (let k = from; k < Math.min(from + W, to); k++) [h[k], product[k]] = [b[k], a[k]];
    for (let k = from + W; k < to; k++) {
      h[k] = a[k] * h[k - W] + b[k];
      product[k] = a[k] * product[k - W];
    }
  }
  // the state before each part, and its share of the part's states
  let before = h0;
  for (let p = 0; p < parts; p++) {
    const [from, to] = [starts[p], starts[p + 1]];
    for (let k = from; k < to; k += W) for (let u = 0; u < W; u++) h[k + u] += product[k + u] * before[u];
    if (to > from) before = h.slice(to - W, to);
  }
  return h;
}

/**
 * The gradients of a linear recurrence whose solution is h, from dh [T, W], the gradient that reaches each state from
 * outside. λ_t = dh_t + a_{t+1} ⊙ λ_{t+1} is a linear recurrence in reverse, solved by `solve`:
 *
 *   db_t = λ_t   da_t = λ_t ⊙ h_{t−1}   dh0 = a_1 ⊙ λ_1
 *
 * @throws RangeError as `recurrenceByLoop`.
 * @example
 * const [a, b, h0, dh] = [[2, 3], [1, 1], [1], [0, 1]].map((v) => Float64Array.from(v));
 * const h = recurrenceByLoop({ a, b, h0 }); // 3, then 10
 * recurrenceGradients({ a, b, h0 }, h, dh).dh0[0]; // 6
 */
export function recurrenceGradients(
  { a, b, h0 }: LinearRecurrence,
  h: Float64Array,
  dh: Float64Array,
  solve: (reversed: LinearRecurrence) => Float64Array = recurrenceByLoop,
): { da: Float64Array; db: Float64Array; dh0: Float64Array } {
  const W = widthOf({ a, b, h0 });
  const N = b.length;
  must(dh.length === N, 'recurrenceGradients', `dh must hold ${N} numbers`, dh.length);
  // entry k of the reversed sequence belongs to step T − 1 − t, whose factor is that of the step after it
  const at = (k: number): number => N - W - k + 2 * (k % W);
  const reversed = { a: new Float64Array(N), b: dh.map((_, k) => dh[at(k)]), h0: new Float64Array(W) };
  for (let k = W; k < N; k++) reversed.a[k] = a[at(k) + W];
  const lambda = solve(reversed);
  const db = lambda.map((_, k) => lambda[at(k)]);
  const da = db.map((d, k) => d * (k < W ? h0[k] : h[k - W]));
  return { da, db, dh0: h0.map((_, k) => a[k] * db[k]) };
}

/** W; the lengths of a, b and h0 must fit together. */
function widthOf({ a, b, h0 }: LinearRecurrence): number {
  const W = h0.length;
  const fits = W > 0 && b.length > 0 && b.length % W === 0 && a.length === b.length;
  must(fits, 'linear recurrence', `a and b must hold T · ${W} numbers each`, `${a.length} and ${b.length}`);
  return W;
}
