/**
 * A plan: a network laid out for one length T and one batch size B. All buffers are allocated and all operations
 * recorded once; a training step only replays them.
 */
import { affine, affineBackward } from '../cells/affine';
import type { Data, Dtype } from '../core/memory';
import { oneHot } from '../core/onehot';
import { Program } from '../core/program';
import { add, mul } from '../core/scalar';
import { statement } from '../core/statement';
import { columns, zeros, type Tensor, type Tensors } from '../core/tensor';
import { directionsOf, inputOf, unrollLayer, type Layer, type Signal } from './layer';
import { recordLoss, type LossName } from './losses';
import { withoutPrefix, withPrefix, type Parameters } from './parameters';
import { endsInOne, type Topology } from './topology';
import type { Unroll } from './unroll';

/** What a plan is laid out for. */
export interface PlanShape {
  T: number;
  B: number;
  /** Rows of unequal length: steps past a row's end are held. */
  masked: boolean;
  /** The input is class numbers, which are looked up and have no gradient; default false. */
  classes?: boolean;
  /** Time of the first step on the sequence's clock; default 0. */
  clock?: number;
}

/** What a network is made of, as far as a plan needs to know. */
export interface Architecture {
  layers: readonly Layer[];
  /** O, the width of the output layer; absent when the last layer's output is the network's. */
  output?: number;
  loss?: LossName;
  topology: Topology;
  dropout: number;
  trainInitial: boolean;
  dtype: Dtype;
}

/** keep [N, H] is 0 or 1 / (1 − p), drawn anew for every training batch and 1 in evaluation. */
const dropoutForward = statement(({ h, keep }) => ({ dropped: mul(h, keep) }));
const dropoutBackward = statement(({ dDropped, keep }) => ({ dh: mul(dDropped, keep) }));
/** The trainable initial state [1, H] starts every row of the batch. */
const spread = statement(({ first }) => ({ s: first }));
/** The final state of a direction is its part of the last step's output, and has a gradient of its own as well. */
const lastForward = statement(({ s }) => ({ last: s }));
const lastBackward = statement(({ dsKept, dLast }) => ({ ds: add(dsKept, dLast) }));
/** With a loss nothing else reaches the final states. */
const onlyLastBackward = statement(({ dLast }) => ({ ds: dLast }));
export const planStatements = {
  dropoutForward,
  dropoutBackward,
  spread,
  lastForward,
  lastBackward,
  onlyLastBackward,
};

export class Plan {
  /** x [T·B, D], one-hot where it is class numbers; these have no gradient, and what would go there goes nowhere. */
  readonly x: Tensor;
  readonly dx: Tensor;
  /** valid [T·B, 1]; all ones unless the plan is masked. */
  readonly valid: Tensor;
  readonly unrolls: Unroll[] = [];
  /** The output of every layer at all steps [T·B, H], both directions side by side. */
  readonly outputs: Tensor[] = [];
  readonly keeps: Tensor[] = [];
  /** What the network puts out: y [N, O], or the last layer's output [N, H]; N = T·B, or B of a many-to-one network. */
  readonly output: Signal;
  readonly target: Tensor | undefined;
  readonly weight: Tensor | undefined;
  /** The loss of every row [N, 1], not yet weighted. */
  readonly rowLoss: Tensor | undefined;
  readonly loss: Tensor;

  private readonly moments = new Map<number, { states: Tensors; gradients: Tensors }>();

  /** Sets the trainable initial states at the start of a sequence, and adds up their gradients at the end. */
  readonly start = new Program();
  readonly startBackward = new Program();
  readonly forward = new Program();
  readonly backward = new Program();

  constructor(
    readonly architecture: Architecture,
    readonly shape: PlanShape,
    readonly parameters: Parameters,
  ) {
    const { layers, dtype, dropout, trainInitial, topology } = architecture;
    const { T, B, classes = false } = shape;
    const D = inputOf(layers[0]);
    this.x = classes ? oneHot(T * B, D) : zeros([T * B, D], dtype);
    this.dx = classes ? this.x : zeros([T * B, D], dtype);
    this.valid = zeros([T * B, 1], dtype);
    this.valid.data.fill(1);
    this.loss = zeros([1], dtype);

    const backwards: Program[] = []; // recorded from the first layer up, replayed from the last down
    let signal: Signal = { value: this.x, gradient: this.dx };
    layers.forEach((layer, l) => {
      const backward = new Program();
      const { unrolls, output } = unrollLayer(layer, l, signal, shape, this, {
        forward: this.forward,
        backward,
      });
      this.unrolls.push(...unrolls);
      this.outputs.push(output.value);
      signal = output;
      backwards.push(backward);
      if (trainInitial) for (const unroll of unrolls) this.recordStart(unroll);

      if (l === layers.length - 1 && endsInOne(topology)) {
        const lastBackward = new Program();
        signal = this.recordLast(unrolls, lastBackward);
        backwards.push(lastBackward);
      }
      if (dropout > 0) {
        const dropBackward = new Program();
        signal = this.recordDropout(signal, dropBackward);
        backwards.push(dropBackward);
      }
    });

    if (architecture.output !== undefined) {
      const headBackward = new Program();
      signal = this.recordHead(signal, architecture.output, headBackward);
      backwards.push(headBackward);
    }
    this.output = signal;

    if (architecture.loss) {
      const [N, O] = signal.value.shape;
      this.target = zeros([N, O], dtype);
      this.weight = zeros([N, 1], dtype);
      this.rowLoss = zeros([N, 1], dtype);
      const lossBackward = new Program();
      recordLoss(architecture.loss, this.forward, lossBackward, {
        y: signal.value,
        dy: signal.gradient,
        target: this.target,
        weight: this.weight,
        rowLoss: this.rowLoss,
        loss: this.loss,
      });
      backwards.push(lossBackward);
    }
    for (const program of backwards.reverse()) this.backward.append(program);
  }

  /** States after `t` steps by name, `l0.h` [B, H]: t = 0 is the initial state, t = T the final one. */
  statesAt(t: number): Tensors {
    return this.momentAt(t).states;
  }

  /** Gradients of the states after `t` steps: t = 0 after a backward, t = T to be given before it. */
  stateGradientsAt(t: number): Tensors {
    return this.momentAt(t).gradients;
  }

  /** Where the gradient of the input is added up: of each direction of the first layer, and of both. */
  get inputGradients(): Data[] {
    const directions = directionsOf(this.architecture.layers[0], 0).length;
    const own = this.unrolls.slice(0, directions).map(({ options }) => options.dx.data);
    return [...new Set([...own, this.dx.data])];
  }

  /** Every training step asks for the same views: each is made once. */
  private momentAt(t: number): { states: Tensors; gradients: Tensors } {
    let moment = this.moments.get(t);
    if (!moment) {
      moment = { states: {}, gradients: {} };
      for (const unroll of this.unrolls) {
        for (const s of Object.keys(unroll.states)) {
          moment.states[`${unroll.name}.${s}`] = unroll.after(t, unroll.states[s]);
          moment.gradients[`${unroll.name}.${s}`] = unroll.after(t, unroll.dStates[s]);
        }
      }
      this.moments.set(t, moment);
    }
    return moment;
  }

  private recordStart(unroll: Unroll): void {
    for (const s of Object.keys(unroll.states)) {
      const name = `${unroll.name}.${s}0`;
      const first = this.parameters.values[name];
      this.start.pointwise(spread, { first, s: unroll.after(0, unroll.states[s]) });
      const d0 = this.parameters.gradients[name].pick(0);
      this.startBackward.sumRows(unroll.after(0, unroll.dStates[s]), d0, { accumulate: true });
    }
  }

  /**
   * The output of the last step only [B, H]: what each direction ends with, side by side. Forward that is the state of
   * every row after its own last step, which shorter rows have held; backward the state after t = 0.
   */
  private recordLast(unrolls: readonly Unroll[], backward: Program): Signal {
    const { dtype, loss } = this.architecture;
    const { T, B } = this.shape;
    const finals = unrolls.map(({ outputName, states, dStates }, k) => ({
      s: unrolls[k].after(T, states[outputName]),
      ds: unrolls[k].after(T, dStates[outputName]),
    }));
    const width = finals.reduce((sum, { s }) => sum + s.shape[1], 0);
    const output = { value: zeros([B, width], dtype), gradient: zeros([B, width], dtype) };
    let column = 0;
    for (const { s, ds } of finals) {
      const end = column + s.shape[1];
      const dLast = columns(output.gradient, column, end);
      this.forward.pointwise(lastForward, { s, last: columns(output.value, column, end) });
      if (loss) backward.pointwise(onlyLastBackward, { dLast, ds });
      else backward.pointwise(lastBackward, { dLast, ds, dsKept: ds });
      column = end;
    }
    return output;
  }

  private recordDropout({ value: h, gradient: dh }: Signal, backward: Program): Signal {
    const { dtype } = this.architecture;
    const keep = zeros(h.shape, dtype);
    keep.data.fill(1);
    this.keeps.push(keep);
    const dropped = { value: zeros(h.shape, dtype), gradient: zeros(h.shape, dtype) };
    this.forward.pointwise(dropoutForward, { h, keep, dropped: dropped.value });
    backward.pointwise(dropoutBackward, { dDropped: dropped.gradient, keep, dh });
    return dropped;
  }

  private recordHead({ value: h, gradient: dh }: Signal, O: number, backward: Program): Signal {
    const { dtype } = this.architecture;
    const y = zeros([h.shape[0], O], dtype);
    const dy = zeros([h.shape[0], O], dtype);
    const own = withoutPrefix(this.parameters.values, 'head.');
    const gradients = withPrefix(withoutPrefix(this.parameters.gradients, 'head.'), 'd');
    affine(this.forward, { ...own, h, y });
    affineBackward(backward, { ...own, ...gradients, h, dy, dh });
    return { value: y, gradient: dy };
  }
}
