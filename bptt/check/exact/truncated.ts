/**
 * The exact oracle for truncated backpropagation through time: runs `truncated` itself on residues modulo a prime.
 *
 * Weights and numbers of the batch are random residues, and an executor computes with them in place. So everything that
 * `truncated` does between the passes is checked too: cutting the batch into chunks, carrying states, adding gradients.
 *
 *   outputs and last states   must equal those of the whole sequence in one pass
 *   gradients                 must equal the derivative of each chunk's loss, by forward mode, with the states before it fixed
 */
import type { Data } from '../../../core/memory';
import { hoist } from '../../../core/programs/hoist';
import { Program, type Operation } from '../../../core/programs/program';
import type { Point } from '../../../core/residues';
import { sizeOf, toFlat, type Tensor } from '../../../core/tensor';
import { lossOf } from '../../../losses';
import type { Batch } from '../../network/batch/batch';
import { isBidirectional } from '../../network/layers/layer';
import { copyNetwork, runnerOf, type Network } from '../../network/network';
import { flatten, type FlatNumbers } from '../../network/batch/numbers';
import type { Plan } from '../../network/passes/plan';
import { beginsWithOne, endsInOne, outputAxes } from '../../network/topology';
import { truncated, type TruncatedResult } from '../../truncated';
import { ResidueExecutor, type Residues } from './oracle';
import { alongDirections, rowsAtPoints, type Compared, type ExactRows } from './rows';
import { fillTensor, type Problem } from '../problem';

/** The derivatives that are not computed. */
const nothing = new Float64Array(0);

/** Computes with the numbers of tensors themselves, as residues; without derivatives. */
class InPlace extends ResidueExecutor {
  constructor(point: Point) {
    super(point);
    // masks hold these numbers; without their signs, the side of a mask would be chosen at random
    for (const mask of [0, 1]) point.constant(mask);
  }

  protected override arrays(data: Data): { re: Data; du: Data } {
    return { re: data, du: nothing };
  }

  override bind(operation: Operation): () => void {
    return this.still.bind(operation);
  }
}

/** A network and a batch of residues, and upstream gradients if it has no loss. */
interface Setting {
  net: Network;
  batch: Batch;
  upstream?: { output: FlatNumbers; states: Record<string, FlatNumbers> };
  /** Which rows end in the steps `from`…`to`. */
  ends: (from: number, to: number) => boolean[];
  T: number;
}

/** Weights of the targets that are whole numbers after division by the outputs. */
const targetWeights = [1, 2, 4];

/** The problem's network and batch at a random point, with a sum as its loss: a mean would divide by numbers. */
function settingAt({ network, batch, plan }: Problem, point: Point): Setting {
  const draw = (shape: readonly number[]): FlatNumbers => ({
    shape: [...shape],
    numbers: Float64Array.from({ length: sizeOf(shape) }, () => point.draw()),
  });
  const net = copyNetwork(network, { reduction: 'sum', dropout: 0, zoneout: 0 });
  Object.assign(net, { executor: new InPlace(point) });
  for (const value of Object.values(net.parameters.values)) fillTensor(value, () => point.draw());

  const { T, B } = plan.shape;
  const { loss, topology } = network.architecture;
  const redrawn = (numbers: NonNullable<Batch['x']>, name: string): FlatNumbers =>
    draw(flatten(numbers, 'exact', name).shape);
  const steps = outputAxes(topology, T, B);
  const each = loss !== undefined && lossOf(loss).perOutput ? net.output : 1;
  const weights = Float64Array.from(
    { length: sizeOf(steps) },
    (_, k) => each * targetWeights[k % targetWeights.length],
  );
  const isNumbers = loss !== undefined && lossOf(loss).targets === 'numbers';
  const given = Object.entries(typeof batch.initial === 'object' ? batch.initial : {});
  const lengths = Array.from(batch.lengths ?? Array<number>(B).fill(T));
  return {
    ...{ net, T },
    batch: {
      ...batch,
      ...(!plan.first.shape.classes && batch.x !== undefined && { x: redrawn(batch.x, 'x') }),
      ...(isNumbers && batch.targets !== undefined && { targets: redrawn(batch.targets, 'targets') }),
      ...(given.length > 0 && {
        initial: Object.fromEntries(given.map(([name, values]) => [name, redrawn(values, name)])),
      }),
      ...(loss !== undefined && { weights: { shape: steps, numbers: weights } }),
    },
    ...(loss === undefined && {
      upstream: {
        output: draw([...steps, net.output]),
        states: Object.fromEntries(
          Object.entries(plan.final.states).map(([name, { shape }]) => [name, draw(shape)]),
        ),
      },
    }),
    ends: (from, to) => lengths.map((length) => from < length && length <= to),
  };
}

/** The gradients that `truncated` leaves behind, row-major, by the names of the problem's variables. */
function gradientsOf(
  { net }: Setting,
  { variables }: Problem,
  result: TruncatedResult,
): Record<string, number[]> {
  const parameters = Object.entries(net.parameters.gradients);
  // trained initial states are parameters
  const given = net.architecture.trainInitial ? {} : result.initial;
  const initial = Object.entries(given).map(([name, d]) => [`${name}0`, d] as const);
  const all = [...parameters, ...initial].filter(([name]) => name in variables);
  return {
    ...Object.fromEntries(all.map(([name, d]) => [name, toFlat(d)])),
    ...('x' in variables && { x: toFlat(result.x) }),
  };
}

/** The derivative of the loss of the steps `from`…`to` along a direction, with the states before them held fixed. */
function slopeOfChunk(
  setting: Setting,
  direction: Residues,
  point: Point,
  [from, to]: [number, number],
): number {
  const { net, batch } = setting;
  const before = from === 0 ? undefined : net.forward(batch, { steps: [0, from] }).states;
  const plan = runnerOf(net).lay(batch, { steps: [from, to], ...(before && { from: before }) });
  const residues = new ResidueExecutor(point);
  const move = (t: Tensor, along: ArrayLike<number> | undefined, first = 0): void => {
    if (along)
      fillTensor(residues.tangentOf(t), (r, c) => along[first + r * t.shape[t.shape.length - 1] + c] ?? 0);
  };
  for (const [name, value] of Object.entries(net.parameters.values)) move(value, direction[name]);
  const { value } = plan.first.input;
  const once = beginsWithOne(net.architecture.topology);
  if (!once || from === 0) move(value, direction.x, once ? 0 : from * plan.shape.B * value.shape[1]);
  if (from === 0)
    for (const [name, state] of Object.entries(plan.initial.states)) move(state, direction[`${name}0`]);
  const program = new Program();
  if (from === 0 && net.architecture.trainInitial) program.append(plan.start);
  program.append(plan.encode);
  program.append(plan.forward);
  program.bind(residues)();
  return setting.upstream
    ? weighed(setting, plan, residues, [from, to])
    : residues.tangentOf(plan.loss).get(0);
}

/** The derivative of the outputs and last states of a chunk, weighed with the upstream gradients. */
function weighed(
  { net, upstream, ends }: Setting,
  plan: Plan,
  { tangentOf, add, mul }: ResidueExecutor,
  [from, to]: [number, number],
): number {
  const { T, B } = plan.shape;
  const ending = ends(from, to);
  const one = endsInOne(net.architecture.topology);
  const sum = (t: Tensor, above: FlatNumbers, first: number, counts: (row: number) => boolean): number => {
    const [d, [N, width]] = [tangentOf(t), t.shape];
    let total = 0;
    for (let r = 0; r < N; r++)
      for (let c = 0; counts(r) && c < width; c++)
        total = add(total, mul(d.get(r, c), above.numbers[first + r * width + c]));
    return total;
  };
  const valid = plan.main.valid;
  const { output, states } = upstream as NonNullable<Setting['upstream']>;
  const { value } = plan.output;
  const outputs = one
    ? sum(value, output, 0, (row) => ending[row])
    : sum(value, output, (to - T) * B * value.shape[1], (row) => valid.data[row] !== 0);
  return Object.entries(plan.final.states).reduce(
    (total, [name, state]) =>
      add(
        total,
        sum(state, states[name], 0, (row) => ending[row]),
      ),
    outputs,
  );
}

/** Whether two tensors hold the same residues. */
function compareValues(variable: string, a: Tensor, b: Tensor): Compared {
  const [stated, exact] = [toFlat(a), toFlat(b)];
  const k = stated.findIndex((value, at) => value !== exact[at]);
  const one = { variable, entries: stated.length, stated: stated[k], exact: exact[k] };
  return k < 0 ? { ...one, stated: 0, exact: 0 } : { ...one, where: `entry ${k}` };
}

function compareTruncated(problem: Problem, point: Point, chunk: number): Compared[] {
  const setting = settingAt(problem, point);
  const { net, batch, upstream, T } = setting;
  net.parameters.zeroGradients();
  const result = truncated(net, batch, { chunk, ...(upstream && { upstream }) });
  const gradients = gradientsOf(setting, problem, result);
  const whole = net.forward(batch);
  const carried = [
    compareValues('output', result.output, whole.output),
    ...Object.entries(whole.states).map(([name, state]) =>
      compareValues(`${name} at the end`, result.states[name], state),
    ),
  ];
  const sizes = Object.fromEntries(Object.entries(gradients).map(([name, { length }]) => [name, length]));
  const compared = alongDirections(sizes, (names) => {
    const direction = Object.fromEntries(
      names.map((name) => [name, gradients[name].map(() => point.draw())]),
    );
    let [stated, exact] = [0, 0];
    for (const [name, along] of Object.entries(direction))
      along.forEach((v, k) => (stated = point.add(stated, point.mul(v, gradients[name][k]))));
    for (let from = 0; from < T; from += chunk)
      exact = point.add(exact, slopeOfChunk(setting, direction, point, [from, Math.min(from + chunk, T)]));
    return { stated, exact };
  });
  return [...compared, ...carried];
}

/** Whether a network can run in chunks of more than one step, with a loss whose fixed numbers are all in its equations. */
const hasChunks = ({ network, plan }: Problem): boolean => {
  const { encoder, feed, layers, loss } = network.architecture;
  const streams = !encoder && feed !== 'output' && !layers.some(isBidirectional);
  const isPlain = loss === undefined || Object.keys(lossOf(loss).repeated).length === 0;
  return streams && isPlain && plan.shape.T > 1;
};

/** Checks truncated runs of a problem's network on its batch, in chunks of half the steps; undefined where it has none. */
export function exactTruncated(problem: Problem, { seed = 0 } = {}): ExactRows | undefined {
  if (!hasChunks(problem)) return undefined;
  const chunk = Math.floor(problem.plan.shape.T / 2);
  return rowsAtPoints(problem, hoist(problem.backward), seed, (point) =>
    compareTruncated(problem, point, chunk),
  );
}
