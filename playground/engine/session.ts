/** One or two runs on the same task and seed, and all that the page wants to know of them. */
import { gateBias } from '../../cells/define';
import { lossOf } from '../../losses';
import { generate, defaultPrime } from '../../text/generate';
import { flow as gradientFlow } from '../../bptt/flow/flow';
import { statesSize } from '../../bptt/check/stepcopies';
import { directionsOf } from '../../bptt/network/layer';
import type { Topology } from '../../bptt/network/topology';
import { must } from '../../core/check';
import { Random } from '../../core/random';
import { softmax } from '../../core/reduce';
import { toFlat } from '../../core/tensor';
import { encodeCheckpoint, type Checkpoint } from '../../io/checkpoint';
import { Checker } from './check';
import { FlowMeter, lastStepFlow, wayOf, type Way } from './flow';
import { Run, type Point } from './run';
import { fitting, type Settings } from './settings';
import { taskOf, type Task, type TaskBatch } from './tasks';
import { joined, traceOf, type Trace } from '../../bptt/trace/numbers';

/** Steps along which Jacobians are multiplied up, and the most states of a layer for which they are. */
const MEASURED = 40;
const MOST_STATES = 128;

export interface Started {
  executor: string;
  /** `forgets`: whether it has a forget gate with a bias. */
  runs: { cell: string; parameters: number; layers: string[]; forgets: boolean }[];
  /** What the classes stand for. */
  symbols?: readonly string[];
  topology: Topology;
  bidirectional: boolean;
  steps: number;
}

/** What should come out and what does: at each step of one sequence, or at the end of each sequence of the batch. */
export interface Prediction {
  targets: number[][];
  /** Of classes, their probabilities. */
  outputs: number[][];
  /** What was read at each step, where that has a name. */
  labels?: string[];
}

/** The pass of a training step, of one row of its batch. */
export interface Pass extends Trace {
  /** What is read at each step: a symbol, or numbers; and what these are called. */
  read: (string | number)[][];
  reads: readonly string[];
  /** Which step it is of, counted from 1, and whether that has been made. */
  step: number;
  made: boolean;
  /** How many rows the batch has. */
  rows: number;
  /** Steps that the gradient flows back over. */
  window: number;
  /** Whether the states go on from the batch before. */
  carried: boolean;
  /** Whether there is an output, and with it a loss, only at the end. */
  endsInOne: boolean;
}

export interface Flow {
  /** `l0`, of a layer with several states `l0 h` and `l0 c`. */
  names: readonly string[];
  T: number;
  /** ‖∂L/∂s_t‖ of the last training step, and of the loss of the last time step alone; [names, T] row-major. */
  training: Float64Array;
  lastStep: Float64Array;
  /** What becomes of the last step's error in the first layer, state by state. */
  ways: Way[];
}

/** How the final states of a layer depend on those d steps before, for d = 0, 1, …: ‖∂s_T/∂s_{T−d}‖ and its bound. */
export interface Jacobians {
  name: string;
  norms: number[];
  /** The product of the steps' largest singular values. */
  bounds: number[];
}

export class Session {
  readonly settings: Settings;
  readonly task: Task;
  readonly runs: Run[];
  private checker: Checker | undefined;
  /** The batch of the step to come, where it has been looked at already. */
  private upcoming: TaskBatch | undefined;
  /** Why the run is over, once it has diverged. */
  private over: Error | undefined;

  /** @throws RangeError when the settings do not go together: a text that is too short. */
  constructor(settings: Settings, loaded?: Checkpoint) {
    this.settings = fitting(settings);
    this.task = taskOf(this.settings, loaded?.vocabulary);
    const { cell, against } = this.settings;
    this.runs = [new Run(this.settings, cell, this.task, loaded)];
    if (against !== 'none') this.runs.push(new Run(this.settings, against, this.task));
    // a task is asked for each batch once: a loaded run goes on behind those it has seen
    for (let k = 0; k < this.runs[0].steps; k++) this.task.batch(k);
  }

  get started(): Started {
    const { task, runs, settings } = this;
    return {
      executor: runs[0].network.executor.name,
      runs: runs.map(({ cell, network }) => ({
        cell,
        parameters: network.parameters.count,
        layers: network.architecture.layers.flatMap(directionsOf).map(({ name }) => name),
        forgets: network.architecture.layers.flatMap(directionsOf).some(({ cell }) => gateBias(cell, 'f')),
      })),
      ...(task.symbols && { symbols: task.symbols }),
      topology: task.topology,
      bidirectional: settings.bidirectional,
      steps: runs[0].steps,
    };
  }

  /**
   * One step of each run on the same batch.
   * @throws RangeError when a run diverges, and at every step that is asked for after that.
   */
  step(): Point[] {
    if (this.over) throw this.over;
    try {
      const batch = this.next;
      this.upcoming = undefined;
      return this.runs.map((run) => run.step(batch));
    } catch (error) {
      this.over = error as Error;
      throw error;
    }
  }

  /** What a run writes by now; the same for the same step and temperature. Empty where it cannot write. */
  sample(run: number, length: number, temperature: number): string {
    const { network, steps } = this.runs[run];
    const { vocabulary } = this.task;
    if (!vocabulary || this.settings.bidirectional) return '';
    const random = new Random((this.settings.seed ^ steps) >>> 0);
    const prime = vocabulary.encode(defaultPrime(vocabulary)).indices;
    const symbols = generate(network, vocabulary, { temperature, prime, random });
    return Array.from({ length }, () => symbols.next().value).join('');
  }

  /** The first sequence of the last batch, or the ends of all, as they are and as a run has them. */
  prediction(run: number): Prediction {
    const { network } = this.runs[run];
    const { topology, loss, output: O, symbols } = this.task;
    const { x, targets } = this.batchOf(run);
    const batch =
      topology === 'many-to-one' ? { x, targets } : rowOf({ x, targets }, topology, this.settings.seq);
    const outputs = inRows(toFlat(network.forward(batch).output), O);
    return {
      targets: inRows(Array.from(batch.targets.numbers), lossOf(loss).targets === 'classes' ? 1 : O),
      outputs: lossOf(loss).prediction === 'softmax' ? outputs.map(softmax) : outputs,
      ...(symbols && { labels: Array.from(batch.x.numbers, (k) => symbols[k]) }),
    };
  }

  flow(run: number): Flow {
    const { network, flow } = this.runs[run];
    const T = this.settings.seq;
    const probe = new FlowMeter(network.architecture.layers, T);
    lastStepFlow(network, this.batchOf(run), probe);
    const lastStep = probe.norms;
    const { rows } = flow;
    const several = (layer: string): boolean => rows.filter((row) => row.layer === layer).length > 1;
    const names = rows.map(({ layer, state }) => (several(layer) ? `${layer} ${state}` : layer));
    const ways = rows
      .filter(({ layer }) => layer === rows[0].layer)
      .map(({ state }, k) => wayOf(state, lastStep.subarray(k * T, (k + 1) * T)));
    return { names, T, training: flow.norms.slice(), lastStep, ways };
  }

  /** The Jacobians along the first sequence of the last batch, multiplied up from its end. */
  jacobians(run: number): Jacobians[] {
    const { network } = this.runs[run];
    const largest = Math.max(
      ...network.architecture.layers.flatMap(directionsOf).map(({ cell }) => statesSize(cell)),
    );
    const why = 'singular values of larger matrices take too long';
    must(
      largest <= MOST_STATES,
      'jacobians',
      `a layer must have at most ${MOST_STATES} states`,
      largest,
      why,
    );
    const batch = rowOf(this.batchOf(run), this.task.topology, MEASURED);
    return gradientFlow(network, batch).layers.map(({ name, back }) => ({
      name,
      norms: back.map(({ norm }) => norm),
      bounds: back.map(({ bound }) => bound),
    }));
  }

  /** The pass of the last step, or before the first one of the step to come: of one row, with every number there and back. */
  trace(run: number, row: number): Pass {
    const { symbols, topology, reads = ['x'] } = this.task;
    const { window } = this.settings;
    const { steps, last } = this.runs[run];
    const { x } = this.batchOf(run);
    const [T, B, D = 1] = x.shape;
    const parts: Trace[] = [];
    const { carried } = this.runs[run].replay(row, this.next, (plan) => parts.push(traceOf(plan)));
    const read = Array.from({ length: T }, (_, t) =>
      Array.from({ length: D }, (_v, k) => {
        const number = x.numbers[(t * B + row) * D + k];
        return symbols ? symbols[number] : number;
      }),
    );
    const made = last !== undefined;
    const about = { step: made ? steps : steps + 1, made, rows: B, window, carried };
    return { ...joined(parts), ...about, read, reads, endsInOne: topology === 'many-to-one' };
  }

  check(): Checker {
    return (this.checker ??= new Checker(this.settings));
  }

  /** A checkpoint that `backstep sample` and this page can read. */
  checkpoint(run: number, losses: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    const { network, optimizer, cell, states } = this.runs[run];
    return encodeCheckpoint({
      network,
      optimizer,
      states,
      curves: { training: losses },
      ...(this.task.vocabulary && { vocabulary: this.task.vocabulary }),
      training: { playground: { ...this.settings, cell } },
    });
  }

  /** The last batch, or before the first step the next. */
  private batchOf(run: number): TaskBatch {
    return this.runs[run].last ?? this.next;
  }

  /** The batch of the step to come; a task is asked for each only once. */
  private get next(): TaskBatch {
    return (this.upcoming ??= this.task.batch(this.runs[0].steps));
  }
}

/** The first row of a batch: its first `most` steps, or its last ones where the end is what is asked for. */
function rowOf(
  { x, targets }: TaskBatch,
  topology: Topology,
  most: number,
): Pick<TaskBatch, 'x' | 'targets'> {
  const [T, B] = x.shape;
  const count = Math.min(most, T);
  const part = ({ shape, numbers }: TaskBatch['x'], from: number): TaskBatch['x'] => {
    const width = shape[2] ?? 1;
    const at = (k: number): number => numbers[(from + Math.floor(k / width)) * B * width + (k % width)];
    const row = Float64Array.from({ length: count * width }, (_, k) => at(k));
    return { shape: [count, 1, ...shape.slice(2)], numbers: row };
  };
  if (topology === 'many-to-many') return { x: part(x, 0), targets: part(targets, 0) };
  const [, width] = targets.shape;
  const last = Array.from({ length: width }, (_, k) => targets.numbers[k]);
  return { x: part(x, T - count), targets: { shape: [1, width], numbers: last } };
}

const inRows = (numbers: number[], width: number): number[][] =>
  Array.from({ length: numbers.length / width }, (_, t) => numbers.slice(t * width, (t + 1) * width));
