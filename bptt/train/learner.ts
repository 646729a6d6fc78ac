/** One step of training: gradients of one or more batches, clipping, schedule, update, and error handling. */
import { must } from '../../core/check';
import { Stopped } from '../parallel/thread';
import { readBatch, type Batch, type PassOptions } from '../network/batch/batch';
import { clipGlobalNorm, clipValue, globalNorm, scaleGradients } from './clip';
import { mustBeNetwork, runnerOf, type Network } from '../network/network';
import { areFinite, firstBadParameter, firstBadValue } from '../network/notfinite';
import type { OptimizerSnapshot, Optimizer } from './optimizers';
import { flatStates, parallel, Parallel, type ParallelPass } from '../parallel/parallel';
import { sizeOfPass, planOf, wholePlanOf, type Pass } from '../network/passes/pass';
import { contents } from '../../core/tensor';
import { chunksOf, type Chunk } from './chunked';
import { resultOf, type LossFunction } from './ownloss';
import type { Plateau } from './plateau';
import { schedule as scheduleOf, type Schedule, type ScheduleOptions } from './schedules';
import { goingOn, type BatchSource, type StreamBatch } from './source';
import type { States } from '../network/batch/states';
import { teamFor } from '../parallel/threads';
import { WeightNoise } from '../network/weightnoise';

/** Options of a training step. */
export interface LearnerOptions {
  /** Factor of the learning rate for each step; default constant. */
  schedule?: Schedule | ScheduleOptions;
  /** Gradient clipping by global norm or by value; default none. */
  clip?: { norm: number; epsilon?: number } | { value: number };
  /** Deviation of normal noise that each pass of the training adds to all weights, and takes away again; default 0. */
  weightNoise?: number;
  /** Keeps the states of about every k-th step only, for long sequences: as in `network.forward`; default all. */
  checkpointEvery?: number;
  /** Batches, or chunks of them, whose gradients make one step, as if they were one batch; default 1. */
  accumulate?: number;
  /**
   * Truncated backpropagation through time: divides each batch into chunks of this many steps. Each is one step of the
   * optimizer and continues from the final states of the chunk before; no gradient flows from one into the other. Default:
   * the whole batch.
   */
  chunk?: number;
  /** A loss of one's own, for a network without one: a function of the outputs that also gives the gradient. */
  loss?: LossFunction;
  /**
   * Number of threads that share each batch, or a team of `parallel`, which then stays open. Default: the number of physical
   * cores, up to 4, if the first batch is large enough to gain from them; otherwise 1. Results are bit-identical for the
   * same number of threads.
   */
  threads?: number | Parallel;
}

/** The figures of one training step. */
export interface StepInfo {
  /** Number of the step, from 1; a resumed run continues to count. */
  step: number;
  /** Training loss of this step, before its update. */
  loss: number;
  /** ‖g‖₂ of all gradients together, before clipping. */
  gradientNorm: number;
  /** Learning rate of this step, after the schedule. */
  learningRate: number;
  /** Number of valid time steps of all rows in this step. */
  tokens: number;
  /** Present if a validation followed this step. */
  validationLoss?: number;
  /** The metric of that validation, if it has one. */
  validationMetric?: number;
  /** Final states, `l0.h` [B, H] row-major, from which the next batch continues if it has `initial: 'carry'`. */
  states: States<Float64Array>;
}

/** Makes training steps, and keeps the states from which the next batch may continue. */
export class Learner {
  /** Final states of the last training pass. */
  states: States<Float64Array> | undefined;
  private team: Parallel | undefined;
  private readonly schedule: Schedule;
  private readonly noise: WeightNoise | undefined;
  /** The snapshot to which a failed step is rolled back. */
  private snapshot: OptimizerSnapshot | undefined;
  /** The chunks of the current batch that are left. */
  private chunks: Chunk[] = [];

  constructor(
    private readonly network: Network,
    private readonly optimizer: Optimizer,
    private readonly options: LearnerOptions,
    private readonly plateau?: Plateau,
  ) {
    const { schedule = { name: 'constant' }, weightNoise: deviation = 0 } = options;
    const { parameters, random } = network;
    const { data, shape } = parameters.flat;
    if (deviation > 0) this.noise = new WeightNoise(data.subarray(0, shape[1]), { deviation, random });
    this.schedule = typeof schedule === 'function' ? schedule : scheduleOf(schedule);
  }

  /**
   * Makes one step on the next batches; undefined if there are none. A step that fails restores the generator and the
   * states.
   */
  async step(source: BatchSource): Promise<StepInfo | undefined> {
    const { states } = this;
    const { random } = this.network;
    const { state } = random;
    try {
      return await this.attempt(source);
    } catch (error) {
      random.state = state;
      this.states = states;
      throw error;
    }
  }

  private async attempt(source: BatchSource): Promise<StepInfo | undefined> {
    const { network, optimizer } = this;
    const { accumulate = 1 } = this.options;
    const step = optimizer.steps + 1;
    // for a mean over several batches, sum first with a weight of 1 for every output row
    const sums = accumulate > 1 && network.reduction === 'mean';
    const total = { loss: 0, rows: 0, tokens: 0, norm: 0 };
    // gradients of rows that were not used are still zero
    if (optimizer.options.sparse && this.snapshot) network.parameters.zeroUsedGradients();
    else network.parameters.zeroGradients();
    for (let k = 0; k < accumulate; k++) {
      const chunk = await this.next(source, step);
      if (source.aborted) return undefined; // gradients of half a step are dropped
      if (!chunk) break;
      const { loss, rows, tokens } = await this.learn(chunk, step, sums);
      total.norm = this.normOf(step);
      total.loss += loss;
      total.rows += rows;
      total.tokens += tokens;
    }
    if (total.rows === 0) return undefined;
    if (sums) {
      scaleGradients(network.parameters, 1 / total.rows, optimizer.touched);
      total.loss /= total.rows;
      total.norm /= total.rows;
    }
    const { plateau } = this;
    const learningRate = optimizer.learningRate * this.schedule(step - 1) * (plateau?.factor ?? 1);
    this.update(step, learningRate);
    const { loss, norm: gradientNorm, tokens } = total;
    return { step, loss, gradientNorm, learningRate, tokens, states: this.states as States<Float64Array> };
  }

  /** As `evaluate` below, on the training threads. */
  async evaluate(
    given: StreamBatch,
    before: States<Float64Array> | undefined,
    where: string,
    step: number,
  ): Promise<{ loss: number; rows: number; states: States<Float64Array> }> {
    const { batch, ...from } = goingOn(given, before, where);
    const { checkpointEvery } = this.options;
    const how = { ...from, ...(checkpointEvery && { checkpointEvery }) };
    if (this.options.loss) return this.own(this.options.loss, given, batch, how, where, step);
    const threads = await this.threads(batch, where);
    const { loss, rows, states } = await checked(threads, (team) => team.evaluate(batch, how), where, step);
    return { loss: this.network.reduction === 'mean' ? loss * rows : loss, rows, states };
  }

  /** Stops the threads that it has started. */
  close(): void {
    if (!(this.options.threads instanceof Parallel)) this.team?.close();
  }

  /** The next batch, or the next chunk of one. */
  private async next(source: BatchSource, step: number): Promise<Chunk | undefined> {
    const { chunk } = this.options;
    for (;;) {
      const next = this.chunks.shift();
      if (next && next.over !== 0) return next;
      if (next) this.states = await this.pastOf(next, step);
      else {
        const batch = await source.take();
        if (!batch) return undefined;
        this.chunks = chunk === undefined ? [{ batch }] : chunksOf(batch, chunk, at(step));
      }
    }
  }

  /** The states after a chunk whose targets weigh nothing. */
  private async pastOf({ batch: given, steps }: Chunk, step: number): Promise<States<Float64Array>> {
    const { batch, ...from } = goingOn(given, this.states, at(step));
    const threads = await this.threads(batch, at(step));
    const how = { ...from, steps, over: 1 };
    return (await checked(threads, (team) => team.evaluate(batch, how), at(step), step - 1)).states;
  }

  private async learn(
    { batch: given, steps, over }: Chunk,
    step: number,
    sums: boolean,
  ): Promise<ParallelPass> {
    const { batch, ...from } = goingOn(given, this.states, at(step));
    const { checkpointEvery, loss: own } = this.options;
    const divisor = sums ? 1 : over;
    const how = {
      training: true,
      ...from,
      ...(steps && { steps }),
      ...(divisor !== undefined && { over: divisor }),
      ...(checkpointEvery && { checkpointEvery }),
    };
    const threads = own ? undefined : await this.threads(batch, at(step));
    const run = async (): Promise<ParallelPass> =>
      own
        ? this.own(own, given, batch, how, at(step), step - 1)
        : checked(threads as Parallel, (team) => team.forwardBackward(batch, how), at(step), step - 1);
    const pass = await (this.noise ? this.noise.around(run) : run());
    this.states = pass.states;
    return pass;
  }

  /** A pass with a loss of one's own, in this thread; its loss counts as one, however many rows it has. */
  private own(
    lossOf: LossFunction,
    given: StreamBatch,
    batch: Batch,
    { over: _over, ...how }: PassOptions,
    where: string,
    step: number,
  ): ParallelPass {
    return explained(where, () => {
      const pass = this.network.forward(batch, how);
      const { loss, ...upstream } = resultOf(lossOf, pass, given);
      const bad = (): string | undefined => firstIn(pass);
      if (!Number.isFinite(loss)) must(false, 'loss', 'it must be finite', loss, because(bad(), step));
      const finals = Object.entries(pass.states).map(([name, t]) => [name, contents(t)] as const);
      const states = flatStates(pass.states, Object.fromEntries(finals));
      if (how.training) pass.backward(upstream);
      return { loss, rows: 1, tokens: sizeOfPass(pass).tokens, states };
    });
  }

  /** The threads, started at the first batch, whose size determines their number. */
  private async threads(batch: Batch, where: string): Promise<Parallel> {
    const { threads } = this.options;
    if (threads instanceof Parallel) return (this.team ??= threads);
    try {
      this.team ??= await (threads === undefined
        ? teamFor(this.network, batch)
        : parallel(this.network, threads));
    } catch (cause) {
      throw reworded(cause, where);
    }
    return this.team;
  }

  private normOf(step: number): number {
    const why = (): string => ` (${because(this.team?.firstBad('gradient'), step - 1)})`;
    return explained(at(step), () => globalNorm(this.network.parameters, this.optimizer.touched), why);
  }

  private update(step: number, learningRate: number): void {
    const { network, optimizer } = this;
    const { parameters } = network;
    const { clip } = this.options;
    const within = optimizer.touched;
    if (clip && 'norm' in clip) clipGlobalNorm(parameters, clip.norm, { epsilon: clip.epsilon, within });
    else if (clip) clipValue(parameters, clip.value, within);
    this.snapshot = optimizer.keep(this.snapshot, within);
    explained(at(step), () => optimizer.step(learningRate));
    const bad = areFinite(parameters, within) ? undefined : firstBadParameter(parameters, 'values');
    if (bad !== undefined) optimizer.restore(this.snapshot, within);
    must(
      bad === undefined,
      at(step),
      'the update must leave finite weights',
      bad,
      because(undefined, step - 1),
    );
  }
}

/**
 * The loss of a batch, without training on it, and the number of valid rows over which it is computed. If the network's
 * loss is a mean, it is multiplied by that number, so that the losses of several batches can be summed.
 *
 * @throws RangeError if the loss is not finite.
 * @example
 * evaluate(net, batch).rows; // 2
 */
export function evaluate(network: Network, batch: Batch): { loss: number; rows: number } {
  mustBeNetwork(network, 'evaluate');
  const pass = runnerOf(network).run(readBatch(batch, network), { forwardOnly: true });
  const { loss } = pass;
  if (!Number.isFinite(loss)) {
    const first = firstBadValue(planOf(pass));
    must(false, 'evaluate', 'the loss must be finite', loss, first && `first in ${first}`);
  }
  const { rows } = sizeOfPass(pass);
  return { loss: network.reduction === 'mean' ? loss * rows : loss, rows };
}

/** Runs a pass; adds the place and, if known, the cause to errors. */
async function checked(
  team: Parallel,
  run: (team: Parallel) => Promise<ParallelPass>,
  where: string,
  step: number,
): Promise<ParallelPass> {
  let pass: ParallelPass;
  try {
    pass = await run(team);
  } catch (cause) {
    if (!(cause instanceof Stopped)) throw reworded(cause, where);
    throw new Error(`${cause.message} (${where}; ${because(undefined, step)})`, { cause });
  }
  mustBeFinite(pass.loss, () => team.firstBad('value'), where, step);
  return pass;
}

function mustBeFinite(loss: number, first: () => string | undefined, where: string, step: number): void {
  if (!Number.isFinite(loss)) must(false, where, 'the loss must be finite', loss, because(first(), step));
}

/** The first non-finite number of a pass in one plan. */
function firstIn(pass: Pass): string | undefined {
  const plan = wholePlanOf(pass);
  return plan && firstBadValue(plan);
}

const at = (step: number): string => `fit: step ${step}`;

const because = (first: string | undefined, step: number): string =>
  `${first ? `first in ${first}; ` : ''}the weights are those ${step > 0 ? `of step ${step}` : 'before step 1'}`;

/** Runs `work`; adds the place and, if known, the cause to errors. */
function explained<T>(where: string, work: () => T, why = (): string => ''): T {
  try {
    return work();
  } catch (cause) {
    throw reworded(cause, where, why);
  }
}

function reworded(cause: unknown, where: string, why = (): string => ''): unknown {
  if (!(cause instanceof RangeError || cause instanceof TypeError)) return cause;
  const Kind = cause instanceof RangeError ? RangeError : TypeError;
  return new Kind(`${where}: ${cause.message}${why()}`, { cause });
}
