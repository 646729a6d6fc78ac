/**
 * Gradient clipping, the cure for exploding gradients: by global norm, or by value.
 *
 * Both work on the gradients of all parameters together, after `backward` and before the optimizer's step.
 */
import { isNumber, must, mustBe, mustKnowKeys } from '../../core/check';
import type { Data } from '../../core/memory';
import { firstBadParameter } from '../network/notfinite';
import { Parameters } from '../network/parameters';
import type { ElementRange } from '../network/usedrows';

const mustBeParameters = (parameters: unknown): void =>
  mustBe(
    parameters instanceof Parameters,
    'clip',
    'the first argument must be the parameters of a network',
    parameters,
    'network.parameters',
  );

/** Squares are summed in blocks of this size, to limit the growth of rounding errors. */
const BLOCK = 4096;

/**
 * g ← g · min(1, η / (‖g‖₂ + epsilon)) over all parameters together: keeps the direction and limits the norm to η.
 *
 * If the norm is at most η, the gradients are not changed at all.
 * Source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks".
 *
 * @param maxNorm η > 0; Infinity to measure only.
 * @param epsilon default 0; PyTorch uses 1e-6.
 * @param within the only gradients that may be other than 0, as elements of all parameters in one row; default all.
 * @returns ‖g‖ before clipping, and the factor applied to the gradients.
 * @throws RangeError if a gradient is NaN or infinite, naming the first one; nothing is scaled then.
 * @example
 * net.parameters.zeroGradients();
 * net.forward(batch).backward();
 * const { norm, coefficient } = clipGlobalNorm(net.parameters, 5);
 */
export function clipGlobalNorm(
  parameters: Parameters,
  maxNorm: number,
  options: { epsilon?: number; within?: readonly ElementRange[] } = {},
): { norm: number; coefficient: number } {
  mustBeParameters(parameters);
  mustKnowKeys(options, ['epsilon', 'within'], 'clip');
  const { epsilon = 0, within } = options;
  must(isNumber(maxNorm) && maxNorm > 0, 'clip', 'the norm must be > 0', maxNorm);
  must(epsilon >= 0 && Number.isFinite(epsilon), 'clip', 'epsilon must be a finite number >= 0', epsilon);
  const norm = globalNorm(parameters, within);
  const coefficient = Math.min(1, maxNorm / (norm + epsilon));
  if (coefficient < 1) scaleGradients(parameters, coefficient, within);
  return { norm, coefficient };
}

/**
 * Limits every gradient value to −limit…limit; this changes the direction.
 *
 * @param within the only gradients that may be other than 0, as elements of all parameters in one row; default all.
 * @throws RangeError if a gradient is NaN or infinite, naming the first one; nothing is changed then.
 * @example clipValue(net.parameters, 1);
 */
export function clipValue(parameters: Parameters, limit: number, within?: readonly ElementRange[]): void {
  mustBeParameters(parameters);
  must(isNumber(limit) && limit > 0, 'clip', 'the limit must be > 0', limit);
  mustBeFinite(parameters);
  const g = parameters.trainedGradients;
  for (const { from, to } of within ?? wholeOf(parameters))
    for (let k = from; k < to; k++) g[k] = Math.max(-limit, Math.min(limit, g[k]));
}

/**
 * ‖g‖₂ of all gradients together, computed in float64.
 *
 * @param within the only gradients that may be other than 0, as elements of all parameters in one row; default all.
 * @throws RangeError if a gradient is NaN or infinite, naming the first one.
 * @example
 * net.parameters.zeroGradients();
 * globalNorm(net.parameters); // 0
 * net.forward(batch).backward();
 * globalNorm(net.parameters) > 0; // true
 */
export function globalNorm(parameters: Parameters, within?: readonly ElementRange[]): number {
  mustBeParameters(parameters);
  const g = parameters.trainedGradients;
  const ranges = within ?? wholeOf(parameters);
  const sum = sumOfSquares(parameters, 1, ranges);
  // if squares overflow or underflow, scale the entries first
  if (sum > 1e-280 && sum < Infinity) return Math.sqrt(sum);
  mustBeFinite(parameters);
  let largest = 0;
  for (let k = 0; k < g.length; k++) largest = Math.max(largest, Math.abs(g[k]));
  const norm = largest === 0 ? 0 : largest * Math.sqrt(sumOfSquares(parameters, largest, ranges));
  must(norm < Infinity, 'clip', 'the norm of the gradients must be finite', norm);
  return norm;
}

/** g ← factor · g for all parameters. */
export function scaleGradients(
  parameters: Parameters,
  factor: number,
  within: readonly ElementRange[] = wholeOf(parameters),
): void {
  const g = parameters.trainedGradients;
  for (const { from, to } of within) for (let k = from; k < to; k++) g[k] *= factor;
}

const wholeOf = ({ flat }: Parameters): ElementRange[] => [{ from: 0, to: flat.shape[1] }];

/** Σ (g / unit)² over the blocks that hold gradients other than zero: in the order of the sum over all. */
function sumOfSquares(parameters: Parameters, unit: number, within: readonly ElementRange[]): number {
  const g = parameters.trainedGradients;
  const { sumSquares } = parameters.executor;
  const blocks = new Uint8Array(Math.ceil(g.length / BLOCK));
  for (const { from, to } of within) blocks.fill(1, Math.floor(from / BLOCK), Math.ceil(to / BLOCK));
  let total = 0;
  blocks.forEach((isThere, k) => {
    if (isThere === 0) return;
    const [start, end] = [k * BLOCK, Math.min((k + 1) * BLOCK, g.length)];
    total += (unit === 1 ? sumSquares?.(g, start, end) : undefined) ?? loop(g, start, end, unit);
  });
  return total;
}

function loop(g: Data, start: number, end: number, unit: number): number {
  let sum = 0;
  for (let k = start; k < end; k++) {
    const x = g[k] / unit;
    sum += x * x;
  }
  return sum;
}

function mustBeFinite(parameters: Parameters): void {
  const bad = firstBadParameter(parameters, 'gradients');
  must(bad === undefined, 'clip', 'gradients must be finite', bad);
}
