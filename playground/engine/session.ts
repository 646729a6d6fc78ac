/** A session: one or two runs on the same task and seed, and the data that the panels show. */
import { gateBias } from '../../cells/declared';
import { lossOf } from '../../losses';
import { generateText, defaultPrime } from '../../text/generate';
import { flow as gradientFlow } from '../../bptt/flow/flow';
import { statesSize } from '../../bptt/check/jacobians/stepcopies';
import { directionsOf } from '../../bptt/network/layers/layer';
import type { Topology } from '../../bptt/network/topology';
import { must } from '../../core/check';
import { Random } from '../../core/random/random';
import { softmax } from '../../core/softmax';
import { toFlat } from '../../core/tensor';
import { encodeCheckpoint, type Checkpoint } from '../../io/checkpoint';
import { FlowMeter, lastStepFlow, wayOf, type Way } from './flow';
import { PageTraining, type CurvePoint } from './run';
import { fittedSettings, type PageSettings } from './settings';
import { pageTaskOf, type PageTask, type TaskBatch } from './tasks';
import { joinedTraces, traceOf, type Trace } from '../../bptt/trace/numbers';

/** Number of steps whose Jacobians are multiplied, and the largest number of states for which this is done. */
const MEASURED = 40;
const MOST_STATES = 128;

export interface Started {
  executor: string;
  /** `forgets`: whether it has a forget gate with a bias. */
  runs: { cell: string; parameters: number; layers: string[]; forgets: boolean }[];
  /** The symbols of the classes. */
  symbols?: readonly string[];
  topology: Topology;
  bidirectional: boolean;
  steps: number;
}

/** Targets and outputs: at each step of one sequence, or at the end of each sequence of the batch. */
export interface Prediction {
  targets: number[][];
  /** Probabilities, for classes. */
  outputs: number[][];
  /** The symbol read at each step, if the task has symbols. */
  labels?: string[];
}

/** The pass of a training step for one row of its batch. */
export interface TracedPass extends Trace {
  /** The input at each step: a symbol, or numbers with their names. */
  read: (string | number)[][];
  reads: readonly string[];
  /** The training step, counted from 1, and whether it is done. */
  step: number;
  made: boolean;
  /** Number of rows of the batch. */
  rows: number;
  /** Number of steps that the gradient flows back over. */
  window: number;
  /** Whether the states are carried over from the previous batch. */
  carried: boolean;
  /** Whether there is an output, and so a loss, only at the last step. */
  endsInOne: boolean;
}

export interface GradientNorms {
  /** `l0`, or for a layer with several states `l0 h` and `l0 c`. */
  names: readonly string[];
  T: number;
  /** ‖∂L/∂s_t‖ of the last training step, and of the loss of the last time step alone; [names, T] row-major. */
  training: Float64Array;
  lastStep: Float64Array;
  /** How the last step's error shrinks or grows in the first layer, for each state. */
  ways: Way[];
}

/** How the final states of a layer depend on those d steps before, for d = 0, 1, …: ‖∂s_T/∂s_{T−d}‖ and its bound. */
export interface JacobianNorms {
  name: string;
  norms: number[];
  /** The bound: the product of the steps' largest singular values. */
  bounds: number[];
}

export class Session {
  readonly settings: PageSettings;
  readonly task: PageTask;
  readonly runs: PageTraining[];
  /** The batch of the next step, if it has been requested already. */
  private upcoming: TaskBatch | undefined;
  /** Why the run has ended, once it has diverged. */
  private over: Error | undefined;

  /** @throws RangeError when the settings are inconsistent, such as a text that is too short. */
  constructor(settings: PageSettings, loaded?: Checkpoint) {
    this.settings = fittedSettings(settings);
    this.task = pageTaskOf(this.settings, loaded?.vocabulary);
    const { cell, against } = this.settings;
    this.runs = [new PageTraining(this.settings, cell, this.task, loaded)];
    if (against !== 'none') this.runs.push(new PageTraining(this.settings, against, this.task));
    // a task gives each batch once: skip those that a loaded run has already seen
    for (let k = 0; k < this.runs[0].steps; k++) this.task.batch(k);
  }

  get started(): Started {
    const { task, runs, settings } = this;
    return {
      executor: runs[0].network.executor.name,
      runs: runs.map(({ cellName, network }) => ({
        cell: cellName,
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
   * @throws RangeError when a run diverges, and at every later call.
   */
  step(): CurvePoint[] {
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

  /** A sample of the text that a run generates; deterministic for a step and temperature. Empty if it cannot generate. */
  sample(run: number, length: number, temperature: number): string {
    const { network, steps } = this.runs[run];
    const { vocabulary } = this.task;
    if (!vocabulary || this.settings.bidirectional) return '';
    const random = new Random((this.settings.seed ^ steps) >>> 0);
    const prime = vocabulary.encode(defaultPrime(vocabulary)).indices;
    const symbols = generateText(network, vocabulary, { temperature, prime, random });
    return Array.from({ length }, () => symbols.next().value).join('');
  }

  /** Targets and a run's outputs for the first sequence of the last batch, or for the last step of all its sequences. */
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

  flow(run: number): GradientNorms {
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

  /** Products of the Jacobians along the first sequence of the last batch, from its end. */
  jacobians(run: number): JacobianNorms[] {
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

  /** The pass of the last step, or of the next one before any: one row, with all numbers forward and backward. */
  trace(run: number, row: number): TracedPass {
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
    return { ...joinedTraces(parts), ...about, read, reads, endsInOne: topology === 'many-to-one' };
  }

  /** A checkpoint file for `backstep sample` and this page. */
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

  /** The last batch, or before the first step the next one. */
  private batchOf(run: number): TaskBatch {
    return this.runs[run].last ?? this.next;
  }

  /** The batch of the next step; a task gives each only once. */
  private get next(): TaskBatch {
    return (this.upcoming ??= this.task.batch(this.runs[0].steps));
  }
}

/** The first row of a batch: its first `most` steps, or its last ones if only the last step has a target. */
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
