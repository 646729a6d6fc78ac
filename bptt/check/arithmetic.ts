/** The arithmetic of derivatives: on floating-point numbers here, on residues modulo a prime in `bptt/check/exact/oracle.ts`. */
import { plain } from '../../core/programs/plain';
import type { Executor } from '../../core/programs/program';
import type { Tensor } from '../../core/tensor';
import type { Direction } from './judge';
import type { Problem } from './problem';
import { DualExecutor } from './rtrl';

/** Runs programs on values and derivatives, and adds and multiplies what they give. */
export interface Arithmetic {
  /** Runs programs on values and their derivatives together. */
  readonly moving: Executor;
  /** Runs programs on values alone. */
  readonly still: Executor;
  /** The values of a tensor, and their derivatives. */
  readonly value: (t: Tensor) => Tensor;
  readonly tangentOf: (t: Tensor) => Tensor;
  /** Sets the derivatives of variables to a direction, and all others to zero. */
  readonly move: (variables: Problem['variables'], direction: Direction) => void;
  readonly add: (a: number, b: number) => number;
  readonly mul: (a: number, b: number) => number;
}

/** Floating-point numbers. @param still runs programs on values alone. */
export function floatArithmetic(still: Executor = plain): Arithmetic {
  const moving = new DualExecutor();
  return {
    ...{ moving, still },
    value: (t) => t,
    tangentOf: (t) => moving.tangentOf(t),
    move: (variables, direction) => moving.move(variables, direction),
    add: (a, b) => a + b,
    mul: (a, b) => a * b,
  };
}
