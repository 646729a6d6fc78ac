/**
 * Measures how gradients flow back through time: where they vanish or explode, and how the Jacobians explain it.
 *
 *   ∂L/∂h_k = Σ_t ∂L_t/∂h_t · ∂h_t/∂h_k     ∂h_t/∂h_k = Π_{j=k+1..t} ∂h_j/∂h_{j−1}     ‖∂h_t/∂h_k‖ ≤ Π_j σ_max(∂h_j/∂h_{j−1})
 *
 * Norms of matrices are their largest singular values, norms of gradients are Euclidean. h denotes all states of a layer
 * together, including an LSTM's c; norms of each single state are reported too. Where a network reads its own output,
 * there is a second path through time, which the gradients include and the Jacobians of the states do not.
 *
 * Source: Hochreiter 1991, "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio, Simard & Frasconi 1994, "Learning
 * long-term dependencies with gradient descent is difficult"; Pascanu, Mikolov & Bengio 2013, "On the difficulty of
 * training recurrent neural networks".
 */
import { Matrix } from 'ml-matrix';
import type { Cell } from '../../cells/cell';
import { must, mustBe, mustKnowKeys } from '../../core/check';
import { engineMemory } from '../../core/memory';
import type { Executor } from '../../core/programs/program';
import type { Tensor } from '../../core/tensor';
import type { Batch } from '../network/batch/batch';
import { spansOf, statesSize } from '../check/jacobians/stepcopies';
import { jacobiansOf } from '../check/jacobians/jacobian';
import { copyNetwork, type Network, type Upstream } from '../network/network';
import { MatrixProduct, singularValues } from './singular';
import type { Unroll } from '../unroll';
import { planOf } from '../network/passes/pass';

/** The row that `flow` analyzes, and the upstream gradients. */
export interface FlowOptions {
  /** The row of the batch whose Jacobians are computed; default 0. */
  row?: number;
  /** dL/doutput and dL/dstates, for a network without a loss. */
  upstream?: Upstream;
}

/** Gradient flow of one pass, layer by layer. */
export interface Flow {
  /** The loss of the batch; NaN for a network without one. */
  loss: number;
  /** The row whose Jacobians were computed. */
  row: number;
  /** An encoder's layers come before those of its decoder. */
  layers: LayerFlow[];
}

/** One direction of one layer. */
export interface LayerFlow {
  /** `l0`, or `l0r` for the cell that reads from the end. */
  name: string;
  /** The kind of cell: `lstm`. */
  cell: string;
  /** Whether the cell reads from the end. */
  reverse: boolean;
  /** ‖∂L/∂s_t‖ of each state after step t = 0…T−1, over the rows that have not ended. */
  gradients: Record<string, number[]>;
  /** The same for the initial states. */
  initial: Record<string, number>;
  /** The largest singular value of each of the row's steps, in the order in which the cell takes them. */
  steps: number[];
  /** Jacobians of the final states with respect to those d = 0, 1, … steps earlier, down to the initial ones. */
  back: FlowDistance[];
}

/** ∂s_T/∂s_{T−d}: how the final states depend on those d steps earlier. */
export interface FlowDistance {
  /** Number of steps back. */
  d: number;
  /** The largest singular value. */
  norm: number;
  /** The product of the steps' largest singular values, an upper bound of the norm. */
  bound: number;
  /** All singular values, largest first; those below 1e-16 of the largest are rounding. */
  singular: number[];
  /** ‖∂h_T/∂h_{T−d}‖ for each state separately. */
  states: Record<string, number>;
}

/**
 * Runs a float64 copy of a network forward and backward over a batch and measures its gradients; the network itself does
 * not change.
 *
 * Cost: one training step plus, for each step of the row and each layer, two singular value decompositions of [S, S], where
 * S is the number of state values: 0.1 s for a hundred steps of S = 32, several seconds for S = 256.
 *
 * @throws RangeError for a row that does not exist, for a network without a loss and without upstream gradients, or for
 *   a non-finite gradient, naming the first one.
 * @example
 * const { layers } = flow(net, batch);
 * layers[0].gradients.h; // ‖∂L/∂h_t‖ for t = 0…T−1
 * trendOf(layers[0].back.map(({ norm }) => norm)).halfLife; // steps after which half of it is left
 */
export function flow(net: Network, batch: Batch, options: FlowOptions = {}): Flow {
  mustKnowKeys(options, ['row', 'upstream'], 'flow');
  return engineMemory().borrow(() => flowOf(copyNetwork(net), batch, options));
}

function flowOf(copy: Network, batch: Batch, { row = 0, upstream }: FlowOptions): Flow {
  const noisy = copy.architecture.zoneout !== undefined;
  mustBe(!noisy, 'flow', 'zoneout must be left out', copy.architecture.zoneout, 'it adds paths through time');
  const pass = copy.forward(batch);
  const { loss } = pass;
  const known = copy.architecture.loss !== undefined || upstream !== undefined;
  must(known, 'flow', 'upstream must be given', undefined, 'the network has no loss');
  pass.backward(upstream);
  const plan = planOf(pass);
  if (!plan) throw new Error('flow: a forward pass has a plan');
  const { B } = plan.shape;
  must(
    Number.isInteger(row) && row >= 0 && row < B,
    'flow',
    `the row must be in 0…${B - 1}`,
    row,
    `B = ${B}`,
  );
  const layers = plan.unrolls.map((unroll) => followed(unroll, row, copy.executor));
  return { loss, row, layers };
}

function followed(unroll: Unroll, row: number, executor: Executor): LayerFlow {
  const { cell, name, options, outputName } = unroll;
  const { T, B, valid, reverse = false } = options;
  const running = (t: number, b: number): boolean => valid?.get(t * B + b, 0) !== 0;

  const gradients: LayerFlow['gradients'] = {};
  const initial: LayerFlow['initial'] = {};
  for (const s of Object.keys(cell.states)) {
    gradients[s] = Array.from({ length: T }, (_, t) => {
      const v = unroll.at(t);
      // a state gets gradient from the following step and, if it is the output, from the layer above
      const terms = s === outputName ? [v[`d${s}Next`], v[`d${s}Out`]] : [v[`d${s}Next`]];
      return normOf(terms, (b) => running(t, b), `${name}.${s} after t = ${t}`);
    });
    initial[s] = normOf([unroll.after(0, unroll.dStates[s])], () => true, `the initial ${name}.${s}`);
  }

  const jacobian = jacobiansOf(unroll, executor);
  const taken = unroll.steps().filter((t) => running(t, row));
  const jacobians = taken.map((t) => new Matrix(jacobian(t, row)));
  const steps = jacobians.map((J) => singularValues(J)[0]);
  return {
    name,
    cell: cell.name,
    reverse,
    gradients,
    initial,
    steps,
    back: accumulated(cell, jacobians, steps),
  };
}

/** Products of Jacobians from the last step back; later steps are on the left. */
function accumulated(cell: Cell, jacobians: readonly Matrix[], steps: readonly number[]): FlowDistance[] {
  const spans = Object.entries(spansOf(cell));
  const product = new MatrixProduct(statesSize(cell));
  const back: FlowDistance[] = [];
  let bound = 1;
  for (let d = 0; ; d++) {
    const singular = product.singular();
    const own = spans.map(([s, { from, to }]) => [s, product.singular(from, to)[0]] as const);
    back.push({ d, norm: singular[0], bound, singular, states: Object.fromEntries(own) });
    if (d === jacobians.length) return back;
    const k = jacobians.length - 1 - d;
    product.times(jacobians[k]);
    bound *= steps[k];
  }
}

/** The norm of a sum of gradients [B, H] over the rows that count. */
function normOf(terms: readonly Tensor[], counts: (b: number) => boolean, where: string): number {
  const [B, H] = terms[0].shape;
  let squares = 0;
  for (let b = 0; b < B; b++)
    for (let u = 0; u < H && counts(b); u++)
      squares += terms.reduce((sum, term) => sum + term.get(b, u), 0) ** 2;
  must(Number.isFinite(squares), 'flow', 'gradients must be finite', `${squares} at ${where}`);
  return Math.sqrt(squares);
}

/** How a norm develops over steps. */
export interface Trend {
  /** Growth factor per step: the geometric mean from the first step to the last with a norm above 0. */
  rate: number;
  /** Steps after which it has halved; minus the doubling time if it grows; Infinity if it is constant. */
  halfLife: number;
  /** Steps after which it stays below 2⁻²⁴ of the first norm: too small to change a float32 sum of both. */
  vanished?: number;
  /** Steps after which it stays above 2²⁴ times the first norm. */
  exploded?: number;
}

/** Unit roundoff of float32: half the distance between numbers near 1. */
const LOST = 2 ** -24;

/**
 * The trend of a series of norms, one per step.
 * @throws RangeError for an empty list, or a first norm that is not > 0.
 * @example trendOf([1, 0.5, 0.25]).halfLife // 1
 */
export function trendOf(norms: readonly number[]): Trend {
  must(norms.length > 0, 'trendOf', 'there must be at least one norm', 'none');
  must(norms[0] > 0, 'trendOf', 'the first norm must be > 0', norms[0]);
  const [first] = norms;
  const last = norms.findLastIndex((norm) => norm > 0);
  const rate = last === 0 ? (norms.length > 1 ? 0 : 1) : (norms[last] / first) ** (1 / last);
  const since = (fits: (norm: number) => boolean): number | undefined => {
    const before = norms.findLastIndex((norm) => !fits(norm));
    return before + 1 < norms.length ? before + 1 : undefined;
  };
  const vanished = since((norm) => norm < LOST * first);
  const exploded = since((norm) => norm > first / LOST);
  return {
    rate,
    halfLife: Math.abs(Math.log(rate)) < 1e-12 ? Infinity : Math.LN2 / -Math.log(rate),
    ...(vanished !== undefined && { vanished }),
    ...(exploded !== undefined && { exploded }),
  };
}
