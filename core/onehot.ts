/**
 * One-hot matrices held as class numbers: [N, D] with at most a single 1 in each row, kept as one whole number a row.
 *
 * To whoever slices, transposes or multiplies it, it is a matrix like any other. Its strides are those of a matrix whose
 * rows lie apart, so that a view of it says which rows and which columns it shows; but only the class numbers exist.
 * A product with such a matrix multiplies nothing: x W looks rows of W up, xᵀ d adds rows of d up by class.
 */
import ndarray from 'ndarray';
import { must, mustCount } from './check';
import { engineMemory, type Data } from './memory';
import type { Tensor } from './tensor';

/** Class number of a row of zeros. */
export const NONE = -1;

/** What a one-hot view has for data: asked for a number by its place, it tells it from the class of the row. */
class ClassNumbers {
  constructor(
    readonly numbers: Int32Array,
    /** Distance between rows. */
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
 * A one-hot matrix [N, D] in engine memory, every row of which is zero until its class is set.
 *
 * Class numbers are discrete, so they have no gradient: an operation that would write to a one-hot
 * matrix is not recorded. What looks at it number by number gets a matrix of numbers.
 *
 * @throws RangeError for sizes that are no positive whole numbers, or too large to be numbered.
 * @example
 * const x = oneHot(3, 5);
 * classesOf(x).set([4, 0, NONE]); // rows 00001, 10000, 00000
 */
export function oneHot(N: number, D: number): Tensor {
  mustCount(N, 'oneHot', 'N');
  mustCount(D, 'oneHot', 'D');
  // a column more than there are keeps a view that starts behind the last one apart from the next row
  const pitch = D + 1;
  const most = Math.floor((2 ** 31 - 1) / pitch);
  must(N <= most, 'oneHot', `N must be at most ${most}`, N, `D = ${D}`);
  const numbers = engineMemory().allocate(N, 'int32').fill(NONE);
  const data = new ClassNumbers(numbers, pitch) as unknown as Data;
  return ndarray(data, [N, D], [pitch, 1]);
}

const dataOf = (t: Tensor): unknown => t.data;

export const isOneHot = (t: Tensor): boolean => dataOf(t) instanceof ClassNumbers;

/** The class numbers of all rows of a one-hot matrix, whatever part of it `t` shows: write them to set the rows. */
export const classesOf = (t: Tensor): Int32Array => (dataOf(t) as ClassNumbers).numbers;

/** Distance between the rows of a one-hot matrix, in elements of its views. */
export const pitchOf = (t: Tensor): number => (dataOf(t) as ClassNumbers).pitch;

/** What a view of a one-hot matrix shows: rows `first`…, of each the columns `low`…, perhaps transposed. */
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
