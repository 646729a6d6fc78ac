/**
 * Converts weights between the layout of exchange formats and that of our cells.
 *
 *   theirs   W [G·H, D]   R [G·H, H]   b_x [G·H]   b_h [G·H]   P [3H], i o f      gates in the order of the format
 *   ours     Wx [D, G·H]  Wh [H, G·H]  b [G·H]     bhn [H]     pi, pf, po [H]     gates i f g o, r z n
 *
 * The two biases are added, except for n of a GRU with reset after the product: there r scales the recurrent bias too.
 */
import type { GateOrder } from '../io/gateorder';
import type { Flat } from './layer';
import type { Operator } from './operator';

export interface Sizes {
  D: number;
  H: number;
}

/** The weights of one direction, row-major. */
export interface RowWeights {
  W: readonly number[];
  R: readonly number[];
  inputBias?: readonly number[];
  recurrentBias?: readonly number[];
  /** i, o, f. */
  P?: readonly number[];
}

const gatesOf = { elman: 1, lstm: 4, gru: 3 } as const;

/** The number of entries of each of them. */
export function rowSizes({ kind }: Operator, { D, H }: Sizes): Record<'W' | 'R' | 'bias' | 'P', number> {
  const gates = gatesOf[kind];
  return { W: gates * H * D, R: gates * H * H, bias: gates * H, P: 3 * H };
}

/** Converts a format's weights to parameters of our cell. @param order the position of each of its gates among ours. */
export function fromRowWeights(
  operator: Operator,
  { H }: Sizes,
  { W, R, inputBias, recurrentBias, P }: RowWeights,
  order: GateOrder,
): Flat {
  const inside = operator.kind === 'gru' && operator.reset === 'after';
  const found: Record<string, readonly number[]> = {
    Wx: columnsFrom(W, H, order),
    Wh: columnsFrom(R, H, order),
  };
  if (operator.bias) {
    const zeros = Array<number>(order.length * H).fill(0);
    const [input, recurrent] = [inputBias ?? zeros, recurrentBias ?? zeros];
    // the block of n is the last one in every order
    const n = inside ? (order.length - 1) * H : zeros.length;
    const b = input.map((v, k) => v + (k < n ? recurrent[k] : 0));
    found.b = columnsFrom(b, H, order);
    if (inside) found.bhn = recurrent.slice(n);
  }
  if (operator.peepholes && P) {
    const [pi, po, pf] = [0, 1, 2].map((k) => P.slice(k * H, (k + 1) * H));
    Object.assign(found, { pi, pf, po });
  }
  return found;
}

/** The inverse; the whole bias goes into the input bias, except the part that r scales. */
export function toRowWeights(
  { Wx, Wh, b, bhn, pi, pf, po }: Flat,
  { H }: Sizes,
  order: GateOrder,
): RowWeights {
  const rows = {
    W: rowsFrom(Wx, H, order),
    R: rowsFrom(Wh, H, order),
    ...(pi && { P: [...pi, ...po, ...pf] }),
  };
  if (!b) return rows;
  const n = (order.length - 1) * H;
  const recurrentBias = Array.from({ length: order.length * H }, (_, k) => (bhn && k >= n ? bhn[k - n] : 0));
  return { ...rows, inputBias: rowsFrom(b, H, order), recurrentBias };
}

/** Transposes rows [G·H, I] in the given gate order to columns [I, G·H] in ours. */
function columnsFrom(rows: readonly number[], H: number, order: GateOrder): number[] {
  const width = order.length * H;
  const inputs = rows.length / width;
  const found = new Array<number>(rows.length);
  order.forEach((ours, theirs) => {
    for (let u = 0; u < H; u++)
      for (let d = 0; d < inputs; d++) found[d * width + ours * H + u] = rows[(theirs * H + u) * inputs + d];
  });
  return found;
}

function rowsFrom(columns: readonly number[], H: number, order: GateOrder): number[] {
  const width = order.length * H;
  const inputs = columns.length / width;
  return order.flatMap((ours) =>
    Array.from({ length: H * inputs }, (_, k) => {
      const [u, d] = [Math.floor(k / inputs), k % inputs];
      return columns[d * width + ours * H + u];
    }),
  );
}
