/** Turns the outputs of a network into predictions, by the function that belongs to its loss. */
import { softmaxRows } from '../../core/softmax';
import { contents, dtypeOf, outside, type Tensor } from '../../core/tensor';
import { lossOf } from '../../losses';

/**
 * A new tensor of predictions: softmax or σ of the outputs [..., O], or the outputs themselves.
 * @param loss the name of the network's loss, if it has one.
 */
export function predictionsOf(output: Tensor, loss: string | undefined): Tensor {
  const { shape } = output;
  const prediction = loss === undefined ? 'same' : lossOf(loss).prediction;
  if (prediction === 'same') return output;
  const numbers = contents(output);
  const predicted = outside(shape, dtypeOf(output));
  const rows = numbers.length / shape[shape.length - 1];
  predicted.data.set(prediction === 'softmax' ? softmaxRows(numbers, rows) : numbers.map(sigmoid));
  return predicted;
}

/** σ(y), without an overflow for y far below 0. */
const sigmoid = (y: number): number => (y >= 0 ? 1 / (1 + Math.exp(-y)) : Math.exp(y) / (1 + Math.exp(y)));
