/** Batches: what a caller hands in, checked and copied into a plan. */
import { must, mustBe, mustKnowKeys, mustShape } from '../core/check';
import { isTensor, sizeOf, toFlat, type Numbers, type Tensor } from '../core/tensor';
import type { Network } from './network';
import type { Plan, PlanShape } from './plan';

/** One batch, time first. */
export interface Batch {
  /** Inputs [T, B, D], or class numbers [T, B], which stand for one-hot rows. */
  x: Numbers | Box;
  /** Softmax: class numbers [T, B] ([B] at the last step only). Else values [T, B, O] ([B, O]). */
  targets?: Numbers | Box;
  /** Steps of each row, 1…T; what lies past them has no effect at all. */
  lengths?: readonly number[];
  /** Zeros or the trainable states (default), the states of the last forward pass, or values by name, `l0.h` [B, H]. */
  initial?: 'zero' | 'carry' | Record<string, ArrayLike<number>>;
}

/** Row-major numbers under a shape: the cheapest way to hand in a batch. */
export interface Box {
  shape: number[];
  numbers: ArrayLike<number>;
}

/** Checks a batch against a network; `fill` then copies it into a plan of `shape`. */
export function readBatch(
  batch: Batch,
  net: Network,
  where: string,
): { shape: PlanShape; fill(plan: Plan): void } {
  mustBe(typeof batch === 'object' && batch !== null, where, 'the batch must be an object', batch);
  mustKnowKeys(batch, ['x', 'targets', 'lengths', 'initial'], where);
  const x = flatten(batch.x, where, 'x');
  must(
    x.shape.length === 2 || x.shape.length === 3,
    where,
    'x must be [T, B, D] or [T, B]',
    `[${x.shape.join(', ')}]`,
  );
  const [T, B] = x.shape;
  must(T >= 1 && B >= 1, where, 'x must hold at least one step of one row', `[${x.shape.join(', ')}]`);
  if (x.shape.length === 3) {
    mustShape(
      x.shape,
      [T, B, net.input],
      where,
      'x',
      `D = ${net.input} is fixed by ${net.architecture.layers[0].name}`,
    );
  }
  const lengths = readLengths(batch.lengths, T, B, where);
  const masked = lengths.some((length) => length < T);

  return {
    shape: { T, B, masked },
    fill(plan) {
      for (let t = 0; t < T; t++)
        for (let b = 0; b < B; b++) plan.valid.set(t * B + b, 0, t < lengths[b] ? 1 : 0);
      const counts = (row: number): boolean => Math.floor(row / B) < lengths[row % B];
      fillRows(plan.x, x, { counts, classes: x.shape.length === 2, B, where, name: 'x' });
      if (plan.target && plan.weight) fillTargets(plan, batch.targets, lengths, net, where);
    },
  };
}

function fillTargets(
  plan: Plan,
  given: Batch['targets'],
  lengths: number[],
  net: Network,
  where: string,
): void {
  const { T, B } = plan.shape;
  const { loss, at } = net.architecture;
  mustBe(given !== undefined, where, 'targets must be given', given, `the network has a ${loss} loss`);
  const targets = flatten(given, where, 'targets');
  const steps = at === 'last' ? [B] : [T, B];
  const expected = loss === 'softmax' ? steps : [...steps, net.output];
  mustShape(targets.shape, expected, where, 'targets', `O = ${net.output}, ${loss} loss at ${at} step`);

  const counts = (row: number): boolean => at === 'last' || Math.floor(row / B) < lengths[row % B];
  const valid = at === 'last' ? B : lengths.reduce((sum, length) => sum + length, 0);
  const each = (net.reduction === 'mean' ? 1 / valid : 1) / (loss === 'squared' ? net.output : 1);
  const weight = plan.weight as Tensor;
  for (let row = 0; row < weight.shape[0]; row++) weight.set(row, 0, counts(row) ? each : 0);
  fillRows(plan.target as Tensor, targets, {
    counts,
    classes: loss === 'softmax',
    B,
    where,
    name: 'targets',
  });
}

interface Filling {
  counts: (row: number) => boolean;
  /** One class number a row, to be written as a one-hot row. */
  classes: boolean;
  B: number;
  where: string;
  name: string;
}

/** Copies rows that count; the others become zero, so that nothing that stands there can have an effect. */
function fillRows(into: Tensor, { numbers }: Box, how: Filling): void {
  const { counts, classes, B, where, name } = how;
  const [N, width] = into.shape;
  const place = (row: number): string => `t = ${Math.floor(row / B)}, row ${row % B}`;
  into.data.fill(0);
  for (let row = 0; row < N; row++) {
    if (!counts(row)) continue;
    if (classes) {
      const k = numbers[row];
      const fits = Number.isInteger(k) && k >= 0 && k < width;
      must(fits, where, `${name} must be class numbers in 0…${width - 1}`, `${k} at ${place(row)}`);
      into.data[row * width + k] = 1;
    } else {
      for (let c = 0; c < width; c++) {
        const value = numbers[row * width + c];
        if (!Number.isFinite(value))
          must(false, where, `${name} must be finite`, `${value} at ${place(row)}, unit ${c}`);
        into.data[row * width + c] = value;
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

function flatten(values: Numbers | Box, where: string, name: string): Box {
  mustBe(
    typeof values === 'object' && values !== null,
    where,
    `${name} must be nested lists or a tensor`,
    values,
  );
  if ('numbers' in values) {
    const size = sizeOf(values.shape);
    must(size === values.numbers.length, where, `${name} must hold ${size} values`, values.numbers.length);
    return values;
  }
  if (isTensor(values)) return { shape: values.shape, numbers: toFlat(values) };
  const shape: number[] = [];
  for (let level: unknown = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  const numbers = (values as readonly unknown[]).flat(Infinity) as number[];
  must(
    numbers.length === sizeOf(shape),
    where,
    `${name} must be a box of [${shape.join(', ')}]`,
    `${numbers.length} values`,
  );
  return { shape, numbers };
}
