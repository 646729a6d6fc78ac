/** Losses of a vector's outputs and their gradients; for softmax, also the other values that a vector may expect. */
import { lossOf, mustFitOutput, recordLoss } from '../losses';
import { must, mustShape } from '../core/check';
import { lazyEquations } from '../core/equations/equations';
import { plain } from '../core/programs/plain';
import { Program } from '../core/programs/program';
import { tensor, toFlat, zeros } from '../core/tensor';
import type { TestVector } from './vectors';

export interface CrossEntropy {
  loss: number;
  probs: number[];
  logProbs: number[];
  dLogits: number[];
}

const logSoftmax = lazyEquations(
  'softmax',
  'y [N, O]   writes logSum [N, 1]   logP, p [N, O]',
  `logSum = logsumexp(y, axis=1)
   logP = y - logSum
   p = exp(logP)`,
);

/**
 * The loss of a vector, from its logits [N, O] row-major.
 * @throws RangeError when the vector has another loss, or a number of targets other than N.
 */
export function vectorCrossEntropy(logits: readonly number[], O: number, { loss }: TestVector): CrossEntropy {
  must(loss?.type === 'cross_entropy', 'verify', 'the loss must be cross_entropy', loss?.type);
  const N = logits.length / O;
  const { program, v } = passOf(
    'softmax',
    logits,
    O,
    loss.targets.data,
    loss.reduction === 'mean' ? 1 / N : 1,
  );
  const [logSum, logP, p] = [zeros([N, 1]), zeros([N, O]), zeros([N, O])];
  logSoftmax.record(program, { y: v.y, logSum, logP, p });
  program.bind(plain)();
  return { loss: v.loss.get(0), probs: toFlat(p), logProbs: toFlat(logP), dLogits: toFlat(v.dy) };
}

/**
 * The mean over the rows of a vector's named loss, from its outputs [N, O] row-major, and dy.
 * @throws RangeError when the vector has another loss, or a number of targets that does not fit.
 */
export function namedLoss(
  y: readonly number[],
  O: number,
  { loss }: TestVector,
): { loss: number; dy: number[] } {
  must(loss?.type === 'named', 'verify', 'the loss must be named', loss?.type);
  mustFitOutput(loss.name, O, 'verify');
  const each = lossOf(loss.name, 'verify').perOutput ? 1 : O;
  const { program, v } = passOf(loss.name, y, O, loss.targets.data, each / y.length);
  program.bind(plain)();
  return { loss: v.loss.get(0), dy: toFlat(v.dy) };
}

/** The passes of a loss in one program: forward, then backward. */
function passOf(name: string, y: readonly number[], O: number, targets: readonly number[], weight: number) {
  const N = y.length / O;
  const classes = lossOf(name, 'verify').targets === 'classes';
  mustShape([targets.length], [classes ? N : N * O], 'verify', 'loss.targets');
  const v = {
    y: tensor(Float64Array.from(y), [N, O]),
    dy: zeros([N, O]),
    target: classes ? zeros([N, O]) : tensor(Float64Array.from(targets), [N, O]),
    weight: zeros([N, 1]),
    rowLoss: zeros([N, 1]),
    loss: zeros([1]),
  };
  v.weight.data.fill(weight);
  if (classes)
    targets.forEach((k, row) => {
      const fits = Number.isInteger(k) && k >= 0 && k < O;
      must(fits, 'verify', `loss.targets must be class numbers in 0…${O - 1}`, k);
      v.target.set(row, k, 1);
    });
  const program = new Program();
  recordLoss(name, program, program, v);
  return { program, v };
}
