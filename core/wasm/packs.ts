/** Binds the products of a program to kernels, and decides which right operands are packed, and when. */
import type { Data, Dtype } from '../memory';
import type { Operation, Product } from '../operation';
import { dtypeOf, identityOf, type Tensor } from '../tensor';
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
  gemm(dtype: Dtype): { kernels: GemmKernels; scratch: Data };
}

/** Byte address of a tensor's first element. */
export const place = (t: Tensor): number => t.data.byteOffset + t.offset * t.data.BYTES_PER_ELEMENT;

/** A product that runs `times` times per replay. */
export interface Use {
  product: Product;
  times: number;
  /** Whether b is different each time. */
  moves: boolean;
}

/**
 * The products of one program: right operands that are used several times are packed once per replay; those that are
 * multiplied by few rows are not packed.
 */
export class Packs {
  private readonly unpacked = new Set<string>();
  private readonly panels = new Map<string, { b: Tensor; panels: Data }>();
  private readonly single: Data | undefined;

  constructor(
    all: readonly Use[],
    operations: readonly Operation[],
    private readonly kernels: Tools,
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
    let most = -1;
    for (const [key, group] of uses) {
      const [{ product, times, moves }] = group;
      const { b } = product;
      const [K, N] = b.shape;
      if (meetsFewRows(group)) this.unpacked.add(key);
      else if (!moves && (group.length > 1 || times > 1) && !written.has(b.data)) {
        this.panels.set(key, { b, panels: kernels.bytes(kernels.gemm(dtypeOf(b)).kernels.panelBytes(K, N)) });
      } else most = Math.max(most, multiplyBytes(kernels.gemm(dtypeOf(b)).kernels, K, N));
    }
    if (most >= 0) this.single = kernels.bytes(most);
  }

  get count(): number {
    return this.panels.size;
  }

  pack(): void {
    for (const { b, panels } of this.panels.values()) {
      const { packB } = this.kernels.gemm(dtypeOf(b)).kernels;
      packB(place(b), b.stride[0], b.stride[1], b.shape[0], b.shape[1], panels.byteOffset);
    }
  }

  bind(
    { a, b, out, bias, accumulate }: Product,
    [aMove, bMove, outMove, biasMove = 0]: readonly number[],
  ): (time: number) => void {
    const { kernels, scratch } = this.kernels.gemm(dtypeOf(b));
    const { gemm, gemv } = kernels;
    const [M, K] = a.shape;
    const N = b.shape[1];
    const flags = (accumulate ? ACCUMULATE : 0) | (bias ? ADD_BIAS : 0);
    const [aAt, outAt, biasAt] = [place(a), place(out), bias ? place(bias) : 0];
    const [aRow, aCol, outRow] = [a.stride[0], a.stride[1], out.stride[0]];
    const keeps = [a, b, out, bias, scratch];
    const key = keyOf(b, bMove !== 0);
    if (this.unpacked.has(key)) {
      const [from, size, bRow] = [place(b), b.data.BYTES_PER_ELEMENT, b.stride[0]];
      const rows = (time: number) => {
        let at = aAt + time * aMove;
        let to = outAt + time * outMove;
        for (let m = 0; m < M; m++, at += aRow * size, to += outRow * size)
          gemv(at, aCol, from + time * bMove, bRow, to, N, K, accumulate ? to : biasAt + time * biasMove);
      };
      return Object.assign(rows, { keeps });
    }
    const packed = this.panels.get(key);
    const work = scratch.byteOffset;
    if (packed) {
      const at = packed.panels.byteOffset;
      const run = (time: number) => {
        const [from, to, begin] = [aAt + time * aMove, outAt + time * outMove, biasAt + time * biasMove];
        gemm(from, aRow, aCol, at, to, outRow, M, N, K, flags, begin, work, 0);
      };
      return Object.assign(run, { keeps });
    }
    const { single } = this;
    const [bRow, bCol] = b.stride;
    const given = {
      aRow,
      aCol,
      bRow,
      bCol,
      outRow,
      M,
      N,
      K,
      flags,
      a: aAt,
      b: place(b),
      out: outAt,
      bias: biasAt,
    };
    const panelsAt = (single as Data).byteOffset;
    const run = repeated(given, [aMove, bMove, outMove, biasMove], (moved) =>
      multiply(kernels, moved, panelsAt, work),
    );
    return Object.assign(run, { keeps: [...keeps, single] });
  }
}

/** A product as a function of time; all calls share one object, as creating one takes longer than a small product. */
function repeated(
  product: SingleProduct,
  [aMove, bMove, outMove, biasMove]: readonly number[],
  run: (product: SingleProduct) => void,
): (time: number) => void {
  const { a, b, out, bias } = product;
  return (time) => {
    product.a = a + time * aMove;
    product.b = b + time * bMove;
    product.out = out + time * outMove;
    product.bias = bias + time * biasMove;
    run(product);
  };
}

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
