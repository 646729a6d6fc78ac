/**
 * Unrolls a cell over T time steps: forward from t = 0, then backward from t = T − 1.
 *
 * A state is stored as T + 1 blocks of B rows: block 0 is the initial state, block t + 1 the state after step t. Its
 * gradient has the same layout: block t + 1 is the gradient that reaches step t from later steps, and block 0 becomes the
 * gradient of the initial state. So `hPrev` of a step and `h` of the previous step are the same memory, and so are `dhPrev`
 * and `dhNext`: nothing is copied between steps. This is the whole of backpropagation through time.
 *
 * For the reverse direction of a bidirectional layer, the layout is mirrored: the steps run from t = T − 1 to 0, block T is
 * the initial state, and block t is the state after step t.
 */
import ndarray from 'ndarray';
import { outputOf, type Cell } from '../cells/cell';
import { mustCount, mustShape } from '../core/check';
import { lazyEquations } from '../core/equations/equations';
import { engineMemory, type Data, type Dtype } from '../core/memory';
import type { Program } from '../core/programs/program';
import { columns, rows, unset, zeros, type Tensor, type Tensors } from '../core/tensor';
import { withPrefix } from './network/parameters';
import { StateNoise, type StateMasks } from './statenoise';

/** Rows whose sequence has ended keep their state. */
const hold = lazyEquations(
  'unroll, forward',
  'valid [B, 1]   sNew, sPrev [B, W]   writes s [B, W]',
  's = select(valid, sNew, sPrev)',
);
/** For held rows, the cell gets a gradient of zero, and the gradient of the state is passed back unchanged. */
const holdGradient = lazyEquations(
  'unroll, backward',
  'valid [B, 1]   ds [B, W]   writes dsLive [B, W]',
  'dsLive = select(valid, ds, 0)',
);
const holdBackward = lazyEquations(
  'unroll, backward',
  'valid [B, 1]   dsNew, dsNext [B, W]   writes dsPrev [B, W]',
  'dsPrev = select(valid, dsNew, dsNext)',
);

const nowhere = { float32: new Float32Array(0), float64: new Float64Array(0) };

/** A new tensor for a gradient; without a backward pass, a tensor that has a shape but no memory. */
export const gradientTensor = (shape: number[], dtype: Dtype, forwardOnly = false): Tensor =>
  forwardOnly ? ndarray<Data>(nowhere[dtype], shape) : zeros(shape, dtype);

/** Whether a gradient has no memory. */
export const isNowhere = ({ data }: Tensor): boolean => data === nowhere.float32 || data === nowhere.float64;

/**
 * Maximum number of steps in a repetition. Whether an operation may leave a loop depends on those that share its arrays, so the
 * time of recording grows with the square of this number: with 1,024 it is that of 10,000 steps, recorded one by one.
 */
const LONGEST = 512;

/** The smallest distance at which all values repeat; their number if they never do. */
function periodOf(values: readonly string[]): number {
  // lengths of the longest border of each prefix, as in Knuth, Morris & Pratt 1977
  const borders = [0];
  for (let k = 1; k < values.length; k++) {
    let border = borders[k - 1];
    while (border > 0 && values[border] !== values[k]) border = borders[border - 1];
    borders.push(values[border] === values[k] ? border + 1 : 0);
  }
  return values.length - borders[values.length - 1];
}

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
  /** If rows may be held: the gradients that reach the cell, zero for held rows. */
  private readonly live: Tensors = {};
  /** @internal zoneout, and dropout of the recurrent connections: then the cell reads and writes states of its own */
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
      this.noise = new StateNoise(options.masks, this.outputName, {
        ...{ T, B, value: (shape) => zeros(shape, dtype), gradient: make },
        block: (tensor, t) => this.block(tensor, t),
      });
    this.constant = { ...options.parameters, ...withPrefix(options.gradients, 'd') };
    this.stepwise = this.tensorsOfSteps();
  }

  /** The same unrolling with some parts replaced; it shares all other tensors. */
  with(parts: UnrollParts): Unroll {
    const other = Object.assign(Object.create(Unroll.prototype) as Unroll, this, parts);
    const { parameters, gradients } = other.options;
    other.constant = { ...parameters, ...withPrefix(gradients, 'd') };
    other.stepwise = other.tensorsOfSteps();
    return other;
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

  /** output [T·B, H]: the output state after all steps, without the initial one. */
  get output(): Tensor {
    const { T, B, reverse } = this.options;
    const states = this.states[this.outputName];
    return reverse ? rows(states, 0, T * B) : rows(states, B, (T + 1) * B);
  }

  /** Records the steps `from`…`to` (exclusive) forward; default all. */
  forward(program: Program, from = 0, to: number = this.options.T): void {
    this.record(program, from, to, this.options.reverse, (each, t) => this.step(each, t));
  }

  /** Records step t forward. */
  step(program: Program, t: number): void {
    const v = this.noise ? this.statesAt(t) : this.at(t);
    this.noise?.before(program, v, t);
    this.cell.step(program, this.at(t), this.timeOf(t));
    this.noise?.after(program, v, t);
    if (v.valid) this.hold(program, v);
  }

  /** Records these steps backward, last one first. */
  backward(program: Program, from = 0, to: number = this.options.T): void {
    this.record(program, from, to, !this.options.reverse, (each, t) => {
      const v = this.noise ? this.statesAt(t) : this.at(t);
      if (v.valid) this.holdBackward(each, v, t);
      else this.stepBackward(each, v, t);
    });
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

  /** The tensors of step t, by the names of the cell's equations. */
  at(t: number): Tensors {
    return { ...this.statesAt(t), ...this.noise?.at(t) };
  }

  /** The same with the states themselves, also where the cell reads and writes states of its own. */
  private statesAt(t: number): Tensors {
    const v: Tensors = { ...this.constant };
    for (const { name, of, shift } of this.stepwise) v[name] = this.block(of, t + shift);
    for (const [name, { of, from, to }] of Object.entries(this.cell.parts ?? {}))
      v[name] = columns(v[of], from, to);
    return v;
  }

  /** The same for the backward step: incoming gradients are zero for held rows. */
  atBackward(t: number): Tensors {
    const v = this.at(t);
    return { ...v, ...(v.valid && this.live), ...this.noise?.gradients };
  }

  /** Time of step t on the sequence's clock, which counts from its start, even for a cell that reads in reverse. */
  timeOf(t: number): number {
    return (this.options.clock ?? 0) + t;
  }

  /** All steps in the order in which the cell takes them. */
  steps(): number[] {
    const { T, reverse } = this.options;
    return Array.from({ length: T }, (_, k) => (reverse ? T - 1 - k : k));
  }

  /**
   * Records the steps `from`…`to`, last one first if `reverse`, as a loop; if they differ by `phase`, as in a clockwork layer,
   * a repetition of the loop has as many steps as there are until the phases repeat.
   */
  private record(
    program: Program,
    from: number,
    to: number,
    reverse: boolean | undefined,
    one: (program: Program, t: number) => void,
  ): void {
    const { cell } = this;
    const count = to - from;
    const at = (k: number): number => (reverse ? to - 1 - k : from + k);
    const phaseOf = (k: number): string => (cell.phase as (t: number) => string)(this.timeOf(at(k)));
    const period = cell.phase ? periodOf(Array.from({ length: count }, (_, k) => phaseOf(k))) : 1;
    const repeats = period > LONGEST ? 0 : Math.floor(count / period);
    // a cell's own allocations must not be in the arena
    engineMemory().own(() => {
      program.repeat(repeats, (each, k) => {
        for (let step = 0; step < period; step++) one(each, at(k * period + step));
      });
      for (let k = repeats * period; k < count; k++) one(program, at(k));
    });
  }

  private hold(program: Program, v: Tensors): void {
    for (const s of Object.keys(this.states)) {
      hold.record(program, { valid: v.valid, sNew: v[s], sPrev: v[`${s}Prev`], s: v[s] });
    }
  }

  /** Records step t backward; `v` holds the states and the gradients that reach them. */
  private stepBackward(program: Program, v: Tensors, t: number): void {
    this.noise?.beforeBackward(program, v, t);
    this.cell.stepBackward(program, this.atBackward(t), this.timeOf(t));
    this.noise?.afterBackward(program, v, t);
  }

  private holdBackward(program: Program, v: Tensors, t: number): void {
    const { valid } = v;
    for (const [name, dsLive] of Object.entries(this.live))
      holdGradient.record(program, { valid, ds: v[name], dsLive });
    this.stepBackward(program, { ...v, ...this.live }, t);
    for (const s of Object.keys(this.states)) {
      const dsPrev = v[`d${s}Prev`];
      holdBackward.record(program, { valid, dsNew: dsPrev, dsNext: v[`d${s}Next`], dsPrev });
    }
  }
}
