/**
 * The common input of all gradient oracles: a loss, the variables it depends on, and the programs that compute it and its
 * gradients.
 */
import { mustBe, mustCount } from '../../core/check';
import { lazyEquations } from '../../core/equations/equations';
import { hoist } from '../../core/programs/hoist';
import { Program, type Executor } from '../../core/programs/program';
import { mustBeRandom, Random } from '../../core/random/random';
import { dtypeOf, rows, sizeOf, toFlat, zeros, type Tensor } from '../../core/tensor';
import type { Batch } from '../network/batch/batch';
import { inputOf, isLayer, type Layer } from '../network/layers/layer';
import { mustBeNetwork, Network } from '../network/network';
import type { Plan } from '../network/passes/plan';
import { firstCellsOf, type Layers, type Stack } from '../network/layers/stack';
import type { Feed } from '../network/topology';
import { runnerOf } from '../network/network';

/** A tensor that the loss depends on, and the gradient of the loss with respect to it. */
export interface Variable {
  value: Tensor;
  gradient: Tensor;
}

/** A loss, the variables it depends on, and the programs that compute it and its gradients. */
export interface Problem {
  /**
   * Every tensor the loss depends on: parameters, the input unless it consists of class numbers, and initial states that
   * are not parameters.
   */
  variables: Record<string, Variable>;
  /** Computes `loss` [1] from the variables. */
  forward: Program;
  /** Computes the gradients from the values that `forward` saved; adds to those of the parameters. */
  backward: Program;
  /** L [1]. */
  loss: Tensor;
  /** The recorded passes of the underlying network. */
  plan: Plan;
  /** The network's executor, which computes its gradients. */
  executor: Executor;
  /** The network and the batch that it was made of. */
  network: Network;
  batch: Batch;
}

const weigh = (kind: 'writes' | 'adds', sign: '=' | '+=') =>
  lazyEquations(
    'gradcheck',
    `value, weight [N, W]   writes weighed [N, W]   sums [N, 1]   ${kind} loss [1]`,
    `weighed = value * weight
     sums = sum(weighed, axis=1)
     loss ${sign} sum(sums)`,
  );
const [weighFirst, weighMore] = [weigh('writes', '='), weigh('adds', '+=')];
const copy = lazyEquations('gradcheck', 'weight [N, W]   writes gradient [N, W]', 'gradient = weight');

/**
 * The problem of a network on a batch. A network without a loss gets one: the sum of its outputs and final states with
 * random weights.
 * @throws TypeError for a float32 network: its rounding errors would dominate differences and duals.
 * @example
 * const { variables } = problemOfNetwork(net, batch);
 * Object.keys(variables).includes('l0.Wx'); // true
 */
export function problemOfNetwork(net: Network, batch: Batch, random: Random = new Random(0)): Problem {
  mustBeNetwork(net, 'problemOfNetwork');
  mustBeRandom(random, 'problemOfNetwork');
  const { feed, dtype, trainInitial, loss } = net.architecture;
  mustBe(
    dtype === 'float64',
    'gradcheck',
    'the network must be float64',
    dtype,
    'check a float64 copy: copyNetwork(network)',
  );
  const { state } = net.random;
  const plan = runnerOf(net).lay(batch, { training: true });
  net.random.state = state; // a check must not change the training that follows
  const forward = new Program();
  const backward = new Program();
  if (trainInitial) forward.append(plan.start);
  forward.append(plan.encode);
  forward.append(plan.forward);
  if (!loss) weighOutputs(plan, forward, backward, random);
  backward.append(plan.backward);
  if (trainInitial) backward.append(plan.startBackward);

  const variables: Record<string, Variable> = {};
  const { values, gradients } = net.parameters;
  for (const name of Object.keys(values))
    variables[name] = { value: values[name], gradient: gradients[name] };
  // class numbers are discrete, so there is no gradient to check
  if (!plan.first.shape.classes) variables.x = given(plan.first, plan.source ? undefined : feed);
  if (plan.source && !plan.main.shape.classes) variables.inputs = given(plan.main, feed);
  if (!trainInitial) {
    const { states, gradients: d } = plan.initial;
    for (const [name, value] of Object.entries(states)) variables[`${name}0`] = { value, gradient: d[name] };
  }
  const { executor } = net;
  return { variables, forward, backward, loss: plan.loss, plan, executor, network: net, batch };
}

/** The input of a stack, without the steps that are fed back to it. */
function given({ input: { value, gradient }, shape: { B } }: Stack, feed: Feed | undefined): Variable {
  return feed === 'output'
    ? { value: rows(value, 0, B), gradient: rows(gradient, 0, B) }
    : { value, gradient };
}

/** Sizes and seed of `problemOfCell`. */
export interface CellProblemOptions {
  /** Steps of the sequence; default 4. */
  T?: number;
  /** Rows of the batch; default 3. */
  B?: number;
  /** Steps of each row; default all T. */
  lengths?: number[];
  /** Seed of weights, inputs, initial states and sampled coordinates; default 0. */
  seed?: number;
}

/**
 * The problem of a single layer with random weights, inputs and initial states. Weights that are initially zero are
 * randomized too.
 * @example
 * const problem = problemOfCell(lstm({ input: 4, hidden: 5 }), { T: 6, B: 2 });
 * exactCheck(problem).proved; // true
 */
export function problemOfCell(
  layer: Layer,
  { T = 4, B = 3, lengths, seed = 0 }: CellProblemOptions = {},
): Problem {
  mustCount(T, 'gradcheck', 'T');
  mustCount(B, 'gradcheck', 'B');
  const random = new Random(seed);
  const net = new Network({ layers: [layer], seed });
  for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
  const D = inputOf(layer);
  const x = { shape: [T, B, D], numbers: randomNormals(T * B * D, random) };
  const initial = drawStates({ layers: [layer] }, B, random);
  return problemOfNetwork(net, { x, initial, ...(lengths && { lengths }) }, random);
}

/** Random initial states, by name, of every layer at which a sequence starts. */
export function drawStates(all: Layers, B: number, random: Random): Record<string, Float64Array> {
  const states = firstCellsOf(all).flatMap(({ name, cell }) =>
    Object.entries(cell.states).map(
      ([s, width]) => [`${name}.${s}`, randomNormals(B * width, random)] as const,
    ),
  );
  return Object.fromEntries(states);
}

/** The problem of a cell, of a bidirectional layer, or of a network on a batch. */
export function toProblem(
  subject: Layer | Network,
  options: CellProblemOptions & { batch?: Batch },
): Problem {
  if (isLayer(subject)) return problemOfCell(subject, options);
  mustBe(subject instanceof Network, 'gradcheck', 'the subject must be a cell or a network', subject);
  mustBe(
    options.batch !== undefined,
    'gradcheck',
    'batch must be given',
    undefined,
    'a network is checked on a batch',
  );
  return problemOfNetwork(subject, options.batch, new Random(options.seed ?? 0));
}

/** A copy of the gradients of all variables by the hand-derived backward pass. */
export function analyticGradients({
  variables,
  forward,
  backward,
  executor,
}: Problem): Record<string, number[]> {
  hoist(forward).bind(executor)();
  return backwardGradients(variables, hoist(backward), executor);
}

/** Gradients by `backward` alone, after `forward` has run. */
export function backwardGradients(
  variables: Problem['variables'],
  backward: Program,
  executor: Executor,
): Record<string, number[]> {
  for (const { gradient } of Object.values(variables)) fillTensor(gradient, () => 0);
  backward.bind(executor)();
  return Object.fromEntries(
    Object.entries(variables).map(([name, { gradient }]) => [name, toFlat(gradient)]),
  );
}

function weighOutputs(plan: Plan, forward: Program, backward: Program, random: Random): void {
  const { T, B } = plan.shape;
  const { states: finals, gradients: dFinals } = plan.final;
  const terms: [Tensor, Tensor][] = [[plan.output.value, plan.output.gradient]];
  for (const name of Object.keys(finals)) terms.push([finals[name], dFinals[name]]);
  terms.forEach(([value, gradient], k) => {
    const [N, width] = value.shape;
    const weight = zeros([N, width], dtypeOf(value));
    fillRandom(weight, random, 1);
    // padding has no output, so its weight must be 0
    const masked = plan.shape.masked && N === T * B;
    if (masked) fillTensor(weight, (r, c) => weight.get(r, c) * plan.main.valid.get(r, 0));
    const weighed = zeros([N, width]);
    const sums = zeros([N, 1]);
    (k === 0 ? weighFirst : weighMore).record(forward, { value, weight, weighed, sums, loss: plan.loss });
    copy.record(backward, { weight, gradient });
  });
}

/** Normal numbers of deviation 0.5, small enough not to saturate gates. */
export const randomNormals = (n: number, random: Random): Float64Array =>
  Float64Array.from({ length: n }, () => random.normal(0, 0.5));

export function fillRandom(t: Tensor, random: Random, deviation = 0.5): void {
  fillTensor(t, () => random.normal(0, deviation));
}

/** Sets every entry of a vector or matrix, in any layout. */
export function fillTensor(t: Tensor, value: (r: number, c: number) => number): void {
  const size = sizeOf(t.shape);
  const width = t.shape[t.shape.length - 1];
  for (let k = 0; k < size; k++) t.data[positionOf(t, k)] = value(Math.floor(k / width), k % width);
}

/** Position in `t.data` of entry `index`, counted in row-major order. */
export function positionOf(t: Tensor, index: number): number {
  const width = t.shape[t.shape.length - 1];
  return t.shape.length === 1
    ? t.offset + index * t.stride[0]
    : t.offset + Math.floor(index / width) * t.stride[0] + (index % width) * t.stride[1];
}
