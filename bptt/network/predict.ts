/** Turns the outputs of a network into predictions, by the functions that belong to its loss. */
import { softmaxRows } from '../../core/softmax';
import { contents, dtypeOf, outside, type Tensor } from '../../core/tensor';
import { lossOf } from '../../losses';

/**
 * A new tensor of predictions: softmax or σ of the outputs [..., O], or the outputs themselves.
 * @param loss the name of the network's loss, if it has one.
 */
export function predictionsOf(output: Tensor, loss: string | undefined): Tensor {
  if (loss === undefined) return output;
  const { shape } = output;
  const O = shape[shape.length - 1];
  const { prediction: whole, columns = [['', O, whole]] } = lossOf(loss);
  if (columns.every(([, , prediction]) => prediction === 'same')) return output;
  const numbers = contents(output);
  const predicted = outside(shape, dtypeOf(output));
  const rows = numbers.length / O;
  let from = 0;
  for (const [, width, prediction] of columns) {
    const part = new Float64Array(rows * width);
    for (let k = 0; k < part.length; k++) part[k] = numbers[Math.floor(k / width) * O + from + (k % width)];
    const made =
      prediction === 'softmax' ? softmaxRows(part, rows) : prediction === 'same' ? part : part.map(sigmoid);
    for (let k = 0; k < part.length; k++)
      predicted.data[Math.floor(k / width) * O + from + (k % width)] = made[k];
    from += width;
  }
  return predicted;
}

/** σ(y), without an overflow for y far below 0. */
const sigmoid = (y: number): number => (y >= 0 ? 1 / (1 + Math.exp(-y)) : Math.exp(y) / (1 + Math.exp(y)));
