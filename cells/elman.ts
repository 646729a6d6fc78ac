/**
 * The vanilla recurrent network (Elman 1990): a hidden state that is fed back to itself.
 *
 *   x [B, D]   h, hPrev, z [B, H]   Wx [D, H]   Wh [H, H]   b [H]
 *
 * Forward
 *   z = x Wx + b
 *   z += hPrev Wh
 *   h = tanh(z)                          (or sigmoid(z), or relu(z))
 *
 * Backward
 *   dh = dhOut + dhNext
 *   dz = dh * (1 - h * h)                (or dh * (h * (1 - h)), or dh * step(h))
 *   dx = dz Wxᵀ
 *   dhPrev = dz Whᵀ
 *   dWx += xᵀ dz
 *   dWh += hPrevᵀ dz
 *   db += Σ dz
 *
 * Jacobian
 *   Jz = Whᵀ JhPrev
 *   Jh = Jz * (1 - h * h)                (or Jz * (h * (1 - h)), or Jz * step(h))
 */
import { mustBeOneOf } from '../core/check';
import { constant } from '../core/init';
import type { Program } from '../core/program';
import { add, mul, named, relu, sigmoid, step, sub, tanh, type Scalar } from '../core/scalar';
import { statement } from '../core/statement';
import { transpose, type Tensors } from '../core/tensor';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';

export type Activation = 'tanh' | 'sigmoid' | 'relu';

/** f, and f' written in terms of h = f(z), which forward saved: z itself is not needed again. */
export const activations: Record<Activation, { f: (z: Scalar) => Scalar; slope: (h: Scalar) => Scalar }> = {
  tanh: { f: tanh, slope: (h) => sub(1, mul(h, h)) },
  sigmoid: { f: sigmoid, slope: (h) => mul(h, sub(1, h)) },
  relu: { f: relu, slope: step },
};

export const activationNames = Object.keys(activations) as Activation[];

const statements = (activation: Activation) => {
  const { f, slope } = activations[activation];
  const forward = statement(({ z }) => ({ h: f(z) }));
  const backward = statement(({ h, dhOut, dhNext }) => {
    // two paths reach h: the output at t, and the step at t+1
    const dh = named('dh', add(dhOut, dhNext));
    return { dz: mul(dh, slope(h)) };
  });
  // diag(f'(z)) Whᵀ, one row of it for each unit
  const jacobian = statement(({ h, Jz }) => ({ Jh: mul(Jz, slope(h)) }));
  return { forward, backward, jacobian };
};

export const elmanStatements = {
  tanh: statements('tanh'),
  sigmoid: statements('sigmoid'),
  relu: statements('relu'),
};

/** What `elman` is built from. */
export interface ElmanOptions extends CellOptions {
  /** f in h = f(z); default tanh. */
  activation?: Activation;
}

/**
 * A vanilla recurrent cell, h = f(x Wx + hPrev Wh + b).
 *
 *   parameters Wx [D, H]   Wh [H, H]   b [H]      state h [B, H]
 *
 * Source: Elman 1990, "Finding structure in time".
 * @throws RangeError for sizes below 1; TypeError for an unknown option or activation.
 * @example elman({ input: 4, hidden: 5, activation: 'tanh' }).parameters.Wh.shape // [5, 5]
 */
export function elman(options: ElmanOptions): Cell {
  checkCellOptions(options, 'elman', ['activation']);
  const { input: D, hidden: H, bias = true, activation = 'tanh' } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  mustBeOneOf(activation, activationNames, 'elman', 'activation');
  const { forward, backward, jacobian } = elmanStatements[activation];

  return {
    name: 'elman',
    input: D,
    hidden: H,
    options: { ...options, bias, activation, inputInit, recurrentInit },
    parameters: {
      Wx: { shape: [D, H], init: weightInit(inputInit, H, 'elman') },
      Wh: { shape: [H, H], init: weightInit(recurrentInit, H, 'elman') },
      ...(bias && { b: { shape: [H], init: constant(0) } }),
    },
    states: { h: H },
    buffers: { z: H, dz: H },

    statements: [elmanStatements[activation]],

    step(program: Program, v: Tensors) {
      program.matmul(v.x, v.Wx, v.z, { bias: v.b });
      program.matmul(v.hPrev, v.Wh, v.z, { accumulate: true });
      program.pointwise(forward, v);
    },

    stepBackward(program: Program, v: Tensors) {
      program.pointwise(backward, v);
      program.matmul(v.dz, transpose(v.Wx), v.dx);
      program.matmul(v.dz, transpose(v.Wh), v.dhPrev);
      program.matmul(transpose(v.x), v.dz, v.dWx, { accumulate: true });
      program.matmul(transpose(v.hPrev), v.dz, v.dWh, { accumulate: true });
      if (bias) program.sumRows(v.dz, v.db, { accumulate: true });
    },

    jacobian(program: Program, v: Tensors) {
      program.matmul(transpose(v.Wh), v.JhPrev, v.Jz);
      program.pointwise(jacobian, v);
    },
  };
}
