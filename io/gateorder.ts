/** Converts between gate orders of frameworks: permutes blocks of H columns. */
import { columns, fillFrom, toFlat, type Tensor } from '../core/tensor';

/** For each gate in another framework's order, the index of the same gate in ours. */
export type GateOrder = readonly number[];

/** Block `k` of a matrix [R, G·H] or a bias [G·H], as a view. */
function gate(t: Tensor, k: number, gates: number): Tensor {
  const H = t.shape[t.shape.length - 1] / gates;
  return t.shape.length === 1 ? t.lo(k * H).hi(H) : columns(t, k * H, (k + 1) * H);
}

/** A matrix [R, G·H] transposed to [G·H, R], or a bias [G·H], with its gates in that order; row-major. */
export const gateRows = (t: Tensor, order: GateOrder): number[] =>
  order.flatMap((k) => {
    const block = gate(t, k, order.length);
    return toFlat(block.shape.length === 2 ? block.transpose(1, 0) : block);
  });

/** A matrix [R, G·H], or a bias [G·H], with its gates in that order; row-major. */
export function gateColumns(t: Tensor, order: GateOrder): number[] {
  const H = t.shape[t.shape.length - 1] / order.length;
  const blocks = order.map((k) => toFlat(gate(t, k, order.length)));
  const rows = t.shape.length === 1 ? 1 : t.shape[0];
  return Array.from({ length: rows }, (_, r) =>
    blocks.flatMap((block) => block.slice(r * H, (r + 1) * H)),
  ).flat();
}

/** Fills a matrix or a bias from numbers with their gates in that order: the inverse of `gateColumns`. */
export function fillGates(t: Tensor, order: GateOrder, values: ArrayLike<number>): void {
  const width = t.shape[t.shape.length - 1];
  const H = width / order.length;
  order.forEach((k, place) => {
    const rows = values.length / width;
    const block = Float64Array.from(
      { length: rows * H },
      (_, i) => values[Math.floor(i / H) * width + place * H + (i % H)],
    );
    fillFrom(gate(t, k, order.length), block);
  });
}
