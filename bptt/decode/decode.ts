/**
 * Decoding: generates sequences of classes with a network that reads each class it wrote at the next step.
 *
 * Greedy decoding takes the most likely class at every step; sampling draws one. Beam search extends the `width` best
 * prefixes in parallel, and so finds sequences with a less likely start that are more likely as a whole (Sutskever,
 * Vinyals & Le 2014).
 */
import { must, mustBe, mustBeOneOf, mustBeObject, mustCount, mustKnowKeys } from '../../core/check';
import { mustBeRandom, Random } from '../../core/random/random';
import { flatten } from '../network/batch/numbers';
import { drawClass, likeliest } from './draw';
import { mustBeNetwork, type Network } from '../network/network';
import { Writer, type DecodeInput, type Steps } from './writer';

/** How classes are chosen, and when a sequence ends. */
export interface DecodeOptions {
  /** Default greedy. */
  method?: 'greedy' | 'sample' | 'beam';
  /** Maximum number of classes, including the end. */
  steps: number;
  /** The class that ends a sequence; without it, all sequences have `steps` classes. */
  end?: number;
  /** Classes that are never written, such as the start symbol. */
  never?: readonly number[];
  /** Sample: see `DrawOptions`; default 1. */
  temperature?: number;
  /** Sample: draws only from the k most likely classes; default from all. */
  topK?: number;
  /** Sample: the generator; default one of seed 0. */
  random?: Random;
  /** Beam: number of prefixes kept for each row; default 4. */
  width?: number;
  /**
   * Beam: sequences are ranked by log probability / length^α. α = 0, the default, prefers short sequences; α = 1 ranks by
   * the mean per class.
   */
  lengthPenalty?: number;
}

/** A generated sequence and its probability. */
export interface Hypothesis {
  /** The classes written, without the end. */
  classes: number[];
  /** log p of the whole sequence, including the end. */
  logProbability: number;
  /** The value by which hypotheses are ranked. */
  score: number;
  /** Whether it ended with the end class; false if it was cut off after `steps`. */
  ended: boolean;
}

const optionNames = 'method steps end never temperature topK random width lengthPenalty'.split(' ');

/**
 * Generates sequences for each row of a batch: from the source sequences of an encoder-decoder, or from the first classes
 * [T, B] for a network trained to predict the next class.
 *
 * @returns the hypotheses of each row, best first: one, or up to `width` for beam search.
 * @throws RangeError or TypeError for an invalid option, or for a network that cannot decode.
 * @example
 * const [[best]] = decode(net, { x: source }, { method: 'beam', width: 5, end: 1, steps: 30 });
 */
export function decode(network: Network, batch: DecodeInput, options: DecodeOptions): Hypothesis[][] {
  mustBeNetwork(network, where);
  mustBeObject(batch, where, 'the batch');
  mustKnowKeys(options, optionNames, where);
  const { method = 'greedy', width = 4, steps, end, never = [], lengthPenalty = 0 } = options;
  mustBe(Array.isArray(never), where, 'never must be a list of class numbers', never);
  mustBeOneOf(method, ['greedy', 'sample', 'beam'], where, 'method');
  mustCount(steps, where, 'steps');
  mustCount(width, where, 'width');
  const O = network.output;
  for (const [name, classes] of Object.entries({ end: end === undefined ? [] : [end], never }))
    for (const k of classes)
      must(Number.isInteger(k) && k >= 0 && k < O, where, `${name} must be a class number in 0…${O - 1}`, k);
  must(new Set(never).size < O, where, 'never must leave a class', 'all of them');
  const finite = Number.isFinite(lengthPenalty) && lengthPenalty >= 0;
  must(finite, where, 'lengthPenalty must be a finite number >= 0', lengthPenalty);
  const { temperature = 1, topK } = options;
  must(
    temperature >= 0 && Number.isFinite(temperature),
    where,
    'temperature must be finite and >= 0',
    temperature,
  );
  if (topK !== undefined) mustCount(topK, where, 'topK');

  const beam = method === 'beam' ? width : 1;
  const writer = new Writer(network, batch, beam);
  const first = firstOf(network, batch, writer.rows / beam);
  const silenced = silence(writer, never);
  if (method === 'beam') return beamSearch(silenced, first, { width, steps, end, lengthPenalty });
  const { random = new Random(0) } = options;
  mustBeRandom(random, where);
  const choose = (logs: Float64Array): number =>
    method === 'greedy' ? likeliest(logs) : drawClass(logs, { temperature, topK }, random);
  return oneByOne(silenced, first, { steps, end, choose });
}
const where = 'decode';

/** The classes that are read before the first one is written: the start symbol of a decoder, or the given classes. */
function firstOf({ architecture }: Network, { x }: DecodeInput, B: number): number[][] {
  if (architecture.encoder) return [Array<number>(B).fill(architecture.start ?? 0)];
  const { shape, numbers } = flatten(x, where, 'x');
  must(shape.length === 2 && shape[0] >= 1, where, 'x must be class numbers [T, B]', `[${shape.join(', ')}]`);
  return Array.from({ length: shape[0] }, (_, t) => Array.from({ length: B }, (_, b) => numbers[t * B + b]));
}

/** The same steps, with a log probability of −∞ for the classes in `never`. */
const silence = (steps: Steps, never: readonly number[]): Steps => ({
  rows: steps.rows,
  classes: steps.classes,
  reorder: (from) => steps.reorder(from),
  step(read) {
    const logs = steps.step(read);
    for (let k = 0; k < steps.rows; k++) for (const c of never) logs[k * steps.classes + c] = -Infinity;
    return logs;
  },
});

/** Greedy decoding or sampling: one hypothesis per row, its classes chosen step by step. */
export function oneByOne(
  writer: Steps,
  first: readonly (readonly number[])[],
  { steps, end, choose }: { steps: number; end?: number; choose: (logs: Float64Array) => number },
): Hypothesis[][] {
  const { rows, classes: O } = writer;
  const written = Array.from({ length: rows }, () => ({
    classes: [] as number[],
    logProbability: 0,
    ended: false,
  }));
  let logs: Float64Array = new Float64Array();
  for (const read of first) logs = writer.step(read);
  for (let t = 0; t < steps; t++) {
    const read = written.map((row, k) => {
      if (row.ended) return first[0][k]; // any class: the output is ignored
      const own = logs.subarray(k * O, (k + 1) * O);
      const next = choose(own);
      row.logProbability += own[next];
      row.ended = next === end;
      if (!row.ended) row.classes.push(next);
      return next;
    });
    if (t === steps - 1 || written.every(({ ended }) => ended)) break;
    logs = writer.step(read);
  }
  return written.map((row) => [{ ...row, score: row.logProbability }]);
}

/** The beam of one row: prefixes that are being extended, and finished hypotheses. */
interface Beam {
  live: { classes: number[]; logProbability: number }[];
  done: Hypothesis[];
}

/**
 * Beam search, on a writer with `width` rows for each row of the batch.
 *
 * Each step keeps the best `width` continuations of a row's prefixes; those that end leave the beam. With width 1 this is
 * greedy decoding; with a beam wide enough to never drop a prefix it finds the most likely sequence. It stops as soon as
 * no unfinished prefix can still rank among the best.
 */
export function beamSearch(
  writer: Steps,
  first: readonly (readonly number[])[],
  { width, steps, end, lengthPenalty }: { width: number; steps: number; end?: number; lengthPenalty: number },
): Hypothesis[][] {
  const { classes: O } = writer;
  const B = writer.rows / width;
  const beams = Array.from({ length: B }, (): Beam => ({
    live: [{ classes: [], logProbability: 0 }],
    done: [],
  }));
  const score = (logProbability: number, length: number): number => logProbability / length ** lengthPenalty;
  let logs: Float64Array = new Float64Array();
  for (const read of first) logs = writer.step(read.flatMap((c) => Array<number>(width).fill(c)));

  for (let t = 1; t <= steps; t++) {
    const read = new Int32Array(writer.rows);
    const from = Int32Array.from(read.keys());
    beams.forEach((beam, b) => {
      const best = continuations(beam.live, logs.subarray(b * width * O, (b + 1) * width * O), O).slice(
        0,
        width,
      );
      const before = beam.live;
      beam.live = [];
      for (const { parent, next, logProbability } of best) {
        const classes = next === end ? before[parent].classes : [...before[parent].classes, next];
        if (next === end || t === steps)
          beam.done.push({ classes, logProbability, score: score(logProbability, t), ended: next === end });
        else {
          const k = b * width + beam.live.push({ classes, logProbability }) - 1;
          [read[k], from[k]] = [next, b * width + parent];
        }
      }
      beam.done.sort((p, q) => q.score - p.score).splice(width);
      // a log probability can only decrease, and is divided by at most steps^α
      const hope =
        beam.live.length > 0 ? score(beam.live[0].logProbability, lengthPenalty > 0 ? steps : 1) : -Infinity;
      if (beam.done.length === width && beam.done[width - 1].score >= hope) beam.live = [];
    });
    if (beams.every(({ live }) => live.length === 0)) break;
    writer.reorder(from);
    logs = writer.step(read);
  }
  return beams.map(({ done }) => done);
}

/** All continuations of a row's prefixes, most likely first; ties are broken by the better prefix. */
function continuations(live: Beam['live'], logs: Float64Array, O: number) {
  const all = live.flatMap(({ logProbability }, parent) =>
    Array.from({ length: O }, (_, next) => ({
      parent,
      next,
      logProbability: logProbability + logs[parent * O + next],
    })),
  );
  return all
    .filter((one) => one.logProbability > -Infinity)
    .sort((p, q) => q.logProbability - p.logProbability);
}
