/** Replaces the activation functions in the equations of a cell. */
import type { CellEquations } from '../define';

/** The function f of h = f(z). */
export type Activation = 'tanh' | 'sigmoid' | 'relu';

/** f' in terms of y = f(z), which forward saved, so that z is not needed. */
export const slopes: Readonly<Record<Activation, (y: string) => string>> = {
  tanh: (y) => `1 - ${y} * ${y}`,
  sigmoid: (y) => `${y} * (1 - ${y})`,
  relu: (y) => `step(${y})`,
};

export const activationNames = Object.keys(slopes) as Activation[];

/** A slope as it appears in the equations, as a factor of a product. */
const factor = (f: Activation, y: string): string => (f === 'tanh' ? `(${slopes[f](y)})` : slopes[f](y));

const brackets = /[()*+]/g;

/**
 * The equations of a cell with other activations: replaces `g = tanh(ag)` and, in the backward lines and the Jacobian,
 * `(1 - g * g)` by those of the chosen function.
 *
 * With a clip K, the activation is applied to max(min(a, K), -K), and its slope is 0 beyond K. The value before clipping is
 * kept as `kg`, because backward needs to know whether it was clipped.
 * @param choice activations by the variables they compute: `{ i: 'sigmoid', g: 'relu' }`.
 * @throws Error for a variable that is not computed by an activation.
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
