/** A training run: one network, one task, step by step. */
import { clipGlobalNorm } from '../../bptt/train/clip';
import type { Batch } from '../../bptt/network/batch/batch';
import { directionsOf } from '../../bptt/network/layers/layer';
import type { Network } from '../../bptt/network/network';
import { firstBadParameter, firstBadValue } from '../../bptt/network/notfinite';
import { optimizer, type OptimizerSnapshot, type Optimizer } from '../../bptt/train/optimizers';
import { planOf } from '../../bptt/network/passes/pass';
import type { Plan } from '../../bptt/network/passes/plan';
import type { States } from '../../bptt/network/batch/states';
import { must } from '../../core/check';
import { OFF } from '../../core/setting';
import type { Data } from '../../core/memory';
import type { Random } from '../../core/random/random';
import { toFlat } from '../../core/tensor';
import type { Checkpoint } from '../../io/checkpoint';
import { FlowMeter } from './flow';
import { networkOf } from './model';
import type { PageSettings } from './settings';
import type { PageTask, TaskBatch } from './tasks';

/** The result of a training step. */
export interface CurvePoint {
  /** Counts from 1. */
  step: number;
  loss: number;
  /** ‖g‖₂ before clipping. */
  norm: number;
}

/** The inputs of a step, enough to repeat it. */
interface Start {
  batch: TaskBatch;
  weights: Data;
  /** The final states of the previous batch, if they are carried over. */
  states?: Record<string, ArrayLike<number>>;
  random: Random['state'];
}

export class PageTraining {
  readonly network: Network;
  readonly optimizer: Optimizer;
  /** ‖∂L/∂h_t‖ of the last step, by layer and time. */
  readonly flow: FlowMeter;
  /** The inputs of the last step. */
  private start: Start | undefined;
  /** Weights and optimizer state before the last step. */
  private snapshot: OptimizerSnapshot | undefined;
  /** The states from which a stream continues. */
  states: Record<string, ArrayLike<number>> = {};

  constructor(
    readonly settings: PageSettings,
    /** The setting: the name of a kind, or `own`. */
    readonly cell: string,
    readonly task: PageTask,
    from?: Pick<Checkpoint, 'network' | 'optimizer' | 'states'>,
  ) {
    this.network = from?.network ?? networkOf(settings, cell, task);
    const { optimizer: name, lr: learningRate } = settings;
    this.optimizer = from?.optimizer ?? optimizer(this.network, { name, learningRate });
    this.states = from?.states ?? {};
    this.flow = new FlowMeter(this.network.architecture.layers, settings.seq);
  }

  /** The name of its cell; the user's own has the one in its text. */
  get cellName(): string {
    return directionsOf(this.network.architecture.layers[0], 0)[0].cell.name;
  }

  get steps(): number {
    return this.optimizer.steps;
  }

  /** The batch of the last step. */
  get last(): TaskBatch | undefined {
    return this.start?.batch;
  }

  /**
   * Forward and backward through the batch in windows, then clipping, then the update.
   * @throws RangeError when the run diverges: a loss, a gradient or a weight is no longer a finite number. The weights
   *   are then those of the step before.
   */
  step(batch: TaskBatch): CurvePoint {
    const { network: net, settings, flow } = this;
    const { seq: T, window, clip } = settings;
    this.start = this.startOf(batch);
    net.parameters.zeroGradients();
    const where = `${this.cellName}, step ${this.steps + 1}`;
    const whole = batchOf(this.start);
    let loss = 0;
    let before: States | undefined;
    for (let from = 0; from < T; from += window) {
      const to = Math.min(from + window, T);
      const pass = net.forward(whole, { training: true, steps: [from, to], from: before });
      before = pass.states;
      loss += pass.loss;
      if (!Number.isFinite(loss))
        must(false, where, 'the loss must be finite', loss, `first in ${firstBadValue(planOf(pass))}`);
      pass.backward();
      flow.read(planOf(pass), from);
    }
    if (before) this.keep(before);
    const bad = firstBadParameter(net.parameters, 'gradients');
    must(bad === undefined, where, 'the gradients must be finite', bad);
    const { norm } = clipGlobalNorm(net.parameters, clip === OFF ? Infinity : clip);
    this.update(where);
    return { step: this.steps, loss, norm };
  }

  private update(where: string): void {
    const { optimizer, network } = this;
    this.snapshot = optimizer.keep(this.snapshot);
    optimizer.step();
    const bad = firstBadParameter(network.parameters, 'values');
    if (bad !== undefined) optimizer.restore(this.snapshot);
    must(bad === undefined, where, 'the update must leave finite weights', bad);
  }

  /**
   * Repeats the pass of the last step for one row of its batch; before the first step, the pass of the next step on
   * the batch `next`. `look` receives the plan of each window, loaded with the values that training had there, and
   * must run it. Weights, gradients and the generator stay unchanged.
   */
  replay(row: number, next: TaskBatch, look: (plan: Plan) => void): { carried: boolean } {
    const { network: net } = this;
    const { seq: T, window } = this.settings;
    const now = this.startOf(next);
    const start = this.start ?? now;
    const gradients = net.parameters.flatGradients.data.slice();
    const set = ({ weights, random }: Start): void => {
      net.parameters.flat.data.set(weights);
      net.random.state = random;
    };
    set(start);
    const whole = batchOf(start);
    try {
      let before: States | undefined;
      for (let from = 0; from < T; from += window) {
        const steps = [from, Math.min(from + window, T)] as const;
        const pass = net.forward(whole, { training: true, steps, rows: [row, row + 1], from: before });
        before = pass.states;
        look(planOf(pass));
      }
    } finally {
      set(now);
      net.parameters.flatGradients.data.set(gradients);
    }
    return { carried: start.states !== undefined };
  }

  private startOf(batch: TaskBatch): Start {
    const { parameters, random } = this.network;
    const goesOn = batch.since !== undefined && Object.keys(this.states).length > 0;
    const start = { batch, weights: parameters.flat.data.slice(), random: random.state };
    return goesOn ? { ...start, states: { ...this.states } } : start;
  }

  /** Training continues from these states, whatever the network computes between two steps. */
  private keep(states: States): void {
    if (!this.task.stream || this.settings.bidirectional) return;
    for (const [name, state] of Object.entries(states)) this.states[name] = toFlat(state);
  }
}

/** The batch with its initial states: carried over from the previous batch, or zero. */
const batchOf = ({ batch: { x, targets, since }, states }: Start): Batch =>
  states ? { x, targets, initial: states, clock: since } : { x, targets };
