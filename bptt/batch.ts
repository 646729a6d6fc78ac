/** Batches: what a caller hands in, checked and copied into a plan. */
import { must, mustBe, mustCount, mustKnowKeys, mustShape } from '../core/check';
import { classesOf, isOneHot, NONE } from '../core/onehot';
import { isTensor, sizeOf, toFlat, type Numbers, type Tensor } from '../core/tensor';
import { mustStream, nameOf } from './layer';
import type { Network } from './network';
import type { Plan, PlanShape } from './plan';
import { endsInOne, outputAxes } from './topology';

/** One batch, time first. */
export interface Batch {
  /** Inputs [T, B, D], or class numbers [T, B], which stand for one-hot rows and are looked up, not multiplied. */
  x: Numbers | Box;
  /** Softmax: class numbers [T, B] (many-to-one: [B]). Else values [T, B, O] ([B, O]). */
  targets?: Numbers | Box;
  /** Steps of each row, 1…T; what lies past them has no effect at all. */
  lengths?: readonly number[];
  /** Zeros or the trainable states (default), the states of the last forward pass, or values by name, `l0.h` [B, H]. */
  initial?: 'zero' | 'carry' | Record<string, ArrayLike<number>>;
  /** Time of t = 0 on the clock of a clockwork cell; default 0, with 'carry' where the last forward pass ended. */
  clock?: number;
}

/** Row-major numbers under a shape: the cheapest way to hand in a batch. */
export interface Box {
  shape: number[];
  numbers: ArrayLike<number>;
}

/** Which part of a batch is run, and how its loss is weighted. */
export interface Part {
  /** Only the steps `from`…`to` (not included); default all. The weights stay those of the whole batch. */
  steps?: readonly [from: number, to: number];
  /** Only the rows `from`…`to` (not included); default all. States and gradients are then those of these rows. */
  rows?: readonly [from: number, to: number];
  /** What a mean loss is divided by; default the number of valid steps in the whole batch. */
  over?: number;
}

/** Checks a batch of B rows against a network; `fill` then copies it, or a part of it, into a plan of `shape`. */
export function readBatch(
  batch: Batch,
  net: Network,
  where: string,
  { steps, rows, over }: Part = {},
): { shape: PlanShape; B: number; fill(plan: Plan): void } {
  mustBe(typeof batch === 'object' && batch !== null, where, 'the batch must be an object', batch);
  mustKnowKeys(batch, ['x', 'targets', 'lengths', 'initial', 'clock'], where);
  const x = flatten(batch.x, where, 'x');
  const axes = x.shape.length === 2 || x.shape.length === 3;
  // single steps take a microsecond: what only messages need is put together when there is one
  if (!axes) must(false, where, 'x must be [T, B, D] or [T, B]', `[${x.shape.join(', ')}]`);
  const [T, B] = x.shape;
  if (!(T >= 1 && B >= 1))
    must(false, where, 'x must hold at least one step of one row', `[${x.shape.join(', ')}]`);
  if (x.shape.length === 3 && x.shape[2] !== net.input) {
    const why = `D = ${net.input} is fixed by ${nameOf(net.architecture.layers[0])}`;
    mustShape(x.shape, [T, B, net.input], where, 'x', why);
  }
  const lengths = readLengths(batch.lengths, T, B, where);
  const [from, to] = steps ?? [0, T];
  const fits = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= T;
  if (!fits) must(false, where, `steps must be [from, to] with 0 <= from < to <= ${T}`, steps, `T = ${T}`);
  const part = to - from < T;
  if (part) mustStream(net.architecture.layers, where, `steps must be all ${T} at once`, `[${from}, ${to}]`);
  if (batch.initial === 'carry')
    mustStream(net.architecture.layers, where, 'initial must not be carry', 'carry');
  must(over === undefined || over > 0, where, 'over must be > 0', over);
  const [low, high] = rows ?? [0, B];
  const among = Number.isInteger(low) && Number.isInteger(high) && low >= 0 && low < high && high <= B;
  if (!among) must(false, where, `rows must be [from, to] with 0 <= from < to <= ${B}`, rows, `B = ${B}`);
  if (batch.clock !== undefined) mustCount(batch.clock, where, 'clock', 0);
  const goesOn = batch.initial === 'carry' && batch.clock === undefined;
  const clock = goesOn ? net.clock : (batch.clock ?? 0) + from;
  const classes = x.shape.length === 2;
  const masked = lengths.slice(low, high).some((length) => length < to);

  return {
    shape: { T: to - from, B: high - low, masked, classes, clock },
    B,
    fill(plan) {
      for (let t = from; t < to; t++)
        for (let b = low; b < high; b++)
          plan.valid.set((t - from) * (high - low) + b - low, 0, t < lengths[b] ? 1 : 0);
      const counts = (row: number): boolean => Math.floor(row / B) < lengths[row % B];
      const whole = wholeRow(B, low, high);
      fillRows(plan.x, x, { counts, classes, whole, first: from * B, B, where, name: 'x' });
      if (plan.target && plan.weight)
        fillTargets(plan, batch.targets, { T, B, from, to, whole, lengths, over }, net, where);
    },
  };
}

/** What is to be known of a batch, and of the part of it that is run, to fill in its targets. */
interface Steps {
  T: number;
  B: number;
  from: number;
  to: number;
  lengths: number[];
  over?: number;
  whole: (row: number) => number;
}

function fillTargets(
  plan: Plan,
  given: Batch['targets'],
  { T, B, from, to, whole, lengths, over }: Steps,
  net: Network,
  where: string,
): void {
  const { loss, topology } = net.architecture;
  mustBe(given !== undefined, where, 'targets must be given', given, `the network has a ${loss} loss`);
  const targets = flatten(given, where, 'targets');
  const steps = outputAxes(topology, T, B);
  const expected = loss === 'softmax' ? steps : [...steps, net.output];
  mustShape(targets.shape, expected, where, 'targets', `O = ${net.output}, ${topology} with a ${loss} loss`);

  // with one output, a row counts in the part in which it ends
  const one = endsInOne(topology);
  const ends = (b: number): boolean => from < lengths[b] && lengths[b] <= to;
  const counts = (row: number): boolean => (one ? ends(row) : Math.floor(row / B) < lengths[row % B]);
  const valid = over ?? (one ? B : lengths.reduce((sum, length) => sum + length, 0));
  const each = (net.reduction === 'mean' ? 1 / valid : 1) / (loss === 'squared' ? net.output : 1);
  const first = one ? 0 : from * B;
  const weight = plan.weight as Tensor;
  for (let row = 0; row < weight.shape[0]; row++) weight.set(row, 0, counts(first + whole(row)) ? each : 0);
  const classes = loss === 'softmax';
  fillRows(plan.target as Tensor, targets, { counts, classes, whole, first, B, where, name: 'targets' });
}

/** Row numbers of a plan that runs the rows low…high as row numbers in blocks of all B rows. */
function wholeRow(B: number, low: number, high: number): (row: number) => number {
  const own = high - low;
  return own === B ? (row) => row : (row) => Math.floor(row / own) * B + low + (row % own);
}

interface Filling {
  counts: (row: number) => boolean;
  /** The row that becomes row 0 of the tensor, counted in steps of all rows. */
  first: number;
  whole: (row: number) => number;
  /** One class number a row, to be written as a one-hot row. */
  classes: boolean;
  B: number;
  where: string;
  name: string;
}

/** Copies rows that count; the others become zero, so that nothing that stands there can have an effect. */
function fillRows(into: Tensor, { numbers }: Box, how: Filling): void {
  const { counts, classes, whole, first, B, where, name } = how;
  const [N, width] = into.shape;
  const place = (row: number): string => `t = ${Math.floor(row / B)}, row ${row % B}`;
  const looked = isOneHot(into) ? classesOf(into) : undefined;
  if (looked) looked.fill(NONE);
  else into.data.fill(0);
  for (let k = 0; k < N; k++) {
    const row = first + whole(k);
    if (!counts(row)) continue;
    const at = k * width;
    if (classes) {
      const one = numbers[row];
      const fits = Number.isInteger(one) && one >= 0 && one < width;
      // worded only when needed: a message for every row would be most of what a step allocates
      if (!fits)
        must(false, where, `${name} must be class numbers in 0…${width - 1}`, `${one} at ${place(row)}`);
      if (looked) looked[k] = one;
      else into.data[at + one] = 1;
    } else {
      for (let c = 0; c < width; c++) {
        const value = numbers[row * width + c];
        if (!Number.isFinite(value))
          must(false, where, `${name} must be finite`, `${value} at ${place(row)}, unit ${c}`);
        into.data[at + c] = value;
      }
    }
  }
}

function readLengths(lengths: Batch['lengths'], T: number, B: number, where: string): number[] {
  if (lengths === undefined) return Array<number>(B).fill(T);
  mustShape([lengths.length], [B], where, 'lengths', 'one length for each row');
  for (const length of lengths) {
    must(
      Number.isInteger(length) && length >= 1 && length <= T,
      where,
      `every length must be in 1…${T}`,
      length,
      'T = ' + T,
    );
  }
  return [...lengths];
}

/** Any form of numbers as row-major numbers under a shape. */
export function flatten(values: Numbers | Box, where: string, name: string): Box {
  mustBe(
    typeof values === 'object' && values !== null,
    where,
    `${name} must be nested lists or a tensor`,
    values,
  );
  if ('numbers' in values) {
    const size = sizeOf(values.shape);
    if (size !== values.numbers.length)
      must(false, where, `${name} must hold ${size} values`, values.numbers.length);
    return values;
  }
  if (isTensor(values)) return { shape: values.shape, numbers: toFlat(values) };
  if (ArrayBuffer.isView(values)) return { shape: [values.length], numbers: values };
  const shape: number[] = [];
  for (let level: unknown = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  const numbers: number[] = [];
  // false where a list is shorter, longer or deeper than the first of its level, even if the count of numbers fits
  const collect = (level: unknown, axis: number): boolean =>
    axis === shape.length
      ? !Array.isArray(level) && numbers.push(level as number) > 0
      : Array.isArray(level) && level.length === shape[axis] && level.every((v) => collect(v, axis + 1));
  const isBox = collect(values, 0);
  must(isBox, where, `${name} must be a box of [${shape.join(', ')}]`, 'lists of other lengths');
  return { shape, numbers };
}
