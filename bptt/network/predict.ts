/** Turns the outputs of a network into predictions, by the functions that belong to its loss. */
import { softmaxRows } from '../../core/softmax';
import { columns, contents, dtypeOf, fillFrom, outside, sizeOf, type Tensor } from '../../core/tensor';
import { lossOf } from '../../losses';

/**
 * A new tensor of predictions: softmax or σ of the outputs [..., O], or the outputs themselves.
 * @param loss the name of the network's loss, if it has one.
 */
export function predictionsOf(output: Tensor, loss: string | undefined): Tensor {
  if (loss === undefined) return output;
  const { shape } = output;
  const O = shape[shape.length - 1];
  const { prediction: whole, columns: named = [['', O, whole] as const] } = lossOf(loss);
  if (named.every(([, , prediction]) => prediction === 'same')) return output;
  const predicted = outside(shape, dtypeOf(output));
  const rows = sizeOf(shape) / O;
  let from = 0;
  for (const [, width, prediction] of named) {
    const own = contents(columns(output, from, from + width));
    const made =
      prediction === 'softmax' ? softmaxRows(own, rows) : prediction === 'same' ? own : own.map(sigmoid);
    fillFrom(columns(predicted, from, from + width), made);
    from += width;
  }
  return predicted;
}

/** σ(y), without an overflow for y far below 0. */
const sigmoid = (y: number): number => (y >= 0 ? 1 / (1 + Math.exp(-y)) : Math.exp(y) / (1 + Math.exp(y)));
