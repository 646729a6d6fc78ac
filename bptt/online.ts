/**
 * Learning online: the gradient of each step's loss when that step has run, without going back in time.
 *
 *   s_t = F(s_{t−1}, θ)     J_t = ∂s_t/∂s_{t−1} [S, S]     M_t = ∂⁺s_t/∂θ [S, P], with s_{t−1} held fixed
 *   dL_t/dθ = ∂⁺L_t/∂θ + ∂L_t/∂s_{t−1} G_{t−1}, where G_t = ds_t/dθ [S, P] is the influence of θ on the states
 *
 *   rtrl   G_t = J_t G_{t−1} + M_t                       time S² P, memory S P
 *   uoro   G_t ≈ s̃ θ̃ᵀ, an estimate of rank one:          time of a few steps, memory S + P
 *          s̃ = ρ₀ J_t s̃ + ρ₁ ν     θ̃ = θ̃ / ρ₀ + M_tᵀ ν / ρ₁     ν drawn from ±1
 *
 * The mean of s̃ θ̃ᵀ over ν is G_t, whatever ρ₀ and ρ₁ are; these balance the norms, which keeps the variance low.
 */
import { mustBe, mustBeArrayLike, mustBeList, mustBeOneOf, mustKnowKeys } from '../core/check';
import { mustBeRandom, Random } from '../core/random/random';
import { fillFrom, toFlat, type Tensor, type Tensors } from '../core/tensor';
import { DualExecutor } from './check/rtrl';
import { mustBeNetwork, type Network } from './network/network';
import { planOf, type Pass } from './network/passes/pass';
import type { Plan } from './network/passes/plan';
import type { States } from './network/batch/states';
import { mustStream } from './network/topology';
import type { Upstream } from './network/batch/upstream';

/** Real-time recurrent learning, exact; unbiased online recurrent optimization, a random estimate. */
export type OnlineMethod = 'rtrl' | 'uoro';
export const onlineMethods: readonly OnlineMethod[] = ['rtrl', 'uoro'];

/** How the influence of the parameters on the states is kept. */
export interface OnlineOptions {
  /** Default rtrl. */
  method?: OnlineMethod;
  /** Names of the parameters that get gradients; default all. */
  parameters?: readonly string[];
  /** Generator of the signs of uoro; default one of seed 0. */
  random?: Random;
}

/**
 * Runs a network step by step and adds up the gradients of the losses. Created by `onlineGradients`.
 * @example
 * const twoUnits = network({ layers: [elman({ input: 1, hidden: 2 })] });
 * const online = onlineGradients(twoUnits, { method: 'uoro' });
 * online.step([1], (y) => y); // dL/dy = y: the loss is half the squared length of y
 * online.memory; // 2 + 8 numbers, for 2 states and 2 · 1 + 2 · 2 + 2 weights
 */
export class OnlineGradients {
  private readonly method: OnlineMethod;
  private readonly names: readonly string[];
  private readonly random: Random;
  private influence: Influence;
  private states: States | undefined;

  constructor(
    private readonly network: Network,
    options: OnlineOptions,
  ) {
    const where = 'onlineGradients';
    mustBeNetwork(network, where);
    mustKnowKeys(options, ['method', 'parameters', 'random'], where);
    const { architecture, parameters } = network;
    const { loss, trainInitial, topology } = architecture;
    mustBe(!loss, where, 'the network must have no loss', loss, 'step takes the gradient of the loss');
    mustBe(!trainInitial, where, 'trainInitial must be left out', trainInitial);
    mustBe(topology === 'many-to-many', where, 'the topology must be many-to-many', topology);
    mustStream(architecture, where, 'the network must run step by step', 'one that does not');
    const all = Object.keys(parameters.values);
    this.method = mustBeOneOf(options.method ?? 'rtrl', onlineMethods, where, 'method');
    mustBeList(options.parameters ?? all, where, 'parameters', 'names');
    this.names = (options.parameters ?? all).map((name) => mustBeOneOf(name, all, where, 'parameters'));
    this.random = options.random ?? new Random();
    mustBeRandom(this.random, where);
    this.influence = this.none();
  }

  /** Numbers that are kept from step to step, besides the states: S P for rtrl, S + P for uoro; 0 before the first step. */
  get memory(): number {
    return this.influence.memory;
  }

  /**
   * Runs one step of a sequence, and adds the gradient of its loss to `parameters.gradients`: exact for rtrl, an unbiased
   * estimate for uoro. If the weights change between steps, the influence of earlier steps is that of the weights they had.
   *
   *   x [D]   ->   y [O]
   * @param gradientOf dL/dy [O] of this step's loss; omit it for a step without a loss.
   * @throws RangeError unless x is D finite numbers and the gradient O.
   */
  step(x: ArrayLike<number>, gradientOf?: (y: number[]) => ArrayLike<number>): number[] {
    const { network, states: from } = this;
    const where = 'onlineGradients.step';
    mustBeArrayLike(x, where, 'x');
    const isGiven = gradientOf !== undefined;
    mustBe(!isGiven || typeof gradientOf === 'function', where, 'gradientOf must be a function', gradientOf);
    const numbers = Float64Array.from(x);
    const pass = network.forward({ x: { shape: [1, 1, network.input], numbers } }, from && { from });
    const y = toFlat(pass.output);
    this.states = pass.states;
    const before = this.read();
    const step = this.stepOf(pass);
    const dy = gradientOf?.(y);
    if (dy) {
      const { ds, dθ } = this.pull(pass, { output: { shape: [1, 1, dy.length], numbers: dy } });
      this.put(before, dθ, this.influence.along(ds));
    }
    const after = this.read();
    this.influence.advance(step);
    this.put(dy ? after : before);
    return y;
  }

  /** Starts a new sequence: the states are zero again, and the parameters have no influence on them. */
  reset(): void {
    this.states = undefined;
    this.influence = this.none();
  }

  private none(): Influence {
    if (this.method === 'rtrl') return new WholeInfluence();
    return new RankOneInfluence(() => (this.random.word() < 2 ** 31 ? 1 : -1));
  }

  /** The derivatives of one step, as products with vectors. */
  private stepOf(pass: Pass): Step {
    const sizes = Object.entries(pass.states).map(([name, t]) => [name, t.shape[1]] as const);
    const S = sizes.reduce((sum, [, size]) => sum + size, 0);
    return {
      S,
      back: (v) => {
        let at = 0;
        const states = Object.fromEntries(
          sizes.map(([name, size]) => [name, { shape: [1, size], numbers: v.slice(at, (at += size)) }]),
        );
        return this.pull(pass, { states });
      },
      ahead: (v) => push(pass, v),
    };
  }

  /** Backpropagates through one step only: to the states before it, and to the parameters. */
  private pull(pass: Pass, upstream: Upstream): Pulled {
    const { gradients } = this.network.parameters;
    for (const name of this.names) fillFrom(gradients[name], 0);
    const { initial } = pass.backward(upstream);
    return { ds: joined(initial, Object.keys(initial)), dθ: joined(gradients, this.names) };
  }

  private read(): Map<string, number[]> {
    return new Map(Object.entries(this.network.parameters.gradients).map(([name, t]) => [name, toFlat(t)]));
  }

  /** Sets the gradients to what they were, plus these of the chosen parameters. */
  private put(before: Map<string, number[]>, ...more: Float64Array[]): void {
    let at = 0;
    for (const name of this.names) {
      const own = before.get(name) as number[];
      for (let k = 0; k < own.length; k++, at++) for (const part of more) own[k] += part[at] ?? 0;
    }
    const { gradients, used } = this.network.parameters;
    for (const [name, numbers] of before) fillFrom(gradients[name], numbers);
    for (const { name } of used.tables) used.markAll(name);
  }
}

/** Forward mode on the steps of a plan, bound when a plan is first used. */
const bound = new WeakMap<Plan, { duals: DualExecutor; run: () => void }>();

/** J v: how the states after a step change when those before it change along v. */
function push(pass: Pass, v: Float64Array): Float64Array {
  const plan = planOf(pass);
  let made = bound.get(plan);
  if (!made) {
    const duals = new DualExecutor();
    bound.set(plan, (made = { duals, run: plan.forward.bind(duals) }));
  }
  const { duals, run } = made;
  let at = 0;
  for (const t of Object.values(plan.initial.states)) {
    const d = duals.tangentOf(t);
    for (let k = 0; k < t.shape[1]; k++) d.set(0, k, v[at++]);
  }
  run();
  return joinedRows(Object.values(plan.final.states).map((t) => duals.tangentOf(t)));
}

/** A gradient pulled back through one step. */
interface Pulled {
  ds: Float64Array;
  dθ: Float64Array;
}

/** The derivatives of one step, as products with vectors v [S]. */
interface Step {
  S: number;
  /** vᵀJ and vᵀM */
  back: (v: Float64Array) => Pulled;
  /** J v */
  ahead: (v: Float64Array) => Float64Array;
}

/** The influence of the parameters on the states, G [S, P], in some form. */
interface Influence {
  readonly memory: number;
  /** dsᵀ G */
  along: (ds: Float64Array) => Float64Array;
  advance: (step: Step) => void;
}

const joinedRows = (tensors: Tensor[]): Float64Array => Float64Array.from(tensors.flatMap(toFlat));
const joined = (tensors: Tensors, names: readonly string[]): Float64Array =>
  joinedRows(names.map((name) => tensors[name]));

/** into += weight row */
function addRow(into: Float64Array, weight: number, row: Float64Array): void {
  for (let k = 0; k < row.length; k++) into[k] += weight * row[k];
}

/** The whole matrix, one row for each state. */
class WholeInfluence implements Influence {
  private rows: Float64Array[] = [];

  get memory(): number {
    return this.rows.length * (this.rows[0]?.length ?? 0);
  }

  along(ds: Float64Array): Float64Array {
    const sum = new Float64Array(this.rows[0]?.length ?? 0);
    this.rows.forEach((row, i) => addRow(sum, ds[i], row));
    return sum;
  }

  /** G = J G + M */
  advance({ S, back }: Step): void {
    const before = this.rows;
    this.rows = Array.from({ length: S }, (_, i) => {
      const { ds, dθ } = back(Float64Array.from({ length: S }, (_, k) => (k === i ? 1 : 0)));
      before.forEach((row, j) => addRow(dθ, ds[j], row));
      return dθ;
    });
  }
}

/** Keeps the factors ρ₀ and ρ₁ finite; the value of the paper. */
const EPSILON = 1e-7;

/** A random estimate s̃ θ̃ᵀ, whose mean is the whole matrix. */
class RankOneInfluence implements Influence {
  private state: Float64Array | undefined;
  private weight = new Float64Array();

  constructor(private readonly sign: () => number) {}

  get memory(): number {
    return (this.state?.length ?? 0) + this.weight.length;
  }

  along(ds: Float64Array): Float64Array {
    const factor = this.state?.reduce((sum, s, i) => sum + s * ds[i], 0) ?? 0;
    return this.weight.map((w) => factor * w);
  }

  advance({ S, back, ahead }: Step): void {
    const signs = Float64Array.from({ length: S }, this.sign);
    const immediate = back(signs).dθ;
    const moved = this.state ? ahead(this.state) : new Float64Array(S);
    if (!this.state) this.weight = new Float64Array(immediate.length);
    const balance = (a: Float64Array, b: Float64Array): number =>
      Math.sqrt(norm(a) / (norm(b) + EPSILON)) + EPSILON;
    const [decay, added] = [balance(this.weight, moved), balance(immediate, signs)];
    this.state = moved.map((s, i) => decay * s + added * signs[i]);
    this.weight = this.weight.map((w, k) => w / decay + immediate[k] / added);
  }
}

const norm = (v: Float64Array): number => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));

/**
 * Gradients for learning online: of each step's loss, at that step, in memory that does not grow with the sequence. Give the
 * network no loss; `step` takes dL/dy. One sequence at a time (B = 1); layers and cells as you like, but no bidirectional ones.
 *
 * | method | gradient           | numbers kept | time of a step                  |
 * | ------ | ------------------ | ------------ | ------------------------------- |
 * | rtrl   | exact              | S P          | S passes of one step, plus S² P |
 * | uoro   | unbiased, of rank 1 | S + P        | three passes of one step        |
 *
 * S is the number of state values, P that of parameters. As long as the weights do not change, the sum of the exact
 * gradients is that of backpropagation through time.
 *
 * Source: Williams & Zipser 1989, "A learning algorithm for continually running fully recurrent neural networks"; Tallec &
 * Ollivier 2017, "Unbiased online recurrent optimization".
 * @throws TypeError for a network with a loss, trainable initial states, another topology or an unknown option.
 * @example
 * const small = network({ layers: [elman({ input: 1, hidden: 2 })] });
 * const exact = onlineGradients(small, { method: 'rtrl' });
 * exact.step([1]);
 * exact.memory // 16
 */
export const onlineGradients = (net: Network, options: OnlineOptions = {}): OnlineGradients =>
  new OnlineGradients(net, options);
