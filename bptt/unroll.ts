/**
 * Time: a cell unrolled over T steps, forward from t = 0, then backward from t = T − 1.
 *
 * A state is kept as T + 1 blocks of B rows: block 0 is the initial state, block t + 1 is what step t leaves. Its
 * gradient lies beside it: block t + 1 is what comes back to step t from the future, block 0 ends as the gradient of
 * the initial state. So `hPrev` of one step and `h` of the step before are the same memory, and so are `dhPrev` and
 * `dhNext`: nothing is copied from step to step, and this is all there is to backpropagation through time.
 */
import type { Cell } from '../cells/cell';
import { mustCount, mustShape } from '../core/check';
import type { Dtype } from '../core/memory';
import type { Program } from '../core/program';
import { select } from '../core/scalar';
import { statement } from '../core/statement';
import { columns, rows, zeros, type Tensor, type Tensors } from '../core/tensor';
import { withPrefix } from './parameters';

/** A row whose sequence has ended keeps its state. */
const holdForward = statement(({ valid, s, sPrev }) => ({ s: select(valid, s, sPrev) }));
/** While it is held, the cell sees no gradient, and what came back passes by it untouched. */
const holdGradient = statement(({ valid, ds }) => ({ dsLive: select(valid, ds, 0) }));
const holdBackward = statement(({ valid, dsPrev, dsNext }) => ({ dsPrev: select(valid, dsPrev, dsNext) }));

/** What an unrolled cell reads and writes. All blocks are B rows, one after the other in time. */
export interface UnrollOptions {
  T: number;
  B: number;
  dtype: Dtype;
  /** Input x [T·B, D] and where its gradient goes. */
  x: Tensor;
  dx: Tensor;
  /** The cell's parameters and where their gradients are added, by the cell's own names. */
  parameters: Tensors;
  gradients: Tensors;
  /** valid [T·B, 1] is 1 where a row's sequence is still running, else 0; leave out when all run to the end. */
  valid?: Tensor;
}

/**
 * A cell unrolled over time.
 *
 *   x, dx [T·B, D]   states s, ds [(T+1)·B, H]   output, dOutput [T·B, H]
 *
 * `forward` overwrites the blocks 1…T of the states; `backward` reads dOutput and block T of ds, overwrites dx and the
 * other blocks of ds, and adds into the parameters' gradients.
 * Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
 */
export class Unroll {
  /** Name of the state that is the cell's output. */
  readonly outputName: string;
  readonly states: Tensors = {};
  readonly dStates: Tensors = {};
  /** dL/doutput [T·B, H] from above; the caller fills it before `backward`. */
  readonly dOutput: Tensor;
  readonly buffers: Tensors = {};
  private readonly live: Tensors = {};

  /** @throws RangeError when T or B is not a positive whole number or x is not [T·B, D]. */
  constructor(
    readonly cell: Cell,
    readonly options: UnrollOptions,
  ) {
    const { T, B, dtype, x } = options;
    mustCount(T, 'unroll', 'T');
    mustCount(B, 'unroll', 'B');
    mustShape(x.shape, [T * B, cell.input], 'unroll', 'x', `T = ${T}, B = ${B}, D = ${cell.input}`);
    this.outputName = Object.keys(cell.states)[0];
    for (const [s, width] of Object.entries(cell.states)) {
      this.states[s] = zeros([(T + 1) * B, width], dtype);
      this.dStates[s] = zeros([(T + 1) * B, width], dtype);
      if (options.valid) this.live[s] = zeros([B, width], dtype);
    }
    this.dOutput = zeros([T * B, cell.states[this.outputName]], dtype);
    if (options.valid) this.live.output = zeros([B, cell.states[this.outputName]], dtype);
    for (const [name, width] of Object.entries(cell.buffers))
      this.buffers[name] = zeros([T * B, width], dtype);
  }

  /** output [T·B, H]: the states of all steps but the initial one. */
  get output(): Tensor {
    const { T, B } = this.options;
    return rows(this.states[this.outputName], B, (T + 1) * B);
  }

  /** Records the T steps forward. */
  forward(program: Program): void {
    for (let t = 0; t < this.options.T; t++) {
      const v = this.at(t);
      this.cell.step(program, v);
      if (v.valid) this.hold(program, v);
    }
  }

  /** Records the T steps backward, last one first. */
  backward(program: Program): void {
    for (let t = this.options.T - 1; t >= 0; t--) {
      const v = this.at(t);
      if (v.valid) this.holdBackward(program, v);
      else this.cell.stepBackward(program, v);
    }
  }

  /** Block `t` (B rows) of any tensor of this unrolling. */
  block(tensor: Tensor, t: number): Tensor {
    const { B } = this.options;
    return rows(tensor, t * B, (t + 1) * B);
  }

  /** The tensors of step t, by the names of the cell's equations. */
  at(t: number): Tensors {
    const { x, dx, parameters, gradients, valid } = this.options;
    const v: Tensors = { ...parameters, ...withPrefix(gradients, 'd') };
    v.x = this.block(x, t);
    v.dx = this.block(dx, t);
    for (const s of Object.keys(this.states)) {
      v[`${s}Prev`] = this.block(this.states[s], t);
      v[s] = this.block(this.states[s], t + 1);
      v[`d${s}Prev`] = this.block(this.dStates[s], t);
      v[`d${s}Next`] = this.block(this.dStates[s], t + 1);
    }
    v[`d${this.outputName}Out`] = this.block(this.dOutput, t);
    for (const [name, buffer] of Object.entries(this.buffers)) v[name] = this.block(buffer, t);
    for (const [name, { of, from, to }] of Object.entries(this.cell.parts ?? {}))
      v[name] = columns(v[of], from, to);
    if (valid) v.valid = this.block(valid, t);
    return v;
  }

  private hold(program: Program, v: Tensors): void {
    for (const s of Object.keys(this.states)) {
      program.pointwise(holdForward, { valid: v.valid, s: v[s], sPrev: v[`${s}Prev`] });
    }
  }

  private holdBackward(program: Program, v: Tensors): void {
    const { valid } = v;
    const dOut = `d${this.outputName}Out`;
    const live: Tensors = { ...v, [dOut]: this.live.output };
    program.pointwise(holdGradient, { valid, ds: v[dOut], dsLive: live[dOut] });
    for (const s of Object.keys(this.states)) {
      live[`d${s}Next`] = this.live[s];
      program.pointwise(holdGradient, { valid, ds: v[`d${s}Next`], dsLive: this.live[s] });
    }
    this.cell.stepBackward(program, live);
    for (const s of Object.keys(this.states)) {
      program.pointwise(holdBackward, { valid, dsPrev: v[`d${s}Prev`], dsNext: v[`d${s}Next`] });
    }
  }
}
