/** A run: one network learning one task, step by step. */
import { clipGlobalNorm } from '../../bptt/clip';
import type { Batch } from '../../bptt/batch';
import type { Network } from '../../bptt/network';
import { optimizer, type Optimizer } from '../../bptt/optimizers';
import type { Plan } from '../../bptt/plan';
import { toFlat } from '../../core/tensor';
import type { Checkpoint } from '../../io/checkpoint';
import { FlowMeter } from './flow';
import { networkOf } from './model';
import type { CellName, Settings } from './settings';
import type { Task, TaskBatch } from './tasks';

/** What a step of training tells. */
export interface Point {
  /** Counts from 1. */
  step: number;
  loss: number;
  /** ‖g‖₂ before clipping. */
  norm: number;
}

export class Run {
  readonly network: Network;
  readonly optimizer: Optimizer;
  /** ‖∂L/∂h_t‖ of the last step, by layer and time. */
  readonly flow: FlowMeter;
  /** The batch of the last step. */
  last: TaskBatch | undefined;
  /** Where a stream goes on. */
  states: Record<string, ArrayLike<number>> = {};

  constructor(
    readonly settings: Settings,
    readonly cell: CellName,
    readonly task: Task,
    from?: Pick<Checkpoint, 'network' | 'optimizer' | 'states'>,
  ) {
    this.network = from?.network ?? networkOf(settings, cell, task);
    const { optimizer: name, learningRate } = settings;
    this.optimizer = from?.optimizer ?? optimizer(this.network, { name, learningRate });
    this.states = from?.states ?? {};
    this.flow = new FlowMeter(this.network.architecture.layers, settings.length);
  }

  get steps(): number {
    return this.optimizer.steps;
  }

  /**
   * Forward and backward through the batch in windows, then clipping, then the update.
   * @throws RangeError when a gradient is no longer a finite number.
   */
  step(batch: TaskBatch): Point {
    const { network: net, settings, flow } = this;
    const { length: T, window, clip } = settings;
    this.last = batch;
    net.parameters.zeroGradients();
    let loss = 0;
    for (let from = 0; from < T; from += window) {
      const to = Math.min(from + window, T);
      loss += net.forward(this.part(batch, from), { training: true, steps: [from, to] }).loss;
      net.backward();
      flow.read(net.lastPlan as Plan, from);
    }
    this.keep();
    const { norm } = clipGlobalNorm(net.parameters, clip > 0 ? clip : Infinity);
    this.optimizer.step();
    return { step: this.steps, loss, norm };
  }

  /** The batch as the network takes it: the first window starts where the batch before ended, or anew. */
  private part({ x, targets, since }: TaskBatch, from: number): Batch {
    const whole: Batch = { x, targets };
    if (from > 0) return { ...whole, initial: 'carry' };
    const goesOn = since !== undefined && Object.keys(this.states).length > 0;
    return goesOn ? { ...whole, initial: this.states, clock: since } : whole;
  }

  /** Whatever the network is asked between two steps, training goes on from these states. */
  private keep(): void {
    if (!this.task.stream || this.settings.bidirectional) return;
    const { states } = (this.network.lastPlan as Plan).final;
    for (const [name, state] of Object.entries(states)) this.states[name] = toFlat(state);
  }
}
