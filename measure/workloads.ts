/** The six recurrent workloads of the benchmarks, from a character model of typical size to a single small sequence. */
import type { Cell } from '../cells/cell';
import { inputMatrices } from '../cells/recurrent';
import { choiceNames, choiceOf, fittedForm, inForm } from '../cells/kinds';
import type { Batch } from '../bptt/network/batch/batch';
import { globalNorm } from '../bptt/train/clip';
import { network, type Network, type Pass } from '../bptt/network/network';
import type { States } from '../bptt/network/batch/states';
import { mustBe } from '../core/check';
import type { ExecutorName } from '../core/programs/executor';
import type { Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import { sizeOf, toFlat, type Tensor } from '../core/tensor';

/**
 * A layer over a batch of sequences: x [T, B, D] to h [T, B, H].
 *
 * With O, an output layer and a softmax over O classes at every step; else the mean squared distance from targets
 * [T, B, H]. One training step is zeroed gradients, forward and backward, without an optimizer.
 */
export interface Workload {
  name: string;
  /** A cell by one of its names: `lstm`, `gru-before`. */
  cell: string;
  D: number;
  H: number;
  B: number;
  T: number;
  O?: number;
  /** Several batches: the first so many steps, one batch after the other. */
  lengths?: readonly number[];
  /** Only a prediction, of the output after the last step. */
  predicts?: boolean;
  /** Reads only the first step; its output, of as many numbers, is the next input. */
  feeds?: boolean;
}

export const workloads: readonly Workload[] = [
  { name: 'W1', cell: 'lstm', D: 64, H: 128, B: 32, T: 50, O: 64 },
  { name: 'W2', cell: 'lstm', D: 128, H: 256, B: 32, T: 100 },
  { name: 'W3', cell: 'lstm', D: 512, H: 512, B: 64, T: 50 },
  { name: 'W4', cell: 'gru', D: 128, H: 256, B: 32, T: 100 },
  { name: 'W5', cell: 'elman', D: 128, H: 256, B: 32, T: 100 },
  { name: 'W6', cell: 'lstm', D: 16, H: 32, B: 1, T: 100 },
];

/** The same kinds of work at tiny sizes, to check quickly that everything still runs. */
export const smallestWorkloads: readonly Workload[] = workloads.map(({ name, cell, O }) => ({
  name,
  cell,
  D: 5,
  H: 7,
  B: name === 'W6' ? 1 : 3,
  T: 4,
  ...(O && { O: 6 }),
}));

/** LSTM [64→128] B=32 T=50. */
export const workloadText = ({ cell, D, H, B, T, O }: Workload): string =>
  `${cell} ${D}→${H}${O ? `→${O}` : ''} B=${B} T=${T}`;

/** Number of elements in the matrices of a cell, and in those applied to its input. */
function weightsOf(workload: Workload): { all: number; input: number } {
  const cell = cellOfWorkload(workload);
  const shapes = Object.entries(cell.parameters).filter(([, { shape }]) => shape.length === 2);
  const all = shapes.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  const readers = inputMatrices(cell) ?? [];
  const input = shapes.reduce(
    (sum, [name, { shape }]) => sum + (readers.includes(name) ? sizeOf(shape) : 0),
    0,
  );
  return { all, input };
}

/**
 * Multiplications and additions of the products: T·2·B for each element of the cell's matrices, GH·(D + H) with G
 * gates, and T·2·B·H·O for an output layer. Training counts three times the forward pass, because each product has
 * two in the backward pass. (The first layer's dx is one of these; an engine that omits it because it is not
 * requested is credited with it all the same, and so is a clockwork layer with its blocks of zeros.)
 */
export function flopsOf(workload: Workload): {
  forward: number;
  training: number;
  /** Training without dx. */
  done: number;
} {
  const { H, B, T, O = 0 } = workload;
  const { all, input } = weightsOf(workload);
  const forward = 2 * T * B * (all + H * O);
  return { forward, training: 3 * forward, done: 3 * forward - 2 * T * B * input };
}

/** An array in row-major order with its shape. */
export interface Values {
  shape: number[];
  numbers: Float32Array;
}

/** Weights and one batch in float32, given to every engine. */
export interface WorkloadData {
  /** Cell parameters Wx, Wh, b (and bhn), and Wy, by with an output layer, in this engine's layouts. */
  parameters: Record<string, Values>;
  x: Values;
  /** Class numbers [T, B] with an output layer, else [T, B, H]. */
  targets: Values;
}

/** Weights in ±1/√H, inputs and targets in ±1; the same on every machine. */
export function dataOf(workload: Workload): WorkloadData {
  const { D, H, B, T, O } = workload;
  const random = new Random(1);
  const draw = (shape: number[], of: () => number): Values => ({
    shape,
    numbers: Float32Array.from({ length: sizeOf(shape) }, of),
  });
  const bound = 1 / Math.sqrt(H);
  const weight = (...shape: number[]): Values => draw(shape, () => random.uniform(-bound, bound));
  const any = (): number => random.uniform(-1, 1);
  const own = Object.entries(cellOfWorkload(workload).parameters);
  return {
    parameters: {
      ...Object.fromEntries(own.map(([name, { shape }]) => [name, weight(...shape)])),
      ...(O && { Wy: weight(H, O), by: weight(O) }),
    },
    x: draw([T, B, D], any),
    targets: O ? draw([T, B], () => Math.floor(random.uniform(0, O))) : draw([T, B, H], any),
  };
}

/** How this engine runs a workload. */
export interface Variant {
  dtype: Dtype;
  executor?: ExecutorName;
}

/** Results of a workload: equal in every engine, up to rounding. */
export interface WorkloadResults {
  loss: number;
  /** ‖dL/dparameters‖₂. */
  gradientNorm: number;
  /** Σ h after STREAMED single steps on the first row's first inputs, from a zero state. */
  streamed: number;
}

/** Number of single steps that are compared; at most T. */
export const STREAMED = 4;

/** A workload set up on this engine, ready for timing. */
export class WorkloadRun {
  readonly net: Network;
  /** The layer alone, used for single steps. */
  readonly stream: Network;
  readonly batch: Batch;
  private readonly inputs: Batch[];
  /** States after the last step. */
  private states: States | undefined;
  private pass: Pass | undefined;
  private at = 0;

  constructor(
    readonly workload: Workload,
    { dtype, executor }: Variant,
    data = dataOf(workload),
  ) {
    const { D, T, B, O } = workload;
    const cell = cellOfWorkload(workload);
    const how = { dtype, executor };
    this.net = network({
      layers: [cell],
      ...how,
      ...(O ? { output: O, loss: 'softmax' } : { loss: 'squared' }),
    });
    // single steps have no target, and so no loss
    this.stream = network({ layers: [cell], ...how });
    for (const [name, { numbers }] of Object.entries(data.parameters)) {
      const head = name === 'Wy' || name === 'by';
      if (head) this.net.parameters.set(`head.${name}`, numbers);
      // a GRU that resets before the product lacks a bias that the other variant has
      else if (name in cell.parameters)
        for (const net of [this.net, this.stream]) net.parameters.set(`l0.${name}`, numbers);
    }
    this.batch = { x: data.x, targets: data.targets };
    this.inputs = Array.from({ length: Math.min(T, STREAMED) }, (_, t) => ({
      x: { shape: [1, 1, D], numbers: data.x.numbers.slice(t * B * D, t * B * D + D) },
    }));
  }

  forward(): number {
    return (this.pass = this.net.forward(this.batch)).loss;
  }

  /** Valid after a forward pass; gradients start from zero. */
  backward(): void {
    this.net.parameters.zeroGradients();
    this.pass?.backward();
  }

  train(): number {
    const loss = this.forward();
    this.backward();
    return loss;
  }

  /** One time step of one sequence, carrying the state over; the inputs repeat cyclically. */
  step(): Tensor {
    const { inputs, states, at } = this;
    this.at = (at + 1) % inputs.length;
    const pass = this.stream.forward(inputs[at], states && { from: states });
    this.states = pass.states;
    return pass.output;
  }

  /** Runs the workload once; to be called before any other single step. */
  outcome(): WorkloadResults {
    const loss = this.train();
    const gradientNorm = globalNorm(this.net.parameters);
    let h: number[] = [];
    for (let k = 0; k < this.inputs.length; k++) h = toFlat(this.step());
    return { loss, gradientNorm, streamed: h.reduce((sum, value) => sum + value, 0) };
  }
}

export function cellOfWorkload({ cell, D, H }: Workload): Cell {
  const choice = choiceOf(cell);
  mustBe(choice !== undefined, 'workload', `the cell must be one of ${choiceNames().join(', ')}`, cell);
  const { kind } = choice;
  return inForm(kind, fittedForm(kind, kind.choices[cell], H), { input: D, hidden: H });
}

/** Describes what differs by more than rounding, among the values that both have, else undefined. */
export function disagreement(
  got: Partial<WorkloadResults>,
  wanted: Partial<WorkloadResults>,
  dtype: Dtype,
): string | undefined {
  // summing a million squares one by one in float32 costs an engine three digits of the loss
  const bounds = { loss: 1e-3, gradientNorm: 1e-4, streamed: 1e-4 };
  for (const key of ['loss', 'gradientNorm', 'streamed'] as const) {
    const [value, right] = [got[key], wanted[key]];
    if (value === undefined || right === undefined) continue;
    const error = Math.abs(value - right) / Math.max(Math.abs(right), 1e-3);
    if (!(error <= (dtype === 'float32' ? bounds[key] : 1e-9))) return `${key} is ${value}, not ${right}`;
  }
  return undefined;
}
