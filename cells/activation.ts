/** Other activations in the text of a cell. */
import type { CellEquations } from './define';

/** The function f of h = f(z). */
export type Activation = 'tanh' | 'sigmoid' | 'relu';

/** f', written in terms of y = f(z), which forward saved: z itself is not needed again. */
export const slopes: Readonly<Record<Activation, (y: string) => string>> = {
  tanh: (y) => `1 - ${y} * ${y}`,
  sigmoid: (y) => `${y} * (1 - ${y})`,
  relu: (y) => `step(${y})`,
};

export const activationNames = Object.keys(slopes) as Activation[];

/** A slope as cells write it, a factor of a product. */
const factor = (f: Activation, y: string): string => (f === 'tanh' ? `(${slopes[f](y)})` : slopes[f](y));

const brackets = /[()*+]/g;

/**
 * A cell with other activations. Where its text says `g = tanh(ag)` and, in the backward lines and the Jacobian,
 * `(1 - g * g)`, those of the chosen function stand instead.
 *
 * With a clip K, an activation reads max(min(a, K), -K), and its slope is 0 beyond K. What stood before the clip is kept
 * as `kg`: once clipped it would no longer say on which side of K it was.
 * @param choice an activation for every value of forward that is one: `{ i: 'sigmoid', g: 'relu' }`.
 * @throws Error for a value that is no activation in the text.
 */
export function withActivations(
  equations: CellEquations,
  choice: Readonly<Record<string, Activation>>,
  clip?: number,
): CellEquations {
  let { forward, backward, jacobian } = equations;
  for (const [y, f] of Object.entries(choice)) {
    const line = new RegExp(`^( *)${y} = (${activationNames.join('|')})\\((.*)\\)$`, 'm');
    const found = line.exec(forward);
    if (!found) throw new Error(`withActivations: ${y} must be an activation in ${equations.name}`);
    const [whole, indent, own, argument] = found;
    if (f === own && clip === undefined) continue;
    const lines =
      clip === undefined
        ? `${indent}${y} = ${f}(${argument})`
        : `${indent}k${y} = ${argument}\n${indent}${y} = ${f}(max(min(k${y}, ${clip}), -${clip}))`;
    const slope = `(${slopes[f](y)})${clip === undefined ? '' : ` * step(${clip} - k${y}) * step(k${y} + ${clip})`}`;
    const old = new RegExp(`(?<!\\w)${factor(own as Activation, y).replace(brackets, '\\$&')}`, 'g');
    forward = forward.replace(whole, lines);
    backward = backward.replace(old, slope);
    jacobian = jacobian?.replace(old, slope);
  }
  return { ...equations, forward, backward, ...(jacobian !== undefined && { jacobian }) };
}
