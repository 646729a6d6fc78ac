/**
 * Connectionist temporal classification: the probability of a sequence of labels shorter than the outputs, summed over all
 * alignments of one with the other.
 *
 *   y [T, B, O]   p = softmax(y)   labels l of a row, with a blank before, between and after: l' = _ l1 _ l2 _ … [S = 2 U + 1]
 *
 *   α_t(s) = p_t(l'_s) · (α_{t−1}(s) + α_{t−1}(s − 1) + α_{t−1}(s − 2))    the last term only if l'_s is no blank and not l'_{s−2}
 *   β_t(s) = Σ over r = s, s + 1, s + 2 of p_{t+1}(l'_r) · β_{t+1}(r)          likewise; without the output at t itself
 *   P = Σ_s α_t(s) β_t(s), the same at every t        L = −log P
 *
 *   dL/dy_t(k) = p_t(k) − Σ_{s: l'_s = k} α_t(s) β_t(s) / P
 *
 * The first term is the normalization of the softmax, the second the share of all alignments that is in label k at t: ∂P/∂p_t(k)
 * has one term α_t(s) β_t(s) / p_t(k) for each place s of the label. All products are sums of logarithms.
 *
 * Source: Graves, Fernández, Gomez & Schmidhuber 2006, "Connectionist temporal classification", equations 6 to 16.
 */
import { must, mustBe, mustBeOneOf, mustCount, mustKnowKeys } from '../../core/check';
import { contents, isList, isTensor, type Tensor } from '../../core/tensor';
import { readLengths } from '../network/batch/sequence';
import type { LossFunction } from './ownloss';

/** Options of `ctc`. */
export interface CtcOptions {
  /** The class of "no label"; default 0. */
  blank?: number;
  /**
   * `mean` (default): each row's loss is divided by its number of labels, then averaged over the rows, as by PyTorch's CTCLoss;
   * `sum`: the sum over the rows.
   */
  reduction?: 'mean' | 'sum';
}

/**
 * Connectionist temporal classification as the loss of `fit`, for labels without a known alignment: speech, handwriting, genes.
 *
 * The network has no loss of its own, and one output for each label and one for the blank. `targets` of a batch are a list of
 * labels for each row; `lengths` are the steps of its input.
 *
 * @returns a function from a pass and its batch to the loss and dL/doutput.
 * @throws RangeError for a label that is no class or the blank, or more labels than a row's steps can hold: one step for
 *   each, and one for the blank between two equal ones.
 * @example
 * const speech = network({ layers: [lstm({ input: 2, hidden: 8 })], output: 4 });
 * const heard = { x: [[[0, 1]], [[1, 0]], [[1, 1]], [[0, 0]]], targets: [[1, 3]] };
 * const { stopped } = await fit(speech, Array(10).fill(heard), { loss: ctc(), optimizer: { name: 'adam' } });
 * stopped // 'batches'
 */
export function ctc(options: CtcOptions = {}): LossFunction {
  const where = 'ctc';
  mustKnowKeys(options, ['blank', 'reduction'], where);
  const { blank = 0, reduction = 'mean' } = options;
  mustCount(blank, where, 'blank', 0);
  mustBeOneOf(reduction, ['mean', 'sum'], where, 'reduction');
  const lossOf: LossFunction = ({ output }, { targets, lengths }) => {
    const [T, B, O] = mustBeSteps(output, blank, where);
    const rows = labelsOf(targets, B, O, blank, where);
    const y = contents(output);
    const numbers = new Float64Array(y.length);
    let loss = 0;
    rows.forEach((labels, b) => {
      const steps = lengths?.[b] ?? T;
      const repeated = labels.filter((label, k) => label === labels[k - 1]).length;
      const least = labels.length + repeated;
      const why = `${labels.length} labels, ${repeated} of them equal to the one before`;
      must(steps >= least, where, `row ${b} must have at least ${least} steps`, steps, why);
      const logP = Array.from({ length: steps }, (_, t) => logSoftmax(y, (t * B + b) * O, O));
      const { logTotal, occupied } = align(logP, labels, blank);
      const weight = reduction === 'sum' ? 1 : 1 / (B * Math.max(1, labels.length));
      loss -= weight * logTotal;
      for (let t = 0; t < steps; t++)
        for (let k = 0; k < O; k++)
          numbers[(t * B + b) * O + k] = weight * (Math.exp(logP[t][k]) - occupied[t][k]);
    });
    return { loss, output: { shape: [T, B, O], numbers } };
  };
  lossOf.check = ({ architecture: { topology }, output }) => {
    const steps = 'the network must have an input and an output at every step';
    mustBe(topology === 'many-to-many', where, steps, topology);
    must(blank < output, where, `blank must be a class in 0…${output - 1}`, blank);
  };
  return lossOf;
}

/**
 * The labels of the most likely path: the likeliest class of each step, repetitions joined, blanks left out.
 * @param options `blank` as for `ctc`; `lengths`, the steps of each row, default all.
 * @returns a list of labels for each row.
 * @throws RangeError for a blank that is no class, or lengths that do not fit the output.
 * @example
 * // 1 1 _ 1 2 is 1 1 2
 * const path = tensor([[[0, 1, 0]], [[0, 1, 0]], [[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]]);
 * ctcLabels(path) // [[1, 1, 2]]
 */
export function ctcLabels(
  output: Tensor,
  options: { blank?: number; lengths?: readonly number[] } = {},
): number[][] {
  const where = 'ctcLabels';
  mustBe(isTensor(output), where, 'the output must be a tensor', output);
  mustKnowKeys(options, ['blank', 'lengths'], where);
  const { blank = 0 } = options;
  mustCount(blank, where, 'blank', 0);
  const [T, B, O] = mustBeSteps(output, blank, where);
  const lengths = readLengths(options.lengths, T, B, where, 'lengths');
  const y = contents(output);
  return lengths.map((steps, b) => {
    const classes = Array.from({ length: steps }, (_, t) => likeliest(y, (t * B + b) * O, O));
    return classes.filter((label, t) => label !== blank && label !== classes[t - 1]);
  });
}

function mustBeSteps({ shape }: Tensor, blank: number, where: string): [T: number, B: number, O: number] {
  const why = 'the network must have an output at every step';
  must(shape.length === 3, where, 'the output must be [T, B, O]', `[${shape.join(', ')}]`, why);
  const [T, B, O] = shape;
  must(blank < O, where, `blank must be a class in 0…${O - 1}`, blank);
  return [T, B, O];
}

function labelsOf(targets: unknown, B: number, O: number, blank: number, where: string): number[][] {
  mustBe(isList(targets), where, 'targets must be a list of labels for each row', targets);
  must(targets.length === B, where, `targets must be of ${B} rows`, targets.length);
  return Array.from(targets, (row: unknown, b) => {
    mustBe(isList(row), where, `the targets of row ${b} must be a list of labels`, row);
    const labels = Array.from(row as ArrayLike<number>);
    for (const label of labels) {
      const fits = Number.isInteger(label) && label >= 0 && label < O && label !== blank;
      must(fits, where, `labels must be classes in 0…${O - 1} other than the blank, ${blank}`, label);
    }
    return labels;
  });
}

/**
 * log P of the labels of one row, and the share of all alignments that is in each class at each step.
 * @param logP the logarithms of the class probabilities [steps][O].
 */
function align(
  logP: readonly Float64Array[],
  labels: readonly number[],
  blank: number,
): { logTotal: number; occupied: Float64Array[] } {
  const steps = logP.length;
  const S = 2 * labels.length + 1;
  const at = (s: number): number => (s % 2 === 0 ? blank : labels[(s - 1) / 2]);
  /** Whether an alignment may go from s − 2 to s, without the blank between them. */
  const skips = (s: number): boolean => s >= 2 && at(s) !== blank && at(s) !== at(s - 2);
  const nowhere = (): Float64Array => new Float64Array(S).fill(-Infinity);
  const alpha = logP.map(nowhere);
  const beta = logP.map(nowhere);
  // an alignment begins with the first blank or the first label, and ends with the last label or the last blank
  for (let s = 0; s < Math.min(2, S); s++) alpha[0][s] = logP[0][at(s)];
  for (let t = 1; t < steps; t++)
    for (let s = 0; s < S; s++) {
      const before = alpha[t - 1];
      const come = logAdd(before[s], s >= 1 ? before[s - 1] : -Infinity);
      alpha[t][s] = logP[t][at(s)] + logAdd(come, skips(s) ? before[s - 2] : -Infinity);
    }
  for (let s = Math.max(0, S - 2); s < S; s++) beta[steps - 1][s] = 0;
  for (let t = steps - 2; t >= 0; t--)
    for (let s = 0; s < S; s++) {
      const after = (r: number): number => (r < S ? logP[t + 1][at(r)] + beta[t + 1][r] : -Infinity);
      const go = logAdd(after(s), after(s + 1));
      beta[t][s] = logAdd(go, s + 2 < S && skips(s + 2) ? after(s + 2) : -Infinity);
    }
  const last = alpha[steps - 1];
  const logTotal = logAdd(last[S - 1], S > 1 ? last[S - 2] : -Infinity);
  const occupied = logP.map((row, t) => {
    const shares = new Float64Array(row.length);
    for (let s = 0; s < S; s++) shares[at(s)] += Math.exp(alpha[t][s] + beta[t][s] - logTotal);
    return shares;
  });
  return { logTotal, occupied };
}

/** log(exp(a) + exp(b)); −∞ is the logarithm of 0. */
function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

function logSoftmax(y: ArrayLike<number>, at: number, O: number): Float64Array {
  let highest = -Infinity;
  for (let k = 0; k < O; k++) highest = Math.max(highest, y[at + k]);
  let sum = 0;
  for (let k = 0; k < O; k++) sum += Math.exp(y[at + k] - highest);
  return Float64Array.from({ length: O }, (_, k) => y[at + k] - highest - Math.log(sum));
}

function likeliest(y: ArrayLike<number>, at: number, O: number): number {
  let best = 0;
  for (let k = 1; k < O; k++) if (y[at + k] > y[at + best]) best = k;
  return best;
}
