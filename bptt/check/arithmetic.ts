/** The arithmetic of derivatives: on floating-point numbers here, on residues modulo a prime in `bptt/check/exact/oracle.ts`. */
import { plain } from '../../core/programs/plain';
import type { Executor } from '../../core/programs/program';
import type { Tensor } from '../../core/tensor';
import type { Direction } from './judge';
import type { Problem } from './problem';
import { DualExecutor, LANES } from './rtrl';

/** Runs programs on values and derivatives, and adds and multiplies what they give. */
export interface Arithmetic {
  /** Runs programs on values and their derivatives together. */
  readonly moving: Executor;
  /** Runs programs on values alone. */
  readonly still: Executor;
  /** The values of a tensor, and their derivatives. */
  readonly value: (t: Tensor) => Tensor;
  readonly tangentOf: (t: Tensor, lane?: number) => Tensor;
  /** Sets the derivatives of variables to up to `lanes` directions, and all others to zero. */
  readonly move: (variables: Problem['variables'], ...directions: readonly Direction[]) => void;
  /** Number of directions that it can compute at once. */
  readonly lanes: number;
  readonly add: (a: number, b: number) => number;
  readonly mul: (a: number, b: number) => number;
}

/** Floating-point numbers. @param still runs programs on values alone. */
export function floatArithmetic(still: Executor = plain): Arithmetic {
  const moving = new DualExecutor(LANES);
  return {
    ...{ moving, still, lanes: LANES },
    value: (t) => t,
    tangentOf: (t, lane) => moving.tangentOf(t, lane),
    move: (variables, ...directions) => moving.move(variables, ...directions),
    add: (a, b) => a + b,
    mul: (a, b) => a * b,
  };
}
