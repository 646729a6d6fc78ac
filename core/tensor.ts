/** Tensors: ndarray views over the engine's memory, float64 or float32. */
import ndarray from 'ndarray';
import { must, mustBe, mustBeOneOf } from './check';
import { engineMemory, type Data, type Dtype } from './memory';

/** A view of numbers: `data` with a shape, strides and an offset. Slices and transposes share the data. */
export type Tensor = ndarray.NdArray<Data>;
/** Tensors by name: what a step reads and writes. */
export type Tensors = Record<string, Tensor>;
/** Nested lists of numbers, a flat typed array, or a tensor: what a caller may hand in. */
export type Numbers = readonly NestedNumbers[] | Data | Tensor;
type NestedNumbers = number | readonly NestedNumbers[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/**
 * A new tensor of zeros in engine memory.
 * @throws RangeError for a size that is not a whole number, or when the memory is full.
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

/**
 * A new tensor in engine memory, filled from nested lists, a flat typed array (give the shape), or another tensor.
 * @throws RangeError when rows differ in length or the count does not fit the shape.
 * @example tensor([[1, 2, 3], [4, 5, 6]]).get(1, 2) // 6
 */
export function tensor(values: Numbers, shape?: number[], dtype: Dtype = 'float64'): Tensor {
  if (isTensor(values)) {
    const copy = zeros(shape ?? values.shape, dtype);
    const flat = toFlat(values);
    must(flat.length === copy.data.length, 'tensor', `the shape must hold ${flat.length} values`, copy.shape);
    copy.data.set(flat);
    return copy;
  }
  const known = Array.isArray(values) || ArrayBuffer.isView(values);
  mustBe(known, 'tensor', 'values must be nested lists, a typed array or a tensor', values);
  const flat = Array.isArray(values[0]) ? flatten(values) : values;
  const result = zeros(shape ?? shapeOf(values), dtype);
  must(
    flat.length === result.data.length,
    'tensor',
    `values for shape [${result.shape.join(', ')}] must number ${result.data.length}`,
    flat.length,
  );
  result.data.set(flat as ArrayLike<number>);
  return result;
}

export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' && value !== null && 'stride' in value && 'offset' in value && 'data' in value
  );
}

/** The values in row-major order, copied out of the engine. */
export function toFlat(t: Tensor): number[] {
  const flat: number[] = [];
  const { data } = t as { data: Data & { get?: (at: number) => number } };
  // a one-hot tensor holds no numbers: it tells them when it is asked
  const read = data.get ? (at: number) => data.get?.(at) ?? NaN : (at: number) => data[at];
  const walk = (axis: number, at: number): void => {
    if (axis === t.shape.length) flat.push(read(at));
    else for (let k = 0; k < t.shape[axis]; k++) walk(axis + 1, at + k * t.stride[axis]);
  };
  walk(0, t.offset);
  return flat;
}

/** The values as nested lists. */
export function toNested(t: Tensor): unknown {
  if (t.shape.length === 0) return t.data[t.offset];
  return Array.from({ length: t.shape[0] }, (_, k) =>
    t.shape.length === 1 ? t.get(k) : toNested(t.pick(k)),
  );
}

const identities = new WeakMap<Data, number>();
let nextIdentity = 0;
/** A number that tells the arrays behind tensors apart. */
export function identityOf(data: Data): number {
  let id = identities.get(data);
  if (id === undefined) identities.set(data, (id = nextIdentity++));
  return id;
}

export const dtypeOf = (t: Tensor): Dtype => (t.data.BYTES_PER_ELEMENT === 4 ? 'float32' : 'float64');

/** Rows `from`…`to` (not included) of a matrix, as a view. */
export const rows = (t: Tensor, from: number, to: number): Tensor => t.lo(from).hi(to - from);
/** Columns `from`…`to` (not included) of a matrix, as a view. */
export const columns = (t: Tensor, from: number, to: number): Tensor =>
  t.lo(...Array<number>(t.shape.length - 1).fill(0), from).hi(...t.shape.slice(0, -1), to - from);
/** The transpose of a matrix, as a view. */
export const transpose = (t: Tensor): Tensor => t.transpose(1, 0);

/** The same contiguous numbers under another shape, as a view. */
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

/** The numbers of a tensor in row-major order: a view where they lie that way, else a copy. */
export function contents(t: Tensor): Data {
  if (isContiguous(t)) return t.data.subarray(t.offset, t.offset + sizeOf(t.shape));
  return (dtypeOf(t) === 'float32' ? Float32Array : Float64Array).from(toFlat(t));
}

/** A copy outside of the engine's memory. */
export const copied = (t: Tensor): Tensor => ndarray(contents(t).slice(), [...t.shape]);

/** The same of tensors by name. */
export const allCopied = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, copied(t)]));

/** Copies a matrix into one of its shape. */
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

/** Copies `values` (same count, row-major), or one number everywhere, into a tensor. */
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

function shapeOf(values: unknown): number[] {
  if (ArrayBuffer.isView(values)) return [(values as Data).length];
  if (!Array.isArray(values)) return [];
  return [values.length, ...(values.length > 0 ? shapeOf(values[0]) : [])];
}

function flatten(values: unknown): number[] {
  if (!Array.isArray(values)) return [values as number];
  const parts = values.map(flatten);
  const ragged = parts.find((part) => part.length !== parts[0].length);
  must(ragged === undefined, 'tensor', `every row must hold ${parts[0]?.length} values`, ragged?.length);
  return parts.flat();
}
