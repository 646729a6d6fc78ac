/** A network: cells stacked in layers, an output layer, a loss; run forward, run backward. */
import type { Cell } from '../../cells/cell';
import { must, mustBe, mustBeOneOf, mustKnowKeys } from '../../core/check';
import { executorOf } from '../../core/executor';
import { engineMemory, type Dtype } from '../../core/memory';
import type { Executor } from '../../core/program';
import { Random } from '../../core/random';
import {
  allCopied,
  contents,
  copied,
  copyInto,
  fillFrom,
  isList,
  isTensor,
  reshape,
  rows,
  toFlat,
  type Numbers,
  type Tensor,
} from '../../core/tensor';
import {
  architectureOf,
  optionsOf,
  parameterShapes,
  widthOfOutput,
  type Architecture,
  type NetworkOptions,
} from './architecture';
import { passKeys, readBatch, type Batch, type Ended, type Part } from './batch';
import { bind, type Bound } from './bound';
import { fitted, flatten } from './box';
import { clocksOf, phasesOf } from './layer';
import { Parameters } from './parameters';
import type { Plan } from './plan';
import { reader, type Gradients, type Result } from './results';
import { rowsFirst } from './sequence';
import { firstReaderOf, type Stack } from './stack';
import type { PlanShape } from './stage';
import { beginsWithOne } from './topology';
import { fillUpstream, type Upstream } from './upstream';

export type { NetworkOptions } from './architecture';
export type { Gradients, Result } from './results';
export type { Upstream } from './upstream';

/** What the last forward pass was. */
interface Last {
  bound: Bound;
  /** It started where every sequence starts. */
  fresh: boolean;
  clock: number;
  /** The part that was run holds the first step. */
  begins: boolean;
  predicted: boolean;
}

/** What a plan is for. Each use has plans of its own: the last forward pass stays whole whatever runs beside it. */
type Use = 'pass' | 'decode' | 'check';

/** Plans kept at once: a training and a validation shape, a ragged last batch, and a few more. */
const PLANS_KEPT = 8;

/**
 * A recurrent network with its weights: made by `network`, or by a checkpoint or an import.
 *
 *   x [T, B, D]   ->   output [T, B, O]   states by name, `l0.h` [B, H]      one side of one step has no axis T
 *
 * `backward` adds into `parameters.gradients`; weights stay. Results are copied when they are first read, which must be
 * before the next pass.
 * @example
 * const small = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
 * small.forward({ x: [[[1, 0]], [[0, 1]]], targets: [[1], [0]] }).output.shape; // [2, 1, 2]
 * small.backward().x.shape; // [2, 1, 2]
 */
export class Network {
  /** What it is made of, defaults filled in. */
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  /** Drew the weights, and draws dropout: its state is part of a run that is to go on. */
  readonly random: Random;
  readonly executor: Executor;
  readonly reduction: 'mean' | 'sum';
  /** D, the width of the input. */
  readonly input: number;
  /** O, the width of the output. */
  readonly output: number;
  private readonly clocks: readonly Cell[];
  private readonly plans = new Map<string, Bound>();
  private last: Last | undefined;

  constructor(options: NetworkOptions) {
    this.architecture = architectureOf(options);
    this.reduction = mustBeOneOf(options.reduction ?? 'mean', ['mean', 'sum'], 'network', 'reduction');
    const { layers } = this.architecture;
    this.input = firstReaderOf(this.architecture).input;
    this.output = widthOfOutput(this.architecture);
    this.clocks = clocksOf(layers);
    this.executor = executorOf(options.executor);
    this.random = new Random(options.seed ?? 0);
    this.parameters = new Parameters(
      parameterShapes(this.architecture),
      this.architecture.dtype,
      this.random,
    );
  }

  /**
   * Runs a batch forward.
   *
   * @param training draws dropout; leave out to evaluate.
   * @param part runs only some steps or rows of the batch, with their weights in the loss of the whole (see `truncated`
   * and `parallel`). Dropout is drawn for all rows, so that it is the same however a batch is shared out.
   * @throws RangeError when a shape, a length or a target does not fit, or a number is not finite.
   */
  forward(batch: Batch, options: { training?: boolean } & Part = {}): Result {
    mustKnowKeys(options, passKeys, 'network.forward');
    const { training = false, ...part } = options;
    const { bound } = (this.last = this.load(batch, training, part, 'pass'));
    bound.encode();
    bound.forward();
    const { plan, output, attention } = bound;
    const { last } = this;
    const read = reader('network.forward', () => this.last === last);
    return {
      loss: this.architecture.loss && !part.predict ? plan.loss.get(0) : NaN,
      get output() {
        return read('output', () => copied(output));
      },
      get states() {
        return read('states', () => allCopied(plan.final.states));
      },
      get attention() {
        return attention && read('attention', () => copied(attention));
      },
    };
  }

  /**
   * Runs the last forward pass backward through time, adding into `parameters.gradients`.
   *
   * @param upstream dL/doutput and dL/dstates, for a network without a loss; what is left out is zero.
   * @returns dL/dx [T, B, D] ([B, D] where there is one input), that of a decoder's inputs, and dL/dinitial states by
   *   name. Those of inputs are computed when one is read for the first time, which must be before the weights change;
   *   class numbers have none.
   * @throws RangeError before the first `forward`, or when a gradient has the wrong size; TypeError when dL/dx is read
   *   after a batch of class numbers.
   */
  backward(upstream?: Upstream): Gradients {
    must(this.last !== undefined, 'network.backward', 'forward must have been called', 'no forward pass');
    const { bound, fresh, begins, predicted } = this.last;
    const { plan } = bound;
    if (this.architecture.loss) {
      must(!predicted, 'network.backward', 'the forward pass must have had targets', 'a prediction');
      must(
        upstream === undefined,
        'network.backward',
        'upstream gradients must be left out',
        'some',
        'the network has a loss',
      );
    } else {
      fillUpstream(plan, upstream ?? {}, 'network.backward');
    }
    bound.backward();
    if (fresh) bound.startBackward();
    const { topology, feed } = this.architecture;
    const { last } = this;
    const read = reader('network.backward', () => this.last === last);
    let late = true;
    const gradientOf = (stack: Stack, one: boolean, name: string): Tensor => {
      const why = 'a class number cannot be moved by a little; one-hot rows [T, B, D] can';
      const where = 'network.backward';
      mustBe(!stack.shape.classes, where, `${name} must be numbers to have a gradient`, 'class numbers', why);
      if (late) bound.inputBackward();
      late = false;
      const { T, B } = stack.shape;
      const { gradient } = stack.input;
      const D = gradient.shape[1];
      if (!one) return copied(reshape(gradient, [T, B, D]));
      const first = copied(rows(gradient, 0, B));
      if (!begins) first.data.fill(0);
      return first;
    };
    return {
      get x() {
        return read('x', () => gradientOf(plan.first, beginsWithOne(topology), 'x'));
      },
      get inputs() {
        return plan.source && read('inputs', () => gradientOf(plan.main, feed !== 'given', 'inputs'));
      },
      get initial() {
        return read('initial', () => allCopied(plan.initial.gradients));
      },
    };
  }

  /** The plan for a shape, recorded at first use; the least recently used ones are forgotten and must not be used. */
  plan(shape: PlanShape): Plan {
    return this.bound(shape).plan;
  }

  /** The plan of the last forward pass. */
  get lastPlan(): Plan | undefined {
    return this.last?.bound.plan;
  }

  /** Time on the sequence's clock after the last forward pass: where `initial: 'carry'` goes on. */
  get clock(): number {
    return this.last ? this.last.clock + this.last.bound.plan.shape.T : 0;
  }

  /** Where the last forward pass ended, as views; `clock` as above. */
  get ended(): Ended | undefined {
    if (!this.last) return undefined;
    const { plan } = this.last.bound;
    const finals = Object.entries(plan.final.states).map(([name, t]) => [name, contents(t)] as const);
    return { states: Object.fromEntries(finals), clock: this.clock, B: plan.shape.B };
  }

  /** A plan that holds a batch, with initial states and dropout, and is run by the caller. The last pass stays the last. */
  prepare(batch: Batch, training = false): Plan {
    return this.load(batch, training, {}, 'check').bound.plan;
  }

  /**
   * The plan of a batch of one step, at time `clock`, begun where the batch begins unless `owner` has begun it: what
   * `Writer` takes its steps with. The last pass stays the last.
   */
  single(batch: Batch, owner: object, clock: number): Bound {
    const where = 'decode';
    const read = readBatch(batch, this, where, { predict: true });
    const bound = this.bound({ ...read.shape, clock }, 'decode');
    const { plan } = bound;
    read.fill(plan);
    if (bound.owner === owner) return bound;
    for (const keep of plan.keeps) keep.data.fill(1);
    this.setInitial(bound, batch.initial ?? 'zero', { B: read.B, low: 0, high: read.B }, where);
    bound.encode();
    bound.owner = owner;
    return bound;
  }

  private load(batch: Batch, training: boolean, part: Part, use: Use): Last {
    const where = 'network.forward';
    const read = readBatch(batch, this, where, part);
    const replaces = use === 'pass' && (batch.initial ?? 'zero') === 'zero';
    const bound = this.bound(read.shape, use, replaces);
    const { plan } = bound;
    read.fill(plan);
    const { dropout } = this.architecture;
    const rows = { B: read.B, low: part.rows?.[0] ?? 0, high: part.rows?.[1] ?? read.B };
    for (const keep of plan.keeps) {
      if (training) drawKeep(keep, dropout, rows, this.random);
      else keep.data.fill(1);
    }
    const fresh = this.setInitial(bound, batch.initial ?? 'zero', rows, where, part.from);
    const begins = (part.steps?.[0] ?? 0) === 0;
    const { predict: predicted = false } = part;
    return { bound, fresh, clock: read.shape.clock ?? 0, begins, predicted };
  }

  /** Fills the initial states; true when they are those that every sequence starts from. */
  private setInitial(
    bound: Bound,
    initial: NonNullable<Batch['initial']>,
    { B, low, high }: Rows,
    where: string,
    from?: Ended,
  ): boolean {
    const { plan } = bound;
    const blocks = plan.initial.states;
    if (initial === 'carry' && from) {
      mustBeOf(from.B, B, where);
      initial = from.states;
    }
    if (initial === 'carry') {
      const before = this.last?.bound.plan;
      must(before !== undefined, where, 'a forward pass must come before initial: carry', 'none', CARRIED);
      mustBeOf(before.shape.B, plan.shape.B, where);
      const finals = before.final.states;
      for (const name in blocks) copyInto(blocks[name], finals[name]);
    } else if (initial === 'zero') {
      for (const name in blocks) fillFrom(blocks[name], 0);
      bound.start();
    } else {
      const names = Object.keys(blocks).join(', ');
      const named = typeof initial === 'object' && !isTensor(initial) && !isList(initial);
      mustBe(named, where, `initial must be zero, carry, or states by name (${names})`, initial);
      const unknown = Object.keys(initial).find((name) => !(name in blocks));
      if (unknown !== undefined) must(false, where, `initial states must be among ${names}`, unknown);
      for (const name in blocks) {
        const [block, given] = [blocks[name], initial[name] as Numbers | undefined];
        if (given === undefined) must(false, where, `initial ${name} must be given`, given);
        const width = block.shape[1];
        const { T } = plan.shape;
        const box = flatten(given, where, `initial ${name}`);
        const why = box.numbers.length === T * width ? rowsFirst(T, B) : undefined;
        const values = fitted(box, [B, width], where, `initial ${name}`, why);
        fillFrom(block, high - low === B ? values : partOf(values, low * width, high * width));
      }
    }
    return initial === 'zero';
  }

  /** The plan of that shape. Where nothing else makes room for it, the last pass is forgotten if it `replaces` that. */
  private bound(shape: PlanShape, use: Use = 'pass', replaces = false): Bound {
    const last = this.last?.bound;
    // single steps come in long rows of one shape: then there is nothing to be looked up
    if (last && use === 'pass' && this.clocks.length === 0 && alike(last.plan.shape, shape)) return last;
    const { T, B, masked, classes = false, source, clock = 0 } = shape;
    const read = source ? `${source.T},${source.masked},${source.classes}` : '';
    const key = `${use},${T},${B},${masked},${classes},${read},${phasesOf(this.clocks, T, clock)}`;
    let bound = this.plans.get(key);
    if (!bound) {
      if (this.plans.size >= PLANS_KEPT) this.forget(last);
      const reclaim = (): boolean => this.forget(last) || (replaces && this.forget(undefined));
      const { made, release } = engineMemory().lease(() => bind(shape, this), reclaim);
      bound = { ...made, release };
    }
    // a Map keeps the order of insertion: the first key is the least recently used
    this.plans.delete(key);
    this.plans.set(key, bound);
    return bound;
  }

  /** Forgets the least recently used plan that is not `kept`; false where there is none. */
  private forget(kept: Bound | undefined): boolean {
    const [key, bound] = [...this.plans].find(([, one]) => one !== kept) ?? [];
    if (key === undefined || !bound) return false;
    this.plans.delete(key);
    bound.release();
    if (bound === this.last?.bound) this.last = undefined;
    return true;
  }
}

/** Throws TypeError unless the value is a network of this engine. */
export function mustBeNetwork(value: unknown, where: string): asserts value is Network {
  const why = 'what network, an import or a checkpoint makes';
  mustBe(value instanceof Network, where, 'the network must be a Network', value, why);
}

const CARRIED = 'the states of the last forward pass are carried over';
function mustBeOf(before: number, B: number, where: string): void {
  if (before !== B)
    must(false, where, `B must be ${before}`, B, `${CARRIED}; other rows must start from zero`);
}

/** Whether one plan serves both shapes, as far as can be told at a glance. */
const alike = (p: PlanShape, q: PlanShape): boolean =>
  p.T === q.T && p.B === q.B && p.masked === q.masked && p.classes === q.classes && !p.source && !q.source;

/** Rows low…high of a batch of B. */
interface Rows {
  B: number;
  low: number;
  high: number;
}

/** Draws a mask for all rows of a batch, and keeps those of low…high. */
function drawKeep({ data, shape }: Tensor, dropout: number, { B, low, high }: Rows, random: Random): void {
  const [N, width] = shape;
  const scale = 1 / (1 - dropout);
  let k = 0;
  for (let row = 0; row < (N / (high - low)) * B; row++) {
    const mine = row % B >= low && row % B < high;
    for (let c = 0; c < width; c++) {
      const dropped = random.uniform() < dropout;
      if (mine) data[k++] = dropped ? 0 : scale;
    }
  }
}

const partOf = (values: ArrayLike<number>, from: number, to: number): Float64Array =>
  Float64Array.from({ length: to - from }, (_, k) => values[from + k]);

/**
 * A recurrent network: layers of cells, an optional output layer, an optional loss.
 *
 * @throws TypeError for an unknown option; RangeError when sizes disagree.
 * @example network({ layers: [lstm({ input: 4, hidden: 5 })], output: 3, loss: 'softmax' }).parameters.count // 218
 */
export const network = (options: NetworkOptions): Network => new Network(options);

/** The same network with the same weights under another dtype; float64 by default, as the gradient check wants it. */
export function copyOf(net: Network, dtype: Dtype = 'float64'): Network {
  mustBeNetwork(net, 'copyOf');
  const copy = new Network({ ...optionsOf(net.architecture), reduction: net.reduction, dtype });
  for (const [name, t] of Object.entries(net.parameters.values)) copy.parameters.set(name, toFlat(t));
  return copy;
}
