/** Runs one thread's share of a pass: some rows of a batch, forward and, if requested, backward. */
import type { RandomState } from '../../core/random';
import { contents, type Numbers } from '../../core/tensor';
import type { Batch, PassOptions, ReadBatch } from '../network/batch';
import type { FlatNumbers } from '../network/numbers';
import { runnerOf, type Network } from '../network/network';
import { planOf, type Pass } from '../network/pass';
import type { Plan } from '../network/plan';
import { States } from '../network/states';
import { endsInOne } from '../network/topology';

/** Description of a pass that can be sent to a thread. */
export interface Task extends Omit<PassOptions, 'from'> {
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
  /** Number of output rows over which a mean loss averages. */
  rows: number;
  /** Number of valid time steps. */
  tokens: number;
}

/** Runs a share of a pass; gradients are added to those of the network. */
export function runShare(
  network: Network,
  { batch, from, backward, random, ...options }: Task,
  gathered?: Gathered,
  read: ReadBatch = runnerOf(network).read(batch),
): PassFigures & { pass: Pass } {
  if (random) network.random.state = random;
  const how = { ...options, forwardOnly: !backward, ...(from && { from: new States(from.clock, from.states) }) };
  const pass = runnerOf(network).run(read, how);
  const plan = planOf(pass);
  if (gathered) gather(plan, options.rows?.[0] ?? 0, gathered);
  if (backward) pass.backward();
  return { ...figuresOf(plan), loss: pass.loss, pass };
}

/** Copies the states and outputs of a plan to the whole batch's arrays, where its first row is row `from`. */
function gather(plan: Plan, from: number, { states, output }: Gathered): void {
  const { B } = plan.shape;
  for (const [name, t] of Object.entries(plan.final.states)) {
    states[name].set(contents(t), from * t.shape[1]);
  }
  if (!output) return;
  const { value } = plan.output;
  const [rows, width] = value.shape;
  const numbers = contents(value);
  const perStep = output.length / (rows / B); // numbers in one time step of the whole batch
  for (let k = 0; k < rows / B; k++) {
    output.set(numbers.subarray(k * B * width, (k + 1) * B * width), k * perStep + from * width);
  }
}

/** Counts the valid steps and the output rows of a plan's batch. */
export function figuresOf({ main: { valid }, architecture, shape }: Plan): Omit<PassFigures, 'loss'> {
  let tokens = 0;
  for (let k = 0; k < valid.data.length; k++) tokens += valid.data[k];
  return { tokens, rows: endsInOne(architecture.topology) ? shape.B : tokens };
}
