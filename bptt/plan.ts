/**
 * A plan: a network laid out for one length T and one batch size B. All buffers are allocated and all operations
 * recorded once; a training step only replays them.
 */
import { affine, affineBackward } from '../cells/affine';
import type { Cell } from '../cells/cell';
import type { Dtype } from '../core/memory';
import { Program } from '../core/program';
import { mul } from '../core/scalar';
import { statement } from '../core/statement';
import { zeros, type Tensor, type Tensors } from '../core/tensor';
import { recordLoss, type LossName } from './losses';
import { withoutPrefix, withPrefix, type Parameters } from './parameters';
import { Unroll } from './unroll';

/** What a plan is laid out for. */
export interface PlanShape {
  T: number;
  B: number;
  /** Rows of unequal length: steps past a row's end are held. */
  masked: boolean;
}

/** What a network is made of, as far as a plan needs to know. */
export interface Architecture {
  layers: readonly Cell[];
  /** O, the width of the output layer; absent when the last cell's output is the network's. */
  output?: number;
  loss?: LossName;
  at: 'every' | 'last';
  dropout: number;
  trainInitial: boolean;
  dtype: Dtype;
}

/** keep [N, H] is 0 or 1 / (1 − p), drawn anew for every training batch and 1 in evaluation. */
const dropoutForward = statement(({ h, keep }) => ({ dropped: mul(h, keep) }));
const dropoutBackward = statement(({ dDropped, keep }) => ({ dh: mul(dDropped, keep) }));
/** The trainable initial state [1, H] starts every row of the batch. */
const spread = statement(({ first }) => ({ s: first }));
export const planStatements = { dropoutForward, dropoutBackward, spread };

/** A stretch of values and the stretch their gradient goes to. */
interface Signal {
  value: Tensor;
  gradient: Tensor;
}

export class Plan {
  readonly x: Tensor;
  readonly dx: Tensor;
  /** valid [T·B, 1]; all ones unless the plan is masked. */
  readonly valid: Tensor;
  readonly unrolls: Unroll[] = [];
  readonly keeps: Tensor[] = [];
  /** What the network puts out: y [N, O], or the last cell's output [N, H]; N = T·B, or B at the last step only. */
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
    const { layers, dtype, dropout, trainInitial, at } = architecture;
    const { T, B } = shape;
    this.x = zeros([T * B, layers[0].input], dtype);
    this.dx = zeros([T * B, layers[0].input], dtype);
    this.valid = zeros([T * B, 1], dtype);
    this.valid.data.fill(1);
    this.loss = zeros([1], dtype);

    const backwards: Program[] = []; // recorded from the first layer up, replayed from the last down
    let signal: Signal = { value: this.x, gradient: this.dx };
    layers.forEach((cell, l) => {
      const own = `l${l}.`;
      const unroll = new Unroll(cell, {
        ...shape,
        dtype,
        x: signal.value,
        dx: signal.gradient,
        parameters: withoutPrefix(parameters.values, own),
        gradients: withoutPrefix(parameters.gradients, own),
        ...(shape.masked && { valid: this.valid }),
      });
      this.unrolls.push(unroll);
      const backward = new Program();
      unroll.forward(this.forward);
      unroll.backward(backward);
      backwards.push(backward);
      if (trainInitial) this.recordStart(unroll, own);

      const last = l === layers.length - 1 && at === 'last';
      const name = unroll.outputName;
      // the state of every row after its own last step is block T: shorter rows have held it
      signal = last
        ? { value: unroll.block(unroll.states[name], T), gradient: unroll.block(unroll.dStates[name], T) }
        : { value: unroll.output, gradient: unroll.dOutput };
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

  /** States of one moment by name, `l0.h` [B, H]: t = 0 is the initial state, t = T the final one. */
  statesAt(t: number): Tensors {
    return this.momentAt(t).states;
  }

  /** Gradients of the states of one moment: t = 0 after a backward, t = T to be given before it. */
  stateGradientsAt(t: number): Tensors {
    return this.momentAt(t).gradients;
  }

  /** Every training step asks for the same views: each is made once. */
  private momentAt(t: number): { states: Tensors; gradients: Tensors } {
    let moment = this.moments.get(t);
    if (!moment) {
      moment = { states: {}, gradients: {} };
      for (const [l, unroll] of this.unrolls.entries()) {
        for (const s of Object.keys(unroll.states)) {
          moment.states[`l${l}.${s}`] = unroll.block(unroll.states[s], t);
          moment.gradients[`l${l}.${s}`] = unroll.block(unroll.dStates[s], t);
        }
      }
      this.moments.set(t, moment);
    }
    return moment;
  }

  private recordStart(unroll: Unroll, own: string): void {
    for (const s of Object.keys(unroll.states)) {
      const first = this.parameters.values[`${own}${s}0`];
      this.start.pointwise(spread, { first, s: unroll.block(unroll.states[s], 0) });
      const d0 = this.parameters.gradients[`${own}${s}0`];
      this.startBackward.sumRows(unroll.block(unroll.dStates[s], 0), d0.pick(0), { accumulate: true });
    }
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
