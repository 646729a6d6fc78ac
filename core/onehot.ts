/**
 * One-hot matrices stored as class numbers: [N, D] with at most a single 1 in each row, stored as one integer per row.
 *
 * Slices, transposes and products work as for any other matrix. Its strides are those of a dense matrix with padded rows,
 * so that the offset of a view identifies its rows and columns; but only the class numbers are stored. A product with such
 * a matrix needs no multiplication: x W looks up rows of W, xᵀ d sums the rows of d by class.
 */
import ndarray from 'ndarray';
import { must, mustCount } from './check';
import { engineMemory, type Data } from './memory';
import type { Tensor } from './tensor';

/** Class number of a row of zeros. */
export const NONE = -1;

/** The `data` of a one-hot view: computes the element at a position from the class of its row. */
class ClassNumbers {
  constructor(
    readonly numbers: Int32Array,
    /** Row stride. */
    readonly pitch: number,
  ) {}

  get buffer(): ArrayBufferLike {
    return this.numbers.buffer;
  }

  get(at: number): number {
    return this.numbers[Math.floor(at / this.pitch)] === at % this.pitch ? 1 : 0;
  }
}

/**
 * A one-hot matrix [N, D] in engine memory; every row is zero until its class is set.
 *
 * Class numbers are discrete, so they have no gradient: operations that would write to a one-hot matrix are not recorded.
 * `Program.pointwise` says when an elementwise operation reads one as it is, and when it is densified first.
 *
 * @throws RangeError for sizes that are not positive integers, or whose product exceeds 31 bits.
 * @example
 * const x = oneHot(3, 5);
 * classesOf(x).set([4, 0, NONE]); // rows 00001, 10000, 00000
 */
export function oneHot(N: number, D: number): Tensor {
  mustCount(N, 'oneHot', 'N');
  mustCount(D, 'oneHot', 'D');
  // one more column, so that an empty view after the last column differs from the start of the next row
  const pitch = D + 1;
  const most = Math.floor((2 ** 31 - 1) / pitch);
  must(N <= most, 'oneHot', `N must be at most ${most}`, N, `D = ${D}`);
  const numbers = engineMemory().allocate(N, 'int32').fill(NONE);
  return ndarray(oneHotData(numbers, pitch), [N, D], [pitch, 1]);
}

/** The data array of one-hot views of these class numbers. */
export const oneHotData = (numbers: Int32Array, pitch: number): Data =>
  new ClassNumbers(numbers, pitch) as unknown as Data;

const dataOf = (t: Tensor): unknown => t.data;

export const isOneHot = (t: Tensor): boolean => dataOf(t) instanceof ClassNumbers;

/** The class numbers of all rows of a one-hot matrix, even if `t` is a view of a part: write them to set the rows. */
export const classesOf = (t: Tensor): Int32Array => (dataOf(t) as ClassNumbers).numbers;

/** The row stride of a one-hot matrix. */
export const pitchOf = (t: Tensor): number => (dataOf(t) as ClassNumbers).pitch;

/** The part of a one-hot matrix that a view shows: rows from `first`, columns from `low`, possibly transposed. */
export interface OneHotView {
  numbers: Int32Array;
  first: number;
  count: number;
  low: number;
  width: number;
  transposed: boolean;
}

export function viewOf(t: Tensor): OneHotView {
  const { numbers, pitch } = dataOf(t) as ClassNumbers;
  const transposed = t.stride[0] !== pitch;
  const [count, width] = transposed ? [t.shape[1], t.shape[0]] : t.shape;
  return {
    numbers,
    first: Math.floor(t.offset / pitch),
    count,
    low: t.offset % pitch,
    width,
    transposed,
  };
}
