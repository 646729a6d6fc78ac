/** Copies a part of a batch into the buffers of a plan; padding is filled with zeros. */
import { lossOf } from '../../../losses';
import { must, mustShape } from '../../../core/check';
import { engineMemory, type Data } from '../../../core/memory';
import { classesOf, isOneHot, NONE } from '../../../core/onehot';
import type { Executor } from '../../../core/programs/program';
import type { Tensor } from '../../../core/tensor';
import type { ForBatch, BatchPart } from './batch';
import type { FlatNumbers } from './numbers';
import type { Plan } from '../passes/plan';
import { rowsFirst, type Sequence } from './sequence';
import { firstReaderOf, type Stack } from '../layers/stack';
import { endsInOne, outputAxes } from '../topology';

/** The network that a batch is for, and what runs it. */
interface Runs extends ForBatch {
  readonly executor: Executor;
}

/**
 * Copies a part of a batch into a plan of its shape.
 * @throws RangeError for a non-finite number or an invalid target.
 */
export function fillPlan(plan: Plan, part: BatchPart, net: Runs): void {
  const { main, source, B, from, low, high, where, targets } = part;
  const { executor } = net;
  const [whole, own] = [wholeRow(part), high - low];
  if (source && plan.source) {
    fillSequence(plan.source, source, { name: 'x', whole, own, executor, first: 0, B, where });
    plan.attention?.fill(plan.source.valid);
  }
  const name = source ? 'inputs' : 'x';
  fillSequence(plan.main, main, { name, whole, own, executor, first: from * B, B, where });
  plan.counted = undefined;
  if (plan.target && plan.weight && targets) fillTargets(plan, part, targets(), net);
}

/** Copies the steps of a sequence that a stack runs; they start at row `first` of the time-major rows. */
function fillSequence(
  { input, valid }: Stack,
  { lengths, values, given, classes }: Sequence,
  place: Place,
): void {
  const { whole, first, B } = place;
  const runs = (row: number): boolean => Math.floor(row / B) < lengths[row % B];
  for (let k = 0; k < valid.data.length; k++) valid.data[k] = runs(first + whole(k)) ? 1 : 0;
  const counts = (row: number): boolean => row < given * B && runs(row);
  if (!values) engineMemory().zero(input.value.data);
  else fillRows(input.value, values, { counts, classes, probabilities: false }, place);
}

function fillTargets(plan: Plan, part: BatchPart, targets: FlatNumbers, net: Runs): void {
  const { main, B, from, to, low, high, over, where, weights } = part;
  const { T, lengths } = main;
  const whole = wholeRow(part);
  const { loss, topology } = net.architecture;
  const { targets: kind, perOutput } = lossOf(loss as string);
  const shapeFor = (steps: number, rows: number): number[] => {
    const axes = outputAxes(topology, steps, rows);
    return kind === 'classes' ? axes : [...axes, net.output];
  };
  const expected = shapeFor(T, B);
  if (!alike(targets.shape, expected)) {
    const turned = !net.architecture.encoder && T !== B && alike(targets.shape, shapeFor(B, T));
    // a single sequence without a batch axis looks like a batch of class numbers
    const { input } = firstReaderOf(net.architecture);
    const flat = plan.main.shape.classes && B === input ? '; without a last axis D, x is class numbers' : '';
    const reason = turned ? rowsFirst(T, B) : `O = ${net.output}, ${topology} with a ${loss} loss${flat}`;
    mustShape(targets.shape, expected, where, 'targets', reason);
  }

  // if a row has one output, it counts in the part in which the row ends; in segments, which hold its state, in the last
  const one = endsInOne(topology);
  const ends = (b: number): boolean =>
    plan.shape.segment ? to === T : from < lengths[b] && lengths[b] <= to;
  const counts = (row: number): boolean => (one ? ends(row) : Math.floor(row / B) < lengths[row % B]);
  const counting = weights?.();
  if (counting) {
    const axes = outputAxes(topology, T, B);
    if (!alike(counting.shape, axes))
      mustShape(counting.shape, axes, where, 'weights', 'one for each target');
  }
  const weightOf = (row: number): number => counting?.numbers[row] ?? 1;
  const sumOfAll = (): number => {
    if (!counting) return one ? B : lengths.reduce((sum, length) => sum + length, 0);
    let sum = 0;
    for (let row = 0; row < counting.numbers.length; row++)
      if (one || Math.floor(row / B) < lengths[row % B]) sum += weightOf(row);
    if (sum === 0) must(false, where, 'a weight must be above 0', 'none');
    return sum;
  };
  const valid = over ?? sumOfAll();
  const each = (net.reduction === 'mean' ? 1 / valid : 1) / (perOutput ? net.output : 1);
  const first = one ? 0 : from * B;
  const weight = plan.weight as Tensor;
  let { counted = 0 } = part;
  for (let k = 0; k < weight.shape[0]; k++) {
    const row = first + whole(k);
    const one = counts(row) ? weightOf(row) : 0;
    weight.set(k, 0, one * each);
    counted += one;
  }
  plan.counted = counting && counted;
  const how = { counts, classes: kind === 'classes', probabilities: kind === 'probabilities' };
  const place = { whole, first, own: high - low, executor: net.executor, B, where, name: 'targets' };
  fillRows(plan.target as Tensor, targets, how, place);
}

const alike = (p: readonly number[], q: readonly number[]): boolean =>
  p.length === q.length && p.every((n, k) => n === q[k]);

/** Maps row numbers of a plan that runs the rows low…high to row numbers in blocks of all B rows. */
function wholeRow({ B, low, high }: BatchPart): (row: number) => number {
  const own = high - low;
  return own === B ? (row) => row : (row) => Math.floor(row / own) * B + low + (row % own);
}

/** Position of a plan's rows in the batch, and names for messages. */
interface Place {
  name: string;
  /** The time-major row of the batch that becomes row 0 of the tensor. */
  first: number;
  whole: (row: number) => number;
  B: number;
  /** Number of rows of a step that the plan runs. */
  own: number;
  executor: Executor;
  where: string;
}
/** Which rows are copied, and how. */
interface Filling {
  counts: (row: number) => boolean;
  /** Whether each row is a class number, to be written as a one-hot row. */
  classes: boolean;
  /** Whether numbers must be in 0…1, or may be any finite numbers. */
  probabilities: boolean;
}

/** Fewer numbers are copied as fast one by one. */
const MANY = 1024;

/** Compares the tag, because an array of a caller may belong to another realm. */
const isFloats = (numbers: ArrayLike<number>): numbers is Data =>
  /^\[object Float(32|64)Array\]$/.test(Object.prototype.toString.call(numbers));

/**
 * Copies all rows at once, many times as fast as one by one; false if some are padding, or a number may be one that is
 * refused.
 */
function copyAll(into: Tensor, { numbers }: FlatNumbers, how: Filling, place: Place): boolean {
  const { counts, classes, probabilities } = how;
  const { whole, first, own, executor } = place;
  const [N, width] = into.shape;
  if (N * width < MANY || classes || probabilities) return false;
  if (!isFloats(numbers) || !executor.sumSquares) return false;
  for (let k = 0; k < N; k++) if (!counts(first + whole(k))) return false;
  // rows low…high of each step are adjacent; if they are all rows, so are the steps
  const together = whole(N - 1) - whole(0) === N - 1 ? N : own;
  for (let k = 0; k < N; k += together) {
    const from = (first + whole(k)) * width;
    into.data.set(numbers.subarray(from, from + together * width), k * width);
  }
  return Number.isFinite(executor.sumSquares(into.data, 0, N * width));
}

/** Copies valid rows and sets all others to zero, so that padding has no effect. */
function fillRows(into: Tensor, given: FlatNumbers, how: Filling, at: Place): void {
  if (copyAll(into, given, how, at)) return;
  const { numbers } = given;
  const { counts, classes, probabilities } = how;
  const { whole, first, B, where, name } = at;
  const [N, width] = into.shape;
  const place = (row: number): string => `t = ${Math.floor(row / B)}, row ${row % B}`;
  const looked = isOneHot(into) ? classesOf(into) : undefined;
  if (looked) looked.fill(NONE);
  else if (classes) engineMemory().zero(into.data);
  for (let k = 0; k < N; k++) {
    const row = first + whole(k);
    const at = k * width;
    const counted = counts(row);
    if (!counted && !classes) into.data.fill(0, at, at + width);
    if (!counted) continue;
    if (classes) {
      const one = numbers[row];
      const fits = Number.isInteger(one) && one >= 0 && one < width;
      // the message is built only on failure: one for every row would dominate the allocations of a step
      if (!fits) {
        const why = name === 'targets' ? undefined : 'without a last axis D, numbers are class numbers';
        must(false, where, `${name} must be class numbers in 0…${width - 1}`, `${one} at ${place(row)}`, why);
      }
      if (looked) looked[k] = one;
      else into.data[at + one] = 1;
    } else {
      const c = copyRow(into.data, at, numbers, row * width, width, probabilities);
      if (c < width) {
        const value = `${numbers[row * width + c]} at ${place(row)}, unit ${c}`;
        if (!probabilities) must(false, where, `${name} must be finite`, value);
        must(false, where, `${name} must be in 0…1`, value, 'the network has a bernoulli loss');
      }
    }
  }
}

/** Copies numbers up to the first that is non-finite or not a probability; returns how many were copied. */
function copyRow(
  into: Data,
  to: number,
  numbers: ArrayLike<number>,
  from: number,
  count: number,
  probabilities: boolean,
): number {
  for (let c = 0; c < count; c++) {
    const value = numbers[from + c];
    if (!Number.isFinite(value) || (probabilities && !(value >= 0 && value <= 1))) return c;
    into[to + c] = value;
  }
  return count;
}
