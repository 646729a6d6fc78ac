/**
 * Unrolls a cell over T time steps: forward from t = 0, then backward from t = T − 1.
 *
 * A cell defines one step forward and one step back. The step back reads the gradients that reach its states, from its output
 * (`dhOut`) and from the step t + 1 (`dhNext`), and writes those of the states before it (`dhPrev`), which the step t − 1
 * reads. All steps share the parameters, so each adds its part to their gradients. That is backpropagation through time.
 *
 * A state is stored as T + 1 blocks of B rows, one for each sequence of the batch: block 0 is the initial state, block t + 1
 * the state after step t. Its gradient has the same layout: block t + 1 is the gradient that reaches step t from later steps,
 * and block 0 becomes the gradient of the initial state. So `hPrev` of a step and `h` of the previous step are the same memory,
 * and so are `dhPrev` and `dhNext`: nothing is copied between steps.
 *
 * For the reverse direction of a bidirectional layer, the layout is mirrored: the steps run from t = T − 1 to 0, block T is
 * the initial state, and block t is the state after step t.
 *
 * The methods compute nothing: they record operations on a program, which is compiled once and then run for each batch.
 */
import { outputOf, type Cell } from '../cells/cell';
import { mustCount, mustShape } from '../core/check';
import type { Dtype } from '../core/memory';
import type { Program } from '../core/programs/program';
import { columns, rows, unset, zeros, type Tensor, type Tensors } from '../core/tensor';
import { gradientTensor } from './gradienttensor';
import { holdGradients, holdStates, maskGradients } from './held';
import { recordSteps } from './loop';
import { withPrefix } from './network/parameters';
import { StateNoise, type StateMasks } from './statenoise';

/** The state to which a residual layer adds its input; undefined for other layers. */
const addedState = ({ options, states }: Cell): string | undefined =>
  options?.residual === true ? Object.keys(states)[1] : undefined;

/** What may differ in a copy of an unrolling. */
export type UnrollParts = Partial<Pick<Unroll, 'dStates' | 'dOutput' | 'options' | 'at' | 'cell'>>;

/** Sizes and tensors of an unrolled cell. Tensors consist of blocks of B rows in the order of time. */
export interface UnrollOptions {
  T: number;
  B: number;
  dtype: Dtype;
  /** Input x [T·B, D] and its gradient. */
  x: Tensor;
  dx: Tensor;
  /** The cell's parameters and their gradients, by the cell's own names. */
  parameters: Tensors;
  gradients: Tensors;
  /** valid [T·B, 1] is 1 until a row's sequence has ended, then 0; omit it if all rows have T steps. */
  valid?: Tensor;
  /** Prefix of the names of states and parameters; default `l0`. */
  name?: string;
  /** Run from the last step to the first; rows of unequal length start from their own last step. */
  reverse?: boolean;
  /** Time of the first of the T steps on the sequence's clock; default 0. */
  clock?: number;
  /** Allocates nothing for the backward pass, which must then not be recorded; default false. */
  forwardOnly?: boolean;
  /** Storage of the output state [(T+1)·B, H] and of dOutput [T·B, H]; default new tensors. */
  output?: { states: Tensor; gradient: Tensor };
  /** @internal masks of zoneout and of dropout of the recurrent connections; default none */
  masks?: StateMasks;
}

/** A tensor of which step t uses block t + shift. */
interface PerStep {
  name: string;
  of: Tensor;
  shift: number;
}

/**
 * A cell unrolled over time.
 *
 *   x, dx [T·B, D]   states s, ds [(T+1)·B, H]   output, dOutput [T·B, H]
 *
 * `forward` overwrites the blocks 1…T of the states; `backward` reads dOutput and block T of ds, overwrites dx and the
 * other blocks of ds, and adds into the parameters' gradients. In reverse, block 0 stands for T and T − 1…0 for 1…T.
 * Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
 * @example
 * const [T, B, cell] = [4, 2, elman({ input: 3, hidden: 5 })];
 * const { values, gradients } = new Parameters(cell.parameters, 'float64', new Random(1));
 * const x = zeros([T * B, 3]);
 * const unroll = new Unroll(cell, { T, B, dtype: 'float64', x, dx: zeros([T * B, 3]), parameters: values, gradients });
 * const forward = new Program();
 * unroll.forward(forward);
 * forward.bind(executorOf())(); // the states are there
 * unroll.output.shape; // [8, 5]
 */
export class Unroll {
  /** Prefix of the names of states and parameters: `l0`. */
  readonly name: string;
  /** Name of the state that is the cell's output. */
  readonly outputName: string;
  /** By name [(T+1)·B, width]; the first block is the initial state, in reverse the last one. */
  readonly states: Tensors = {};
  /** dL/dstates, in the same blocks. */
  readonly dStates: Tensors = {};
  /** dL/doutput [T·B, H] from above; the caller fills it before `backward`. */
  readonly dOutput: Tensor;
  /** Values that the steps keep for their backward pass, by name [T·B, width]. */
  readonly buffers: Tensors = {};
  /** With `valid`: the gradients that reach the cell, zero for held rows, whose sequence has ended. */
  private readonly live: Tensors = {};
  /** @internal zoneout, and dropout of the recurrent connections: the cell reads masked states, and what it writes is mixed */
  readonly noise: StateNoise | undefined;
  /** The parameters and their gradients, by the names of the cell's equations. */
  private constant: Tensors;
  /** The tensors of which each step uses a block, by these names. */
  private stepwise: readonly PerStep[];

  /** @throws RangeError if T or B is not a positive integer, or x is not [T·B, D]. */
  constructor(
    readonly cell: Cell,
    readonly options: UnrollOptions,
  ) {
    const { T, B, dtype, x, name = 'l0', output } = options;
    mustCount(T, 'unroll', 'T');
    mustCount(B, 'unroll', 'B');
    mustShape(x.shape, [T * B, cell.input], 'unroll', 'x', `T = ${T}, B = ${B}, D = ${cell.input}`);
    this.name = name;
    this.outputName = outputOf(cell).name;
    const { width: H } = outputOf(cell);
    const make = (shape: number[]): Tensor => gradientTensor(shape, dtype, options.forwardOnly);
    for (const [s, width] of Object.entries(cell.states)) {
      const given = s === this.outputName ? output?.states : undefined;
      if (given) mustShape(given.shape, [(T + 1) * B, H], 'unroll', 'output.states', `T = ${T}, B = ${B}`);
      this.states[s] = given ?? zeros([(T + 1) * B, width], dtype);
      this.dStates[s] = make([(T + 1) * B, width]);
      if (options.valid) this.live[`d${s}Next`] = make([B, width]);
    }
    if (output)
      mustShape(output.gradient.shape, [T * B, H], 'unroll', 'output.gradient', `T = ${T}, B = ${B}`);
    this.dOutput = output?.gradient ?? make([T * B, H]);
    if (options.valid) this.live[`d${this.outputName}Out`] = make([B, H]);
    // steps of different phases may leave some elements as they are
    const room = cell.phase ? zeros : unset;
    for (const [buffer, width] of Object.entries(cell.buffers))
      this.buffers[buffer] = room([T * B, width], dtype);
    if (options.masks)
      this.noise = new StateNoise(options.masks, this.outputName, addedState(cell), {
        ...{ T, B, value: (shape) => zeros(shape, dtype), gradient: make },
        block: (tensor, t) => this.block(tensor, t),
      });
    this.constant = { ...options.parameters, ...withPrefix(options.gradients, 'd') };
    this.stepwise = this.tensorsOfSteps();
  }

  /** Records the steps `from`…`to` (exclusive) forward; default all. */
  forward(program: Program, from = 0, to: number = this.options.T): void {
    recordSteps(program, this.steps(from, to), (each, t) => this.step(each, t), this.phase);
  }

  /** Records these steps backward, last one first. */
  backward(program: Program, from = 0, to: number = this.options.T): void {
    const times = this.steps(from, to).reverse();
    recordSteps(program, times, (each, t) => this.stepBackward(each, t), this.phase);
  }

  /** Records step t forward. */
  step(program: Program, t: number): void {
    const v = this.statesAt(t);
    this.noise?.before(program, v, t);
    this.cell.step(program, this.at(t), this.timeOf(t));
    this.noise?.after(program, v, t);
    if (v.valid) holdStates(program, v, Object.keys(this.states));
  }

  /** Records step t backward: what `step` does, in the reverse order. */
  private stepBackward(program: Program, t: number): void {
    const v = this.statesAt(t);
    const incoming = this.own(t, 'stepBackward');
    if (v.valid) maskGradients(program, v, this.live);
    this.noise?.beforeBackward(program, incoming, t);
    this.cell.stepBackward(program, this.atBackward(t), this.timeOf(t));
    this.noise?.afterBackward(program, incoming, t);
    if (v.valid) holdGradients(program, v, Object.keys(this.states));
  }

  /** The tensors of step t, by the names of the cell's equations. */
  at(t: number): Tensors {
    return { ...this.statesAt(t), ...this.noise?.at(t) };
  }

  /** The same for the step back: the gradients that reach held rows are zero. */
  atBackward(t: number): Tensors {
    const v = this.at(t);
    return { ...v, ...(v.valid && this.live), ...this.noise?.gradients };
  }

  /** @internal what step t reads and writes outside of the cell; backward, incoming gradients are zero for held rows */
  own(t: number, way: 'step' | 'stepBackward' = 'step'): Tensors {
    const v = this.statesAt(t);
    return way === 'stepBackward' && v.valid ? { ...v, ...this.live } : v;
  }

  /** The same without noise: the states themselves. */
  private statesAt(t: number): Tensors {
    const v: Tensors = { ...this.constant };
    for (const { name, of, shift } of this.stepwise) v[name] = this.block(of, t + shift);
    for (const [name, { of, from, to }] of Object.entries(this.cell.parts ?? {}))
      v[name] = columns(v[of], from, to);
    return v;
  }

  private tensorsOfSteps(): PerStep[] {
    const { x, dx, valid, reverse } = this.options;
    const [before, after] = reverse ? [1, 0] : [0, 1];
    return [
      { name: 'x', of: x, shift: 0 },
      { name: 'dx', of: dx, shift: 0 },
      ...Object.entries(this.states).flatMap(([s, of]) => [
        { name: `${s}Prev`, of, shift: before },
        { name: s, of, shift: after },
        { name: `d${s}Prev`, of: this.dStates[s], shift: before },
        { name: `d${s}Next`, of: this.dStates[s], shift: after },
      ]),
      { name: `d${this.outputName}Out`, of: this.dOutput, shift: 0 },
      ...Object.entries(this.buffers).map(([name, of]) => ({ name, of, shift: 0 })),
      ...(valid ? [{ name: 'valid', of: valid, shift: 0 }] : []),
    ];
  }

  /** The same unrolling with some parts replaced; it shares all other tensors. */
  with(parts: UnrollParts): Unroll {
    const other = Object.assign(Object.create(Unroll.prototype) as Unroll, this, parts);
    const { parameters, gradients } = other.options;
    other.constant = { ...parameters, ...withPrefix(gradients, 'd') };
    other.stepwise = other.tensorsOfSteps();
    return other;
  }

  /** output [T·B, H]: the output state after all steps, without the initial one. */
  get output(): Tensor {
    const { T, B, reverse } = this.options;
    const states = this.states[this.outputName];
    return reverse ? rows(states, 0, T * B) : rows(states, B, (T + 1) * B);
  }

  /** Block `t` (B rows) of any tensor of this unrolling. */
  block(tensor: Tensor, t: number): Tensor {
    const { B } = this.options;
    return rows(tensor, t * B, (t + 1) * B);
  }

  /** Block of a state, or of its gradient, after `count` steps: 0 for the initial one, T for the final one. */
  after(count: number, state: Tensor): Tensor {
    const { T, reverse } = this.options;
    return this.block(state, reverse ? T - count : count);
  }

  /** Time of step t on the sequence's clock, which counts from its start, even for a cell that reads in reverse. */
  timeOf(t: number): number {
    return (this.options.clock ?? 0) + t;
  }

  /** The steps `from`…`to` (exclusive; default all) in the order in which the cell takes them. */
  steps(from = 0, to: number = this.options.T): number[] {
    const times = Array.from({ length: to - from }, (_, k) => from + k);
    return this.options.reverse ? times.reverse() : times;
  }

  /** For a cell with a clock: steps of the same phase record the same operations. */
  private get phase(): ((t: number) => string) | undefined {
    const phase = this.cell.phase?.bind(this.cell);
    return phase && ((t) => phase(this.timeOf(t)));
  }
}
