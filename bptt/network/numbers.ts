/** Boxes: numbers in any form that a caller may hand in, as row-major numbers under a shape. */
import { must, mustBe } from '../../core/check';
import { isList, isTensor, mustBeNumbers, rowMajor, sizeOf, type Numbers } from '../../core/tensor';

/** Row-major numbers under a shape: the cheapest way to hand in a batch. */
export interface FlatNumbers {
  /** The axes, slowest first. */
  shape: number[];
  /** As many as the shape has places. */
  numbers: ArrayLike<number>;
}

const forms = 'nested lists, a typed array, a tensor, or { shape, numbers }';

/**
 * Any form of numbers as row-major numbers under a shape.
 * @param ragged what to do about lists on the second axis that differ in length.
 * @throws TypeError for another form, or where something is no number; RangeError for lists of unequal lengths.
 */
export function flatten(
  values: Numbers | FlatNumbers,
  where: string,
  name: string,
  ragged?: string,
): FlatNumbers {
  if (isBox(values)) {
    const { shape, numbers } = values;
    // worded only when needed: boxes come at every step
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
 * Row-major numbers for a place of this shape, given in the shape itself or flat.
 * @throws RangeError when they do not fit; and as `flatten` does.
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
