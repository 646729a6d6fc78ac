/** Binds the products of a program to kernels, and decides which right operands are packed, and when. */
import type { Data, Dtype } from '../memory';
import type { Operation, Product } from '../programs/operation';
import { dtypeOf, identityOf, type Tensor } from '../tensor';
import { addressOf, type Arguments } from './arguments';
import {
  ACCUMULATE,
  ADD_BIAS,
  FEW_ROWS,
  multiply,
  multiplyBytes,
  type GemmKernels,
  type SingleProduct,
} from './gemm';

/** Memory and kernels for products. */
interface Tools {
  bytes(count: number): Data;
  gemm(dtype: Dtype): { kernels: GemmKernels; scratch: Data; panels: Panels };
}

/** A product that runs `times` times per replay. */
export interface Use {
  product: Product;
  times: number;
  /** Whether b is different each time. */
  moves: boolean;
}

/** The panels of the product that is running, which are packed and used once. */
export class Panels {
  private data: Data | undefined;

  constructor(private readonly allocate: (bytes: number) => Data) {}

  /** The address of this many bytes. */
  at(bytes: number): number {
    if (!this.data || this.data.byteLength < bytes) this.data = this.allocate(bytes);
    return this.data.byteOffset;
  }
}

/** How a product is computed, as its first argument. */
const [BY_ROWS, PACKED_BEFORE, PACKED_NOW] = [0, 1, 2];
/** Upper bound of the number of arguments of a product, with those of packing its right operand. */
export const PRODUCT_ARGUMENTS = 24;

/**
 * The products of one program: right operands that are used several times are packed once per replay; those that are
 * multiplied by few rows are not packed.
 */
export class Packs {
  private readonly unpacked = new Set<string>();
  private readonly panels = new Map<string, Data>();
  private readonly packing: (() => void)[] = [];

  constructor(
    all: readonly Use[],
    operations: readonly Operation[],
    private readonly kernels: Tools,
    private readonly args: Arguments,
  ) {
    const written = new Set(
      operations.flatMap((op) =>
        (op.kind === 'pointwise' ? Object.values(op.outputs) : [op.out]).map((t) => t.data),
      ),
    );
    const uses = new Map<string, Use[]>();
    for (const use of all) {
      const key = keyOf(use.product.b, use.moves);
      const group = uses.get(key);
      if (group) group.push(use);
      else uses.set(key, [use]);
    }
    for (const [key, group] of uses) {
      const [{ product, times, moves }] = group;
      const { b } = product;
      if (meetsFewRows(group)) this.unpacked.add(key);
      else if (!moves && (group.length > 1 || times > 1) && !written.has(b.data)) this.packBefore(key, b);
    }
  }

  /** Packs all right operands that are used several times; undefined if there are none. */
  get before(): (() => void) | undefined {
    const { packing } = this;
    return packing.length === 0 ? undefined : () => packing.forEach((pack) => pack());
  }

  bind(product: Product, [aMove, bMove, outMove, biasMove = 0]: readonly number[]): (time: number) => void {
    const { a, b, out, bias, accumulate } = product;
    const { kernels, scratch, panels: single } = this.kernels.gemm(dtypeOf(b));
    const key = keyOf(b, bMove !== 0);
    const packed = this.panels.get(key);
    const how = this.unpacked.has(key) ? BY_ROWS : packed ? PACKED_BEFORE : PACKED_NOW;
    const flags = (accumulate ? ACCUMULATE : 0) | (bias ? ADD_BIAS : 0);
    const { room } = this.args;
    const at = this.args.put([
      ...[how, ...a.shape, b.shape[1], flags],
      ...[addressOf(a), aMove, a.stride[0], a.stride[1]],
      ...[packed ? { array: packed, bytes: 0 } : addressOf(b), bMove, b.stride[0], b.stride[1]],
      ...[addressOf(out), outMove, out.stride[0], bias ? addressOf(bias) : 0, biasMove],
    ]);
    const calls = [byRows, packedBefore, packedNow];
    const run = calls[how](room, at, kernels, scratch.byteOffset, single);
    return Object.assign(run, { retained: [a, b, out, bias, scratch, packed, this.args] });
  }

  private packBefore(key: string, b: Tensor): void {
    const { kernels } = this.kernels.gemm(dtypeOf(b));
    const [K, N] = b.shape;
    const panels = this.kernels.bytes(kernels.panelBytes(K, N));
    this.panels.set(key, panels);
    const { room } = this.args;
    const at = this.args.put([addressOf(b), ...b.stride, K, N, { array: panels, bytes: 0 }]);
    this.packing.push(() =>
      kernels.packB(room[at], room[at + 1], room[at + 2], room[at + 3], room[at + 4], room[at + 5]),
    );
  }
}

type BindProduct = (
  room: Int32Array,
  at: number,
  kernels: GemmKernels,
  scratch: number,
  single: Panels,
) => (time: number) => void;

/** Row by row, without packing. */
const byRows: BindProduct = (room, at, { gemv, dtype }) => {
  const size = dtype === 'float32' ? 4 : 8;
  return (time) => {
    const [M, K, N, flags] = [room[at + 1], room[at + 2], room[at + 3], room[at + 4]];
    const [aRow, aCol, outRow] = [room[at + 7], room[at + 8], room[at + 15]];
    let from = room[at + 5] + time * room[at + 6];
    let to = room[at + 13] + time * room[at + 14];
    const b = room[at + 9] + time * room[at + 10];
    const bias = room[at + 16] + time * room[at + 17];
    for (let m = 0; m < M; m++, from += aRow * size, to += outRow * size)
      gemv(from, aCol, b, room[at + 11], to, N, K, flags & ACCUMULATE ? to : bias);
  };
};

/** By panels that were packed before the replay. */
const packedBefore: BindProduct =
  (room, at, { gemm }, scratch) =>
  (time) =>
    gemm(
      room[at + 5] + time * room[at + 6],
      room[at + 7],
      room[at + 8],
      room[at + 9],
      room[at + 13] + time * room[at + 14],
      room[at + 15],
      room[at + 1],
      room[at + 3],
      room[at + 2],
      room[at + 4],
      room[at + 16] + time * room[at + 17],
      scratch,
      0,
    );

/** By panels that are packed for this product alone. */
const packedNow: BindProduct = (room, at, kernels, scratch, single) => {
  // all calls share one object, as creating one takes longer than a small product
  const p: SingleProduct = {
    ...{ a: 0, aRow: 0, aCol: 0, b: 0, bRow: 0, bCol: 0, out: 0, outRow: 0 },
    ...{ M: 0, N: 0, K: 0, flags: 0, bias: 0 },
  };
  return (time) => {
    p.M = room[at + 1];
    p.K = room[at + 2];
    p.N = room[at + 3];
    p.flags = room[at + 4];
    p.a = room[at + 5] + time * room[at + 6];
    p.aRow = room[at + 7];
    p.aCol = room[at + 8];
    p.b = room[at + 9] + time * room[at + 10];
    p.bRow = room[at + 11];
    p.bCol = room[at + 12];
    p.out = room[at + 13] + time * room[at + 14];
    p.outRow = room[at + 15];
    p.bias = room[at + 16] + time * room[at + 17];
    multiply(kernels, p, single.at(multiplyBytes(kernels, p.K, p.N)), scratch);
  };
};

/** Whether `gemv` can compute all of these products, which share b. */
function meetsFewRows(group: readonly Use[]): boolean {
  const { b } = group[0].product;
  const rows = group.reduce(
    (sum, { product: { a }, times, moves }) => sum + (moves ? 1 : times) * a.shape[0],
    0,
  );
  const lies = b.shape[0] > 0 && b.stride[1] === 1;
  return (
    lies && rows <= FEW_ROWS && group.every(({ product: { bias, accumulate } }) => !(bias && accumulate))
  );
}

/** A key of a view; for moving operands, of the first view. */
const keyOf = (t: Tensor, moves: boolean): string =>
  [identityOf(t.data), t.offset, t.shape.join(), t.stride.join(), moves].join(':');
