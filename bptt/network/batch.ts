/** Batches: what a caller hands in, checked and copied into a plan. */
import { lossOf } from '../../losses';
import { must, mustBe, mustCount, mustKnowKeys, mustShape } from '../../core/check';
import type { Data } from '../../core/memory';
import { classesOf, isOneHot, NONE } from '../../core/onehot';
import type { Numbers, Tensor } from '../../core/tensor';
import { flatten, type FlatNumbers } from './numbers';
import type { Plan } from './plan';
import {
  batchKeys,
  PADDED,
  readSequences,
  rowsFirst,
  type Batch,
  type Reading,
  type Sequence,
} from './sequence';
import { firstReaderOf, type Stack } from './stack';
import type { PlanShape } from './stage';
import { clockOf, type States } from './states';
import { endsInOne, mustStream, outputAxes } from './topology';

export type { Batch } from './sequence';

/** Which part of a batch is run, where it begins, and how its loss is weighted. */
export interface PassOptions {
  /** Draws dropout; leave out to evaluate. */
  training?: boolean;
  /**
   * `states` of the pass over the part of the sequence before this one: goes on there, in place of the
   * batch's `initial`, and at that time of its clock unless the batch tells another.
   */
  from?: States<Numbers | FlatNumbers>;
  /** Only the steps `from`…`to` (not included); default all. The weights stay those of the whole batch. */
  steps?: readonly [from: number, to: number];
  /** Only the rows `from`…`to` (not included); default all. States and gradients are then those of these rows. */
  rows?: readonly [from: number, to: number];
  /** Runs without targets: there is no loss then, and no backward pass. */
  predict?: boolean;
  /** What a mean loss is divided by; default the number of valid steps in the whole batch. */
  over?: number;
}

export const passKeys = ['training', 'steps', 'rows', 'from', 'predict', 'over'];

/** The network that is to run a batch. */
interface Runner extends Reading {
  readonly reduction: 'mean' | 'sum';
}

/** A batch that was read and checked, of which parts can be run. */
export interface ReadBatch {
  readonly T: number;
  readonly B: number;
  readonly initial: NonNullable<Batch['initial']>;
  /** A part laid out; `fill` copies it into a plan of `shape`. */
  part: (options: PassOptions) => { shape: PlanShape; fill: (plan: Plan) => void };
}

/** Checks a batch of B rows against a network. */
export function readBatch(batch: Batch, net: Runner, where: string): ReadBatch {
  const isBatch = typeof batch === 'object' && batch !== null && !Array.isArray(batch);
  mustBe(isBatch, where, 'the batch must be an object', batch, 'such as { x, targets }');
  const why = (key: string): string | undefined =>
    passKeys.includes(key) ? `an option is handed in after the batch: forward(batch, { ${key} })` : undefined;
  mustKnowKeys(batch, batchKeys, where, 'the batch must be made of', why);
  const { architecture } = net;
  const { B, source, main } = readSequences(batch, net, where);
  const { T, lengths } = main;
  const { initial = 'zero' } = batch;
  if ((initial as unknown) === 'carry')
    mustBe(
      false,
      where,
      'initial must not be carry',
      'carry',
      'a pass goes on from: pass.states; batches of fit carry',
    );
  if (batch.clock !== undefined) mustCount(batch.clock, where, 'clock', 0);
  let targets: FlatNumbers | undefined;

  const part = ({
    steps,
    rows,
    over,
    from: before,
    predict = false,
  }: PassOptions): ReturnType<ReadBatch['part']> => {
    const [from, to] = steps ?? [0, T];
    const fits = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= T;
    if (!fits) must(false, where, `steps must be [from, to] with 0 <= from < to <= ${T}`, steps, `T = ${T}`);
    if (to - from < T) mustStream(architecture, where, `steps must be all ${T} at once`, `[${from}, ${to}]`);
    must(over === undefined || over > 0, where, 'over must be > 0', over);
    const [low, high] = rows ?? [0, B];
    const among = Number.isInteger(low) && Number.isInteger(high) && low >= 0 && low < high && high <= B;
    if (!among) must(false, where, `rows must be [from, to] with 0 <= from < to <= ${B}`, rows, `B = ${B}`);
    if (before) mustStream(architecture, where, 'from must be left out', 'states');
    const clock = before && clockOf(before, where);
    const whole = wholeRow(B, low, high);
    const shorter = (sequence: Sequence, end: number): boolean =>
      sequence.lengths.slice(low, high).some((length) => length < end);
    return {
      shape: {
        T: to - from,
        B: high - low,
        masked: shorter(main, to),
        classes: main.classes && architecture.feed !== 'output', // what is fed back are numbers
        clock: clock === undefined || batch.clock !== undefined ? (batch.clock ?? 0) + from : clock,
        ...(source && {
          source: { T: source.T, masked: shorter(source, source.T), classes: source.classes },
        }),
      },
      fill(plan) {
        if (source && plan.source) {
          fillSequence(plan.source, source, { name: 'x', whole, first: 0, B, where });
          plan.attention?.fill(plan.source.valid);
        }
        const name = source ? 'inputs' : 'x';
        fillSequence(plan.main, main, { name, whole, first: from * B, B, where });
        if (!plan.target || !plan.weight || predict) return;
        targets ??= readTargets(batch.targets, net, where);
        fillTargets(plan, targets, { T, B, from, to, whole, lengths, over }, net, where);
      },
    };
  };
  return { T, B, initial, part };
}

/** Copies the steps of a sequence that a stack runs, of which the first is row `first`, counted in steps of B rows. */
function fillSequence(
  { input, valid }: Stack,
  { lengths, values, given, classes }: Sequence,
  { name, whole, first, B, where }: Place,
): void {
  const runs = (row: number): boolean => Math.floor(row / B) < lengths[row % B];
  for (let k = 0; k < valid.data.length; k++) valid.data[k] = runs(first + whole(k)) ? 1 : 0;
  const counts = (row: number): boolean => row < given * B && runs(row);
  if (!values) input.value.data.fill(0);
  else fillRows(input.value, values, { counts, classes, whole, first, B, where, name });
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

function readTargets(given: Batch['targets'], net: Runner, where: string): FlatNumbers {
  const why = `the network has a ${net.architecture.loss} loss; forward(batch, { predict: true }) runs without targets`;
  mustBe(given !== undefined, where, 'targets must be given', given, why);
  return flatten(given, where, 'targets', PADDED);
}

function fillTargets(
  plan: Plan,
  targets: FlatNumbers,
  { T, B, from, to, whole, lengths, over }: Steps,
  net: Runner,
  where: string,
): void {
  const { loss, topology } = net.architecture;
  const { targets: kind, perOutput } = lossOf(loss as string);
  const shapeFor = (steps: number, rows: number): number[] => {
    const axes = outputAxes(topology, steps, rows);
    return kind === 'classes' ? axes : [...axes, net.output];
  };
  const expected = shapeFor(T, B);
  if (!alike(targets.shape, expected)) {
    const turned = !net.architecture.encoder && T !== B && alike(targets.shape, shapeFor(B, T));
    // one row of numbers without an axis of rows looks like rows of class numbers
    const { input } = firstReaderOf(net.architecture);
    const flat = plan.main.shape.classes && B === input ? '; without a last axis D, x is class numbers' : '';
    const reason = turned ? rowsFirst(T, B) : `O = ${net.output}, ${topology} with a ${loss} loss${flat}`;
    mustShape(targets.shape, expected, where, 'targets', reason);
  }

  // with one output, a row counts in the part in which it ends
  const one = endsInOne(topology);
  const ends = (b: number): boolean => from < lengths[b] && lengths[b] <= to;
  const counts = (row: number): boolean => (one ? ends(row) : Math.floor(row / B) < lengths[row % B]);
  const valid = over ?? (one ? B : lengths.reduce((sum, length) => sum + length, 0));
  const each = (net.reduction === 'mean' ? 1 / valid : 1) / (perOutput ? net.output : 1);
  const first = one ? 0 : from * B;
  const weight = plan.weight as Tensor;
  for (let row = 0; row < weight.shape[0]; row++) weight.set(row, 0, counts(first + whole(row)) ? each : 0);
  const how = { classes: kind === 'classes', probabilities: kind === 'probabilities' };
  fillRows(plan.target as Tensor, targets, { counts, ...how, whole, first, B, where, name: 'targets' });
}

const alike = (p: readonly number[], q: readonly number[]): boolean =>
  p.length === q.length && p.every((n, k) => n === q[k]);

/** Row numbers of a plan that runs the rows low…high as row numbers in blocks of all B rows. */
function wholeRow(B: number, low: number, high: number): (row: number) => number {
  const own = high - low;
  return own === B ? (row) => row : (row) => Math.floor(row / own) * B + low + (row % own);
}

/** Where the rows of a plan are in a batch, and how both are called in messages. */
interface Place {
  name: string;
  /** The row that becomes row 0 of the tensor, counted in steps of all rows. */
  first: number;
  whole: (row: number) => number;
  B: number;
  where: string;
}
interface Filling extends Place {
  counts: (row: number) => boolean;
  /** One class number a row, to be written as a one-hot row. */
  classes: boolean;
  /** Numbers that must lie in 0…1; default any that are finite. */
  probabilities?: boolean;
}

/** Copies rows that count; the others become zero, so that nothing that stands there can have an effect. */
function fillRows(into: Tensor, { numbers }: FlatNumbers, how: Filling): void {
  const { counts, classes, probabilities = false, whole, first, B, where, name } = how;
  const [N, width] = into.shape;
  const place = (row: number): string => `t = ${Math.floor(row / B)}, row ${row % B}`;
  const looked = isOneHot(into) ? classesOf(into) : undefined;
  if (looked) looked.fill(NONE);
  for (let k = 0; k < N; k++) {
    const row = first + whole(k);
    const at = k * width;
    const counted = counts(row);
    if (!looked && !(counted && !classes)) into.data.fill(0, at, at + width);
    if (!counted) continue;
    if (classes) {
      const one = numbers[row];
      const fits = Number.isInteger(one) && one >= 0 && one < width;
      // worded only when needed: a message for every row would be most of what a step allocates
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

/** Copies numbers up to the first that is NaN or infinite, or no probability; gives how many those are. */
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
