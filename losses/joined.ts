/**
 * The loss of several outputs in adjacent columns of one output layer: the weighted sum of their own losses.
 *
 * Its equations are those of the losses it is made of, with the names of their columns: `y` of the output `sign` is `y_sign`.
 */
import { must, mustBe, mustCount } from '../core/check';
import { lossOf, type LossDefinition } from './loss';

/** One of several outputs. */
export interface NamedOutput {
  /** Its number of columns: of classes, or of numbers. */
  width: number;
  /** The name of its loss: `softmax`, `squared`. */
  loss: string;
  /** The factor of its loss in the sum; default 1. */
  weight?: number;
}

/** Names in equations; those before a bracket are functions. */
const NAME = /(?<![\w.])[A-Za-z]\w*(?!\w*\s*\()/g;

/**
 * The definition of the loss of outputs by name, in the order of their columns.
 * @throws TypeError for an unknown loss or a name that equations cannot hold; RangeError for a width or weight that is not
 *   positive.
 */
export function joinedLoss(outputs: Readonly<Record<string, NamedOutput>>, where: string): LossDefinition {
  const names = Object.keys(outputs);
  must(names.length > 0, where, 'there must be an output', 'none');
  const parts = names.map((name) => partOf(name, outputs[name], where));
  const terms = parts.map(({ name, factor }) => times(factor, `rowLoss_${name}`));
  const about = names.map((name) => {
    const { width, loss, weight = 1 } = outputs[name];
    return `${name} ${width} ${weight === 1 ? '' : `${weight} `}${loss}`;
  });
  const repeated = Object.assign({}, ...parts.map((part) => part.repeated)) as Record<string, number[]>;
  const pytorch = pytorchOf(parts);
  return {
    ...{ name: about.join(', '), title: about.join(', '), targets: 'numbers' },
    columns: parts.map(({ name, width, prediction }) => [name, width, prediction]),
    forward: [...parts.map(({ forward }) => forward), `rowLoss = ${terms.join(' + ')}`].join('\n'),
    backward: parts.map(({ backward }) => backward).join('\n'),
    ...(Object.keys(repeated).length > 0 && { repeated }),
    ...(pytorch !== undefined && { pytorch }),
  };
}

/** A product with a factor, which is left out if it is 1. */
const times = (factor: number, of: string): string => (factor === 1 ? of : `${factor} * ${of}`);

type Part = ReturnType<typeof partOf>;

/** What one output contributes. */
function partOf(name: string, { width, loss, weight = 1 }: NamedOutput, where: string) {
  mustBe(/^[A-Za-z][A-Za-z\d]*$/.test(name), where, 'an output must be named by letters and digits', name);
  mustCount(width, where, `the width of ${name}`);
  must(Number.isFinite(weight) && weight > 0, where, `the weight of ${name} must be > 0`, weight);
  const { definition, targets, prediction, perOutput, repeated, pytorch } = lossOf(loss, where);
  mustBe(definition.columns === undefined, where, `the loss of ${name} must be of one output`, loss);
  for (const [key, { length }] of Object.entries(repeated))
    must(
      width % length === 0,
      where,
      `${name} must have a multiple of ${length} columns`,
      width,
      `one for each ${key}`,
    );
  const factor = perOutput ? weight / width : weight;
  const inBrackets = factor === 1 ? 'weight' : `(${times(factor, 'weight')})`;
  const own = (equations: string): string =>
    equations
      .replace(/\s*#.*/g, '')
      .trim()
      // the rows of class targets may be any numbers in a check, where a product has the stated derivative
      .replace(/select\(target, (\w+), 0\)/g, 'target * $1')
      .replace(NAME, (word) => (word === 'axis' ? word : word === 'weight' ? inBrackets : `${word}_${name}`));
  return {
    ...{ name, width, targets, prediction, factor, pytorch },
    forward: own(definition.forward),
    backward: own(definition.backward),
    repeated: Object.fromEntries(Object.entries(repeated).map(([key, list]) => [`${key}_${name}`, list])),
  };
}

/** The sum in PyTorch; undefined if one of the losses has no such form. */
function pytorchOf(parts: readonly Part[]): string | undefined {
  let from = 0;
  const terms = parts.map(({ width, targets, factor, pytorch }) => {
    const columns = `[..., ${from}:${(from += width)}]`;
    const target = `targets${columns}${targets === 'classes' ? '.argmax(-1)' : ''}`;
    return (
      pytorch &&
      times(factor, `(${pytorch.replace(/\btargets\b/g, target).replace(/\by\b/g, `y${columns}`)})`)
    );
  });
  return terms.includes(undefined) ? undefined : `(${terms.join(' + ')})`;
}
