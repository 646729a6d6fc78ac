/** One thread's share of a pass over a batch: some of its rows, forward and, if asked, backward. */
import type { RandomState } from '../../core/random';
import { contents, type Numbers } from '../../core/tensor';
import type { Batch, PassOptions, ReadBatch } from '../network/batch';
import type { FlatNumbers } from '../network/numbers';
import { runnerOf, type Network } from '../network/network';
import { planOf, type Pass } from '../network/pass';
import type { Plan } from '../network/plan';
import { States } from '../network/states';
import { endsInOne } from '../network/topology';

/** What a pass is to do, in a form that can be sent to a thread. */
export interface Task extends Omit<PassOptions, 'from'> {
  batch: Batch;
  /** States that it goes on from, and their time on the sequence's clock. */
  from?: { states: Readonly<Record<string, Numbers | FlatNumbers>>; clock: number };
  /** Adds to the gradients of the parameters as well. */
  backward: boolean;
  /** State of the generator from which all rows of the batch draw their dropout, those of other shares included. */
  random?: RandomState;
}

/** Arrays for the whole batch, into which every thread writes its own rows. */
export interface Gathered {
  /** By name, `l0.h` [B, H]. */
  states: Record<string, Float64Array>;
  /** [T, B, O], or [B, O] of a many-to-one network; absent when nobody asked. */
  output?: Float64Array;
}

/** What a share adds to the whole. */
export interface PassFigures {
  loss: number;
  /** Rows of the output that a mean loss is over. */
  rows: number;
  /** Valid time steps. */
  tokens: number;
}

/** Does a share of a pass; the gradients are added to those of the network. */
export function runShare(
  network: Network,
  { batch, from, backward, random, ...options }: Task,
  gathered?: Gathered,
  read: ReadBatch = runnerOf(network).read(batch),
): PassFigures & { pass: Pass } {
  if (random) network.random.state = random;
  const how = from ? { ...options, from: new States(from.clock, from.states) } : options;
  const pass = runnerOf(network).run(read, how);
  const plan = planOf(pass);
  if (gathered) gather(plan, options.rows?.[0] ?? 0, gathered);
  if (backward) pass.backward();
  return { ...figuresOf(plan), loss: pass.loss, pass };
}

/** Copies what the rows of a plan, of which the first is row `from` of the batch, have put out. */
function gather(plan: Plan, from: number, { states, output }: Gathered): void {
  const { B } = plan.shape;
  for (const [name, t] of Object.entries(plan.final.states)) {
    states[name].set(contents(t), from * t.shape[1]);
  }
  if (!output) return;
  const { value } = plan.output;
  const [rows, width] = value.shape;
  const numbers = contents(value);
  const perStep = output.length / (rows / B); // numbers of one time step, all rows of the batch
  for (let k = 0; k < rows / B; k++) {
    output.set(numbers.subarray(k * B * width, (k + 1) * B * width), k * perStep + from * width);
  }
}

/** How much a plan's batch holds. */
export function figuresOf({ main: { valid }, architecture, shape }: Plan): Omit<PassFigures, 'loss'> {
  let tokens = 0;
  for (let k = 0; k < valid.data.length; k++) tokens += valid.data[k];
  return { tokens, rows: endsInOne(architecture.topology) ? shape.B : tokens };
}
