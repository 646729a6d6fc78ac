/** The output layer: y = h Wy + by at every step; it has no memory, so all N = T·B rows are one product. */
import { mustCount } from '../../core/check';
import { lazyEquations } from '../../core/equations/equations';
import { constant, glorot } from '../../core/random/init';
import type { Parameter } from '../cell';

export const affine = lazyEquations(
  'affine, forward',
  'h [N, H]   Wy [H, O]   by [O]   writes y [N, O]',
  'y = h @ Wy + by',
);

export const affineBackward = lazyEquations(
  'affine, backward',
  'h [N, H]   Wy [H, O]   dy [N, O]   writes dh [N, H]   adds dWy [H, O]   dby [O]',
  `dh = dy @ Wy.T
   dWy += h.T @ dy
   dby += sum(dy)`,
);

/** The parameters of an output layer: Wy [H, O] (Glorot) and by [O] (zeros). */
export function affineParameters(hidden: number, output: number): Record<string, Parameter> {
  mustCount(output, 'affine', 'output');
  return { Wy: { shape: [hidden, output], init: glorot() }, by: { shape: [output], init: constant(0) } };
}
