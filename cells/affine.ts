/**
 * The output layer: y = h Wy + by at every step.
 *
 *   h [N, H]   y [N, O]   Wy [H, O]   by [O]      N = T·B rows at once: it has no memory
 *
 * Forward
 *   y = h Wy + by
 *
 * Backward
 *   dh = dy Wyᵀ
 *   dWy += hᵀ dy
 *   dby += Σ dy
 */
import { mustCount } from '../core/check';
import { constant, glorot } from '../core/init';
import type { Program } from '../core/program';
import { transpose, type Tensors } from '../core/tensor';
import type { Parameter } from './cell';

/** The parameters of an output layer: Wy [H, O] (Glorot) and by [O] (zeros). */
export function affineParameters(hidden: number, output: number): Record<string, Parameter> {
  mustCount(output, 'affine', 'output');
  return { Wy: { shape: [hidden, output], init: glorot() }, by: { shape: [output], init: constant(0) } };
}

/** Records y = h Wy + by. */
export function affine(program: Program, v: Tensors): void {
  program.matmul(v.h, v.Wy, v.y, { bias: v.by });
}

/** Records dh = dy Wyᵀ, and adds into dWy and dby. */
export function affineBackward(program: Program, v: Tensors): void {
  program.matmul(v.dy, transpose(v.Wy), v.dh);
  program.matmul(transpose(v.h), v.dy, v.dWy, { accumulate: true });
  program.sumRows(v.dy, v.dby, { accumulate: true });
}
