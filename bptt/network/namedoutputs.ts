/** Several outputs by name: adjacent columns of one output layer, each with a loss of its own. */
import { must, mustBe, mustKnowKeys } from '../../core/check';
import { columns, copied, isTensor, type Numbers, type Tensor } from '../../core/tensor';
import { loss, lossOf, type Loss } from '../../losses';
import { joinedLoss, type NamedOutput } from '../../losses/joined';
import { flatten, type FlatNumbers } from './batch/numbers';

export type { NamedOutput } from '../../losses/joined';

/** What a network with several outputs needs: `namedOutputs` makes it. */
export interface NamedOutputs<Name extends string> {
  /** The width of the output layer. */
  readonly width: number;
  /** The weighted sum of the losses: `network({ output: named.width, loss: named.loss })`. */
  readonly loss: Loss;
  /**
   * The targets of a batch: for each output, class numbers [T, B] or numbers [T, B, width]; without T if each row has one output.
   * @throws RangeError for a shape that does not fit the others, or a class that is none.
   */
  targets(named: Readonly<Record<Name, Numbers | FlatNumbers>>): FlatNumbers;
  /** The columns of each output, of `net.predict` or `pass.output`. */
  split(output: Tensor): Record<Name, Tensor>;
}

/**
 * Several outputs of one network, each with a loss of its own: the network minimizes their weighted sum.
 *
 * The sum is a loss by equations: it is checked like the others, runs on threads, and is stored in a checkpoint. `net.predict` gives
 * probabilities for classes (softmax) and for bits (bernoulli), and the other outputs as they are.
 *
 * @throws TypeError for an unknown loss or a name with other signs than letters and digits; RangeError for a width or weight that is
 *   not positive.
 * @example
 * const named = namedOutputs({ sign: { width: 2, loss: 'softmax' }, sum: { width: 1, loss: 'squared', weight: 0.5 } });
 * const net = network({ layers: [gru({ input: 1, hidden: 4 })], output: named.width, loss: named.loss });
 * const batch = { x: [[[1]], [[-2]]], targets: named.targets({ sign: [[1], [0]], sum: [[[1]], [[-1]]] }) };
 * gradcheck(net, { batch }).ok; // true
 * named.split(net.predict(batch)).sign.shape; // [2, 1, 2]
 */
export function namedOutputs<Name extends string>(
  outputs: Readonly<Record<Name, NamedOutput>>,
): NamedOutputs<Name> {
  const where = 'namedOutputs';
  mustBe(typeof outputs === 'object' && outputs !== null, where, 'outputs must be given by name', outputs);
  const names = Object.keys(outputs) as Name[];
  for (const name of names) mustKnowKeys(outputs[name], ['width', 'loss', 'weight'], `${where}: ${name}`);
  const made = loss(joinedLoss(outputs, where));
  const width = names.reduce((sum, name) => sum + outputs[name].width, 0);
  return {
    ...{ width, loss: made },
    targets: (named) => {
      mustKnowKeys(named, names, where, 'targets must be for');
      return joinedTargets(outputs, named, width, where);
    },
    split: (output) => {
      mustBe(isTensor(output), where, 'the output must be a tensor', output);
      const O = output.shape[output.shape.length - 1];
      must(O === width, where, `the output must be ${width} wide`, O, names.join(', '));
      let from = 0;
      const parts = names.map((name): [Name, Tensor] => {
        const to = from + outputs[name].width;
        const part = copied(columns(output, from, to));
        from = to;
        return [name, part];
      });
      return Object.fromEntries(parts) as Record<Name, Tensor>;
    },
  };
}

/** The rows of all targets beside each other; a class is a row of zeros with a 1. */
function joinedTargets<Name extends string>(
  outputs: Readonly<Record<Name, NamedOutput>>,
  named: Readonly<Record<Name, Numbers | FlatNumbers>>,
  width: number,
  where: string,
): FlatNumbers {
  let axes: number[] | undefined;
  let all = new Float64Array(0);
  let from = 0;
  for (const name of Object.keys(outputs) as Name[]) {
    const { width: own, loss } = outputs[name];
    const { shape, numbers } = flatten(named[name], where, `targets of ${name}`);
    const isClass = lossOf(loss).targets === 'classes';
    const these = isClass ? [...shape] : shape.slice(0, -1);
    axes ??= these;
    const wanted = isClass ? axes : [...axes, own];
    const why = isClass ? 'class numbers' : `${own} numbers each`;
    const fits = shape.length === wanted.length && wanted.every((n, k) => n === shape[k]);
    if (!fits)
      must(false, where, `targets of ${name} must be [${wanted.join(', ')}]`, `[${shape.join(', ')}]`, why);
    const rows = axes.reduce((n, k) => n * k, 1);
    if (all.length === 0) all = new Float64Array(rows * width);
    for (let r = 0; r < rows; r++)
      if (isClass) {
        const k = numbers[r];
        const what = `targets of ${name} must be classes in 0…${own - 1}`;
        if (!(Number.isInteger(k) && k >= 0 && k < own)) must(false, where, what, k);
        all[r * width + from + k] = 1;
      } else for (let k = 0; k < own; k++) all[r * width + from + k] = numbers[r * own + k];
    from += own;
  }
  return { shape: [...(axes ?? []), width], numbers: all };
}
