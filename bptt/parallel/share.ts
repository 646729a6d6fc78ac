/** Runs one thread's share of a pass: some rows of a batch, forward and, if requested, backward. */
import type { RandomState } from '../../core/random/random';
import { contents, type Numbers } from '../../core/tensor';
import { readBatch, type Batch, type PassOptions, type ReadBatch } from '../network/batch/batch';
import type { FlatNumbers } from '../network/batch/numbers';
import { runnerOf, type Network } from '../network/network';
import { sizeOfPass, type Pass } from '../network/passes/pass';
import { States } from '../network/batch/states';

/** Description of a pass that can be sent to a thread. */
export interface PassTask extends Omit<PassOptions, 'from'> {
  batch: Batch;
  /** States to continue from, and their time on the sequence's clock. */
  from?: { states: Readonly<Record<string, Numbers | FlatNumbers>>; clock: number };
  /** Also runs the backward pass, which adds to the gradients of the parameters. */
  backward: boolean;
  /** State of the generator that draws the dropout of all rows of the batch, including those of other shares. */
  random?: RandomState;
}

/** Arrays for the whole batch, into which every thread writes its own rows. */
export interface Gathered {
  /** By name, `l0.h` [B, H]. */
  states: Record<string, Float64Array>;
  /** [T, B, O], or [B, O] of a many-to-one network; absent if not requested. */
  output?: Float64Array;
}

/** The figures of a share, which are summed over all shares. */
export interface PassFigures {
  loss: number;
  /** Number of output rows over which a mean loss averages, or the sum of their weights. */
  rows: number;
  /** Number of valid time steps. */
  tokens: number;
}

/** Runs a share of a pass; gradients are added to those of the network. */
export function runShare(
  network: Network,
  { batch, from, backward, random, ...options }: PassTask,
  gathered?: Gathered,
  read: ReadBatch = readBatch(batch, network),
): PassFigures & { pass: Pass } {
  if (random) network.random.state = random;
  const how = {
    ...options,
    forwardOnly: !backward,
    ...(from && { from: new States(from.clock, from.states) }),
  };
  const pass = runnerOf(network).run(read, how);
  if (gathered) gather(pass, options.rows?.[0] ?? 0, gathered);
  if (backward) pass.backward();
  return { ...sizeOfPass(pass), loss: pass.loss, pass };
}

/** Copies the states and outputs of a pass to the whole batch's arrays, where its first row is row `from`. */
function gather(pass: Pass, from: number, { states, output }: Gathered): void {
  let B = 0;
  for (const [name, t] of Object.entries(pass.states)) {
    states[name].set(contents(t), from * t.shape[1]);
    [B] = t.shape;
  }
  if (!output) return;
  const { shape } = pass.output;
  const width = shape[shape.length - 1];
  const numbers = contents(pass.output);
  const steps = numbers.length / (B * width);
  const perStep = output.length / steps; // numbers of one time step, all rows of the batch
  for (let k = 0; k < steps; k++)
    output.set(numbers.subarray(k * B * width, (k + 1) * B * width), k * perStep + from * width);
}
