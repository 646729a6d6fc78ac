/** Tensors: ndarray views over the engine's memory, float64 or float32. */
import ndarray from 'ndarray';
import { must, mustBe, mustBeOneOf } from './check';
import { engineMemory, type Data, type Dtype } from './memory';

/** A view of numbers: `data` with a shape, strides and an offset. Slices and transposes share the data. */
export type Tensor = ndarray.NdArray<Data>;
/** Tensors by name. */
export type Tensors = Record<string, Tensor>;
/** Accepted forms of input: nested lists of numbers, flat or typed arrays, a tensor, or lists of these. */
export type Numbers = readonly NestedNumbers[] | ArrayLike<number> | Tensor;
type NestedNumbers = number | ArrayLike<number> | Tensor | readonly NestedNumbers[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/**
 * A new tensor of zeros in engine memory.
 * @throws RangeError for a size that is not a whole number, or if the memory is full.
 * @example zeros([2, 3]).shape // [2, 3]
 */
export function zeros(shape: number[], dtype: Dtype = 'float64'): Tensor {
  mustBeOneOf(dtype, ['float64', 'float32'], 'zeros', 'dtype');
  must(
    shape.every((n) => Number.isSafeInteger(n) && n >= 0),
    'zeros',
    'every size must be a whole number >= 0',
    shape,
  );
  return ndarray(engineMemory().allocate(sizeOf(shape), dtype), shape);
}

/** A new tensor in engine memory whose elements are all written before they are read; until then they may be any numbers. */
export const unset = (shape: number[], dtype: Dtype): Tensor =>
  ndarray(engineMemory().allocate(sizeOf(shape), dtype, true), shape);

/**
 * A new tensor in engine memory, filled from nested lists, a flat typed array (with a given shape), or another tensor.
 * @throws RangeError if rows differ in length or the number of values does not match the shape.
 * @example tensor([[1, 2, 3], [4, 5, 6]]).get(1, 2) // 6
 */
export function tensor(values: Numbers, shape?: number[], dtype: Dtype = 'float64'): Tensor {
  const where = 'tensor';
  const known = isTensor(values) || isList(values);
  mustBe(known, where, 'values must be nested lists, a typed array or a tensor', values);
  const { shape: own, numbers } = rowMajor(values, where, 'values');
  const result = zeros(shape ?? own, dtype);
  const [given, wanted] = [numbers.length, result.data.length];
  must(given === wanted, where, `values for shape [${result.shape.join(', ')}] must number ${wanted}`, given);
  result.data.set(numbers);
  return result;
}

/** A new tensor of zeros outside of the engine's memory: for results. */
export const outside = (shape: number[], dtype: Dtype): Tensor =>
  ndarray(dtype === 'float32' ? new Float32Array(sizeOf(shape)) : new Float64Array(sizeOf(shape)), shape);

export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' && value !== null && 'stride' in value && 'offset' in value && 'data' in value
  );
}

/**
 * A copy of the values in row-major order.
 * @example toFlat(tensor([[1, 2], [3, 4]])) // [1, 2, 3, 4]
 */
export function toFlat(t: Tensor): number[] {
  if (!isTensor(t)) mustBe(false, 'toFlat', 'the argument must be a tensor', t);
  const { data } = t as { data: Data & { get?: (at: number) => number } };
  const end = t.offset + sizeOf(t.shape);
  // a caller's tensor may hold an ordinary array, or too few numbers
  if (!data.get && isContiguous(t) && end <= data.length) return Array.from(data.slice(t.offset, end));
  const flat: number[] = [];
  // a one-hot tensor stores no numbers and computes each on request
  const read = data.get ? (at: number) => data.get?.(at) ?? NaN : (at: number) => data[at];
  const walk = (axis: number, at: number): void => {
    if (axis === t.shape.length) flat.push(read(at));
    else for (let k = 0; k < t.shape[axis]; k++) walk(axis + 1, at + k * t.stride[axis]);
  };
  walk(0, t.offset);
  return flat;
}

/**
 * The values as nested lists.
 * @example toNested(tensor([1, 2, 3, 4], [2, 2])) // [[1, 2], [3, 4]]
 */
export function toNested(t: Tensor): unknown {
  if (!isTensor(t)) mustBe(false, 'toNested', 'the argument must be a tensor', t);
  if (t.shape.length === 0) return t.data[t.offset];
  return Array.from({ length: t.shape[0] }, (_, k) =>
    t.shape.length === 1 ? t.get(k) : toNested(t.pick(k)),
  );
}

const identities = new WeakMap<Data, number>();
let nextIdentity = 0;
/** A unique number of the array behind a tensor. */
export function identityOf(data: Data): number {
  let id = identities.get(data);
  if (id === undefined) identities.set(data, (id = nextIdentity++));
  return id;
}

export const dtypeOf = (t: Tensor): Dtype => (t.data.BYTES_PER_ELEMENT === 4 ? 'float32' : 'float64');

/** Rows `from`…`to` (exclusive) of a matrix, as a view. */
export const rows = (t: Tensor, from: number, to: number): Tensor => t.lo(from).hi(to - from);
/** Columns `from`…`to` (exclusive) of a matrix, as a view. */
export const columns = (t: Tensor, from: number, to: number): Tensor =>
  t.lo(...Array<number>(t.shape.length - 1).fill(0), from).hi(...t.shape.slice(0, -1), to - from);
/**
 * The transpose of a matrix, as a view.
 * @example transpose(zeros([2, 3])).shape // [3, 2]
 */
export const transpose = (t: Tensor): Tensor => t.transpose(1, 0);

/** A view of a contiguous tensor with another shape. */
export function reshape(t: Tensor, shape: number[]): Tensor {
  must(isContiguous(t), 'reshape', 'the tensor must be contiguous', `strides [${t.stride.join(', ')}]`);
  must(sizeOf(shape) === sizeOf(t.shape), 'reshape', `the shape must hold ${sizeOf(t.shape)} values`, shape);
  return ndarray(t.data, shape, undefined, t.offset);
}

export function isContiguous(t: Tensor): boolean {
  let expected = 1;
  for (let axis = t.shape.length - 1; axis >= 0; axis--) {
    if (t.shape[axis] !== 1 && t.stride[axis] !== expected) return false;
    expected *= t.shape[axis];
  }
  return true;
}

/** The numbers of a tensor in row-major order: a view if it is contiguous, otherwise a copy. */
export function contents(t: Tensor): Data {
  if (isContiguous(t)) return t.data.subarray(t.offset, t.offset + sizeOf(t.shape));
  return (dtypeOf(t) === 'float32' ? Float32Array : Float64Array).from(toFlat(t));
}

/** A copy outside the engine's memory. */
export function copied(t: Tensor): Tensor {
  const { data, offset, shape } = t;
  if (!isContiguous(t)) return ndarray(contents(t), [...shape]);
  const size = sizeOf(shape);
  const copy = arrayOf(dtypeOf(t), size);
  // single steps take microseconds, and creating a view costs more than copying a few numbers
  if (size <= FEW) for (let k = 0; k < size; k++) copy[k] = data[offset + k];
  else copy.set(data.subarray(offset, offset + size));
  return ndarray(copy, [...shape]);
}

/** Arrays of at most this many numbers share a buffer: to allocate one takes a microsecond, as long as a small step. */
const FEW = 256;
const SHARED = 4 * FEW;
const shared: Record<Dtype, { array: Data; used: number }> = {
  float32: { array: new Float32Array(0), used: 0 },
  float64: { array: new Float64Array(0), used: 0 },
};

/** A new array of zeros. */
function arrayOf(dtype: Dtype, size: number): Data {
  const Array = dtype === 'float32' ? Float32Array : Float64Array;
  if (size > FEW) return new Array(size);
  const from = shared[dtype];
  if (from.used + size > from.array.length) shared[dtype] = { array: new Array(SHARED), used: 0 };
  const { array, used } = shared[dtype];
  shared[dtype].used += size;
  return array.subarray(used, used + size);
}

/** Copies of named tensors outside the engine's memory. */
export function allCopied(tensors: Tensors): Tensors {
  const result: Tensors = {};
  for (const name in tensors) result[name] = copied(tensors[name]);
  return result;
}

/** Copies a matrix into another of the same shape. */
export function copyInto(into: Tensor, from: Tensor): void {
  const [R, C] = into.shape;
  const [target, source] = [into.data, from.data];
  const [toRow, toColumn] = into.stride;
  const [row, column] = from.stride;
  for (let r = 0; r < R; r++) {
    let [to, at] = [into.offset + r * toRow, from.offset + r * row];
    for (let c = 0; c < C; c++, to += toColumn, at += column) target[to] = source[at];
  }
}

/** Fills a tensor with `values` (same count, row-major), or with one number. */
export function fillFrom(t: Tensor, values: ArrayLike<number> | number): void {
  const one = typeof values === 'number';
  const size = sizeOf(t.shape);
  if (!one) must(values.length === size, 'fillFrom', `values must number ${size}`, values.length);
  if (isContiguous(t)) {
    if (one) t.data.fill(values, t.offset, t.offset + size);
    else t.data.set(values, t.offset);
    return;
  }
  let k = 0;
  const walk = (axis: number, at: number): void => {
    if (axis === t.shape.length) t.data[at] = one ? values : values[k++];
    else for (let i = 0; i < t.shape[axis]; i++) walk(axis + 1, at + i * t.stride[axis]);
  };
  walk(0, t.offset);
}

/** Whether a value is a list of any kind: an array or a typed array. */
export const isList = (value: unknown): value is ArrayLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { length?: unknown }).length === 'number';

/**
 * The shape of a list or a tensor, and its numbers in row-major order; a typed array is not copied.
 *
 * @param ragged advice in the error for lists of different lengths on the second axis.
 * @throws TypeError for the first value that is not a number; RangeError for a list that differs in length from the first
 *   one on its axis.
 */
export function rowMajor(
  values: ArrayLike<unknown> | Tensor,
  where: string,
  name: string,
  ragged?: string,
): { shape: number[]; numbers: ArrayLike<number> } {
  if (isTensor(values)) return { shape: values.shape, numbers: mustBeNumbers(unboxed(values), where, name) };
  if (ArrayBuffer.isView(values))
    return { shape: [values.length], numbers: mustBeNumbers(values, where, name) };
  const opened = (value: unknown): unknown =>
    !Array.isArray(value) && isTensor(value) ? toNested(value) : value;
  const shape: number[] = [];
  for (let level: unknown = values; isList(level); level = opened(level[0])) shape.push(level.length);

  // collect the innermost lists first, then copy their numbers, which are many more, in one pass
  const lists: ArrayLike<unknown>[] = [];
  const at: number[] = [];
  const collect = (level: unknown): void => {
    const axis = at.length;
    if (!isList(level) || level.length !== shape[axis]) {
      const first = placeIn(name, Array<number>(axis).fill(0));
      const got = isList(level) ? `one of ${level.length}` : level;
      must(
        false,
        where,
        `${placeIn(name, at)} must be a list of ${shape[axis]}, as ${first} is`,
        got,
        axis === 1 ? ragged : undefined,
      );
    }
    if (axis + 1 === shape.length) {
      lists.push(level);
      return;
    }
    for (let k = 0; k < level.length; k++) {
      at.push(k);
      collect(opened(level[k]));
      at.pop();
    }
  };
  collect(values);

  const width = shape[shape.length - 1];
  const numbers = new Float64Array(lists.length * width);
  lists.forEach((list, k) => {
    for (let c = 0; (c = copyNumbers(list, c, numbers, k * width)) < width; c++) {
      const held = opened(list[c]);
      if (typeof held !== 'number') refuse(held, where, placeIn(name, placeOf(k * width + c, shape)));
      numbers[k * width + c] = held;
    }
  });
  return { shape, numbers };
}

/** Copies numbers of a list from index c on; returns the index of the first value that is not a number, or the length. */
function copyNumbers(list: ArrayLike<unknown>, c: number, into: Float64Array, to: number): number {
  for (; c < list.length; c++) {
    const value = list[c];
    if (typeof value !== 'number') return c;
    into[to + c] = value;
  }
  return c;
}

/** The indices of the k-th number in a shape. */
function placeOf(k: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; k = Math.floor(k / shape[axis]), axis--)
    at[axis] = k % shape[axis];
  return at;
}

/** The numbers of a tensor in row-major order, without a copy if a typed array already holds them in that order. */
function unboxed(t: Tensor): ArrayLike<number> {
  const data: unknown = t.data;
  const [from, to] = [t.offset, t.offset + sizeOf(t.shape)];
  const whole = ArrayBuffer.isView(data) && to <= t.data.length && isContiguous(t);
  return whole ? t.data.subarray(from, to) : toFlat(t);
}

/**
 * Checks that a flat list contains only numbers.
 * @throws TypeError for the first value that is not a number.
 */
export function mustBeNumbers(list: ArrayLike<unknown>, where: string, name: string): ArrayLike<number> {
  // in a typed array, all elements have the same type
  const checked = ArrayBuffer.isView(list) ? Math.min(list.length, 1) : list.length;
  for (let k = 0; k < checked; k++)
    if (typeof list[k] !== 'number') refuse(list[k], where, placeIn(name, [k]));
  return list as ArrayLike<number>;
}

/** `x[1][0]`. */
const placeIn = (name: string, at: readonly number[]): string => name + at.map((k) => `[${k}]`).join('');

function refuse(value: unknown, where: string, place: string): asserts value is number {
  const isText = typeof value === 'string';
  const isFigure = isText && value.trim() !== '' && !Number.isNaN(Number(value));
  const why = isFigure
    ? 'Number(…) turns text into a number'
    : isText
      ? 'encode labels as 0, 1, …'
      : undefined;
  mustBe(false, where, `${place} must be a number`, isList(value) ? `a list of ${value.length}` : value, why);
}
