/** Reads the input sequences of a batch for each stack of a network, and checks them against its topology. */
import { targetsOf, type Architecture } from '../architecture';
import { must, mustBe, mustCount, mustShape } from '../../../core/check';
import { isList, type Numbers } from '../../../core/tensor';
import { flatten, type FlatNumbers } from './numbers';
import { firstReaderOf, readerOf, type Reader } from '../layers/stack';
import { beginsWithOne } from '../topology';

/** One batch, time first. */
export interface Batch {
  /**
   * Inputs [T, B, D] ([B, D] if there is one), or class numbers [T, B] ([B]), which represent one-hot rows and are looked
   * up, not multiplied.
   */
  x: Numbers | FlatNumbers;
  /**
   * Inputs of a decoder: [T, B, D] or classes [T, B]; only the first one, [B, D] or [B], if it is fed nothing or its own
   * output. Default: the start symbol, then the targets one step late (teacher forcing).
   */
  inputs?: Numbers | FlatNumbers;
  /** Softmax: class numbers [T, B] ([B] if there is one output). Otherwise values [T, B, O] ([B, O]). */
  targets?: Numbers | FlatNumbers;
  /**
   * Weight of each output in the loss, 0 or more: [T, B] ([B] if there is one output); default 1. Loss and gradients are
   * multiplied by it, and a mean is divided by the sum of the weights. A weight of 0 ignores a target.
   */
  weights?: Numbers | FlatNumbers;
  /** Number of steps of each row, 1…T; later values have no effect. For an encoder-decoder, those of x. */
  lengths?: readonly number[];
  /** For a decoder: number of steps of each row of its inputs and targets. */
  targetLengths?: readonly number[];
  /** Number of steps, if neither targets nor inputs determine it. */
  T?: number;
  /**
   * Zeros or the trained states (default), or values by name, `l0.h` [B, H]; for an encoder-decoder those of the encoder,
   * `e0.h`.
   */
  initial?: 'zero' | Readonly<Record<string, Numbers | FlatNumbers>>;
  /** Time of t = 0 on the clock of a clockwork cell; default 0. */
  clock?: number;
}
export const batchKeys = 'x inputs targets weights lengths targetLengths T initial clock'.split(' ');

/** The input of a stack of layers over its T steps. */
export interface Sequence {
  T: number;
  /** Steps of each row. */
  lengths: number[];
  /** [given, B, D] or classes [given, B]; zeros if absent. */
  values?: FlatNumbers;
  /** Number of first steps that have values; later ones read nothing or the fed-back output. */
  given: number;
  classes: boolean;
}
/** The properties of a network that its sequences are checked against. */
export interface SequenceRequirements {
  readonly architecture: Architecture;
  /** O, the width of its output. */
  readonly output: number;
}

type Values = Pick<Sequence, 'values' | 'given' | 'classes'>;

/**
 * The sequences of a batch of B rows: the input of the encoder, if there is one, and that of the other layers.
 * @throws RangeError or TypeError if something does not match, is missing, or is not allowed by the topology.
 */
export function readSequences(
  batch: Batch,
  net: SequenceRequirements,
  where: string,
): { B: number; source?: Sequence; main: Sequence } {
  const { topology, encoder, feed } = net.architecture;
  const x = readValues(batch.x, firstReaderOf(net.architecture), beginsWithOne(topology), where, 'x');
  const { B } = x;
  if (encoder) {
    mustBe(batch.clock === undefined, where, 'clock must be left out', batch.clock, 'a decoder begins at 0');
    const source = sequence(x, x.given, B, batch.lengths, where, 'lengths');
    const T = readT(batch, feed === 'given' ? ['targets', 'inputs'] : ['targets'], where);
    const inputs = readInputs(batch, net, T, B, where);
    return { B, source, main: sequence(inputs, T, B, batch.targetLengths, where, 'targetLengths') };
  }
  for (const key of ['inputs', 'targetLengths'] as const)
    if (batch[key] !== undefined)
      mustBe(false, where, `${key} must be left out`, 'some', `${topology} has no decoder`);
  const isFixed = topology !== 'one-to-many';
  if (isFixed) mustBe(batch.T === undefined, where, 'T must be left out', batch.T, 'it is fixed by x');
  const T = isFixed ? x.given : readT(batch, ['targets'], where);
  return { B, main: sequence(x, T, B, batch.lengths, where, 'lengths') };
}

function sequence(
  { values, given, classes }: Values,
  T: number,
  B: number,
  lengths: ArrayLike<number> | undefined,
  where: string,
  name: string,
): Sequence {
  return { T, lengths: readLengths(lengths, T, B, where, name), values, given, classes };
}

/** Reads values of several steps, or of a single one without a time axis. */
function readValues(
  given: Numbers | FlatNumbers,
  { input: D, name: reader }: Reader,
  one: boolean,
  where: string,
  name: string,
): Values & { B: number } {
  const { shape, numbers } = flatten(given, where, name, PADDED);
  const low = one ? 1 : 2;
  const classes = shape.length === low;
  const B = shape[low - 1];
  // messages are built only on failure, because single steps take microseconds
  if (shape.includes(0))
    must(false, where, `${name} must hold at least one step of one row`, `[${shape.join(', ')}]`);
  if (!classes && shape.length !== low + 1) {
    const form = one ? '[B, D] or [B]' : '[T, B, D] or [T, B]';
    const why =
      shape.length === 1 ? `flat numbers need their shape: { shape: [T, B, D], numbers }` : undefined;
    must(false, where, `${name} must be ${form}`, `[${shape.join(', ')}]`, why);
  }
  if (!classes && shape[low] !== D) {
    const why = `D = ${D} is fixed by ${reader}`;
    mustShape(shape, [...shape.slice(0, low), D], where, name, why);
  }
  return { values: { shape: one ? [1, ...shape] : shape, numbers }, given: one ? 1 : shape[0], classes, B };
}

/** Advice for rows of unequal length. */
export const PADDED = 'rows that end early are padded, and lengths says where they end';

/** Advice if the first two axes of x seem to be swapped. */
export const rowsFirst = (T: number, B: number): string =>
  `x is [T, B, …], time first, and says T = ${T} and B = ${B}; are its first two axes the other way round?`;

/** T, from the first of these members that the batch has, or else from its own `T`. */
function readT(batch: Batch, tells: ('inputs' | 'targets')[], where: string): number {
  const name = tells.find((key) => batch[key] !== undefined);
  if (name === undefined) {
    mustBe(batch.T !== undefined, where, 'T must be given', undefined, `there are no ${tells.join(' or ')}`);
    mustCount(batch.T, where, 'T');
    return batch.T;
  }
  mustBe(batch.T === undefined, where, 'T must be left out', batch.T, `it is fixed by ${name}`);
  const [T] = flatten(batch[name] as Numbers, where, name).shape;
  must(T >= 1, where, `${name} must hold at least one step`, T);
  return T;
}

/** The inputs of a decoder. */
function readInputs(batch: Batch, net: SequenceRequirements, T: number, B: number, where: string): Values {
  const { feed, start = 0 } = net.architecture;
  const reader = readerOf(net.architecture);
  const { inputs, targets } = batch;
  const fed = feed !== 'given';
  if (inputs !== undefined) {
    const { B: rows, ...read } = readValues(inputs, reader, fed, where, 'inputs');
    must(rows === B, where, `inputs must be of ${B} rows`, rows, 'B is fixed by x');
    must(
      fed || read.given === T,
      where,
      `inputs must be of ${T} steps`,
      read.given,
      'T is that of the targets',
    );
    return read;
  }
  const classes = targetsOf(net.architecture) === 'classes';
  if (feed === 'nothing' || (fed && !classes)) return { given: 0, classes: false };
  const first = Array<number>(B).fill(start);
  if (fed) return { values: { shape: [1, B], numbers: first }, given: 1, classes };
  // teacher forcing: the targets, one step late
  mustBe(
    targets !== undefined,
    where,
    'inputs must be given',
    inputs,
    'there are no targets to read instead; decode generates without targets',
  );
  const { shape, numbers } = flatten(targets, where, 'targets');
  const [O, D] = [net.output, reader.input];
  mustShape(shape, classes ? [T, B] : [T, B, O], where, 'targets', `B = ${B}, O = ${O}`);
  must(classes || O === D, where, `inputs must be given`, 'none', `targets are ${O} wide, inputs ${D}`);
  const before = Float64Array.from(numbers);
  before.copyWithin(numbers.length / T, 0);
  before.set(classes ? first : Array<number>(B * O).fill(0));
  return { values: { shape, numbers: before }, given: T, classes };
}

/**
 * The number of steps of each row; T if none are given.
 * @throws RangeError unless there is one for each row, and each is in 1…T.
 */
export function readLengths(
  given: ArrayLike<number> | undefined,
  T: number,
  B: number,
  where: string,
  name: string,
): number[] {
  if (given === undefined) return Array<number>(B).fill(T);
  mustBe(isList(given), where, `${name} must be a list of ${B} numbers`, given, 'one length for each row');
  const why = given.length === T ? rowsFirst(T, B) : 'one length for each row';
  mustShape([given.length], [B], where, name, why);
  for (let b = 0; b < B; b++) {
    const fits = Number.isInteger(given[b]) && given[b] >= 1 && given[b] <= T;
    if (!fits) must(false, where, `every length must be in 1…${T}`, given[b], `T = ${T}`);
  }
  return Array.from(given);
}
