/** Softmax cross-entropy of a vector's logits, its gradient, and the other values that a vector may expect. */
import { recordLoss } from '../losses';
import { must, mustShape } from '../core/check';
import { lazyEquations } from '../core/equations/equations';
import { plain } from '../core/plain';
import { Program } from '../core/program';
import { tensor, toFlat, zeros } from '../core/tensor';
import type { Vector } from './vectors';

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
export function crossEntropy(logits: readonly number[], O: number, { loss }: Vector): CrossEntropy {
  must(loss?.type === 'cross_entropy', 'verify', 'the loss must be cross_entropy', loss?.type);
  const N = logits.length / O;
  mustShape([loss.targets.data.length], [N], 'verify', 'loss.targets');
  const v = {
    y: tensor(Float64Array.from(logits), [N, O]),
    dy: zeros([N, O]),
    target: zeros([N, O]),
    weight: zeros([N, 1]),
    rowLoss: zeros([N, 1]),
    loss: zeros([1]),
  };
  v.weight.data.fill(loss.reduction === 'mean' ? 1 / N : 1);
  loss.targets.data.forEach((k, row) => {
    const fits = Number.isInteger(k) && k >= 0 && k < O;
    must(fits, 'verify', `loss.targets must be class numbers in 0…${O - 1}`, k);
    v.target.set(row, k, 1);
  });
  const [forward, backward] = [new Program(), new Program()];
  recordLoss('softmax', forward, backward, v);
  const [logSum, logP, p] = [zeros([N, 1]), zeros([N, O]), zeros([N, O])];
  logSoftmax.record(forward, { y: v.y, logSum, logP, p });
  forward.bind(plain)();
  backward.bind(plain)();
  return { loss: v.loss.get(0), probs: toFlat(p), logProbs: toFlat(logP), dLogits: toFlat(v.dy) };
}
