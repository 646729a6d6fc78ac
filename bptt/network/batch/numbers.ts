/** Converts numbers in any accepted form to row-major numbers with a shape. */
import { must, mustBe } from '../../../core/check';
import { isList, isTensor, mustBeNumbers, rowMajor, sizeOf, type Numbers } from '../../../core/tensor';

/** Row-major numbers with a shape: the most efficient form of a batch. */
export interface FlatNumbers {
  /** The axes, slowest first. */
  shape: number[];
  /** The numbers, as many as the product of the axes. */
  numbers: ArrayLike<number>;
}

const forms = 'nested lists, a typed array, a tensor, or { shape, numbers }';

/**
 * Converts numbers in any accepted form to row-major numbers with a shape.
 * @param ragged advice in the error for lists of different lengths on the second axis.
 * @throws TypeError for another form or a value that is not a number; RangeError for lists of unequal lengths.
 */
export function flatten(
  values: Numbers | FlatNumbers,
  where: string,
  name: string,
  ragged?: string,
): FlatNumbers {
  if (isBox(values)) {
    const { shape, numbers } = values;
    // messages are built only on failure, because this runs at every step
    if (!isList(shape) || !Array.prototype.every.call(shape, isSize))
      mustBe(false, where, `the shape of ${name} must be a list of whole numbers >= 0`, shape);
    if (!isList(numbers))
      mustBe(false, where, `the numbers of ${name} must be a flat list or a typed array`, numbers);
    const size = sizeOf(shape);
    if (size !== numbers.length) {
      const why = `its shape is [${shape.join(', ')}]`;
      must(false, where, `${name} must hold ${size} values`, numbers.length, why);
    }
    mustBeNumbers(numbers, where, `${name}.numbers`);
    return values;
  }
  if (!isTensor(values) && !isList(values)) mustBe(false, where, `${name} must be ${forms}`, values);
  return rowMajor(values, where, name, ragged);
}

const isSize = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
const isBox = (values: unknown): values is FlatNumbers =>
  typeof values === 'object' && values !== null && 'numbers' in values;

/**
 * Row-major numbers for a tensor of this shape; they may be given in that shape or flat.
 * @throws RangeError if the shape does not match; also the errors of `flatten`.
 */
export function fitted(
  values: Numbers | FlatNumbers,
  shape: readonly number[],
  where: string,
  name: string,
  why?: string,
): ArrayLike<number> {
  const { shape: own, numbers } = flatten(values, where, name);
  const flat = own.length === 1 && own[0] === sizeOf(shape);
  if (!flat && !(own.length === shape.length && own.every((n, k) => n === shape[k]))) {
    const got = own.length === 1 ? `${own[0]} value${own[0] === 1 ? '' : 's'}` : `[${own.join(', ')}]`;
    must(false, where, `${name} must be [${shape.join(', ')}]`, got, why);
  }
  return numbers;
}
