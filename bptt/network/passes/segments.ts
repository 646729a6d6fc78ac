/**
 * A pass in segments: runs a long sequence in little memory, with results bit-identical to those of one plan.
 *
 * The forward pass keeps only the states between segments. The backward pass needs all steps of a segment, so it computes
 * them again, in two rounds:
 *
 *   from the last segment to the second   computes the gradients of the states between segments, and keeps them
 *   from the first segment to the last    starts from these gradients, and adds up the gradients of the weights
 *
 * The second round is needed for bit-identity: one plan adds up dW over all steps in the order of time. The result of a
 * product does not depend on where its sum is split; a sum over rows may be split at multiples of EIGHT.
 *
 * Source: Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost".
 */
import { must, mustBe, mustCount } from '../../../core/check';
import { Random, type RandomState } from '../../../core/random/random';
import {
  allCopied,
  contents,
  copied,
  fillFrom,
  outside,
  rows as rowsOf,
  type Tensor,
  type Tensors,
} from '../../../core/tensor';
import type { Architecture } from '../architecture';
import type { ReadBatch, InternalPassOptions } from '../batch/batch';
import { clocksOf } from '../layers/layer';
import { fitted } from '../batch/numbers';
import type { Gradients, PassBody, PassSize } from './pass';
import type { Plan } from './plan';
import type { PlanShape } from '../layers/stage';
import { States } from '../batch/states';
import { beginsWithOne, endsInOne, mustStream, outputAxes } from '../topology';
import { fillUpstream, type Upstream } from '../batch/upstream';
import { mustGoBack, type LoadedPlan } from './whole';

/** Rows that a sum over rows adds at a time. */
const EIGHT = 8;
/** Fewer steps are not recorded as a loop. */
const FEWEST = 8;

/** Creates the plans of segments and loads them. */
interface Loader {
  load(options: InternalPassOptions): LoadedPlan;
  plan(shape: PlanShape): Plan;
}

interface Segmented {
  readonly architecture: Architecture;
  readonly random: Random;
  readonly output: number;
}

/**
 * Steps of a segment: `every` rounded up, so that sums over all steps can be split between segments.
 * @throws RangeError unless `every` is a positive whole number.
 */
export function segmentLength(every: number, B: number): number {
  mustCount(every, 'network.forward', 'checkpointEvery');
  let grain = EIGHT;
  while (grain > 1 && ((grain / 2) * B) % EIGHT === 0) grain /= 2;
  return Math.ceil(Math.max(every, FEWEST) / grain) * grain;
}

/**
 * Checks that a network can run in segments.
 * @throws RangeError naming the reason.
 */
export function mustSegment(
  architecture: Architecture,
  { steps, checkpointEvery }: InternalPassOptions,
  where = 'network.forward',
): void {
  const what = 'checkpointEvery must be left out';
  mustStream(architecture, where, what, checkpointEvery);
  mustBe(steps === undefined, where, what, checkpointEvery, 'steps are given, which are run as a whole');
  const clocks = clocksOf(architecture.layers);
  const why = `the steps of ${clocks[0]?.name} differ: their gradients would be added up in another order`;
  must(clocks.length === 0, where, what, checkpointEvery, why);
}

export class Segments implements PassBody {
  readonly loss: number;
  private readonly T: number;
  private readonly B: number;
  private readonly rows: readonly [number, number];
  private readonly one: boolean;
  private readonly whole: Tensor;
  /** States after each segment. */
  private readonly between: States[] = [];
  /** State of the generator before each mask is drawn, by mask and segment. */
  private readonly masks: readonly RandomState[][];
  private readonly predicted: boolean;
  /** Sum of the weights, if the batch has some. */
  private readonly counted: number | undefined;

  constructor(
    private readonly network: Segmented,
    private readonly read: ReadBatch,
    private readonly options: InternalPassOptions,
    private readonly length: number,
    private readonly runner: Loader,
  ) {
    const { architecture, output: O } = network;
    this.T = read.T;
    this.rows = options.rows ?? [0, read.B];
    this.B = this.rows[1] - this.rows[0];
    this.one = endsInOne(architecture.topology);
    this.predicted = options.predict ?? false;
    this.whole = outside([...outputAxes(architecture.topology, this.T, this.B), O], architecture.dtype);
    this.masks = options.training ? this.drawMasks() : [];
    let loss = 0;
    let counted: number | undefined;
    for (let k = 0; k < this.count; k++) {
      const loaded = this.forward(k, loss, counted);
      const { plan, output } = loaded.bound;
      loss = plan.loss.get(0);
      counted = plan.counted;
      this.between[k] = new States(loaded.clock, allCopied(plan.final.states));
      this.whole.data.set(contents(output), this.one ? 0 : this.start(k) * this.B * O);
    }
    this.counted = counted;
    this.loss = architecture.loss && !this.predicted ? loss : NaN;
  }

  output(): Tensor {
    return copied(this.whole);
  }

  states(): States {
    return this.between[this.count - 1];
  }

  attention(): undefined {
    return undefined;
  }

  plan(): undefined {
    return undefined;
  }

  size(): PassSize {
    const { lengths } = this.read.part(this.options).main;
    const tokens = lengths.slice(...this.rows).reduce((sum, length) => sum + length, 0);
    return { tokens, rows: this.counted ?? (this.one ? this.B : tokens) };
  }

  backward(upstream?: Upstream): Gradients {
    const { loss } = this.network.architecture;
    mustGoBack(loss, this.predicted, upstream);
    const above = this.above(upstream ?? {});
    /** dL/dstates after each segment. */
    const after: (Record<string, ArrayLike<number>> | undefined)[] = [];
    const back = (k: number): LoadedPlan => {
      const loaded = this.forward(k, 0);
      const { plan } = loaded.bound;
      above(k, loaded, after[k]);
      loaded.bound.backward();
      if (k > 0) after[k - 1] ??= flat(plan.initial.gradients);
      return loaded;
    };
    for (let k = this.count - 1; k > 0; k--) back(k);
    let initial: Tensors = {};
    for (let k = 0; k < this.count; k++) {
      const { bound, fresh } = back(k);
      bound.sums();
      if (k > 0) continue;
      initial = allCopied(bound.plan.initial.gradients);
      if (fresh) bound.startBackward();
    }
    let x: Tensor | undefined;
    const inputGradient = (): Tensor => this.inputGradient(back);
    return {
      get x() {
        return (x ??= inputGradient());
      },
      initial,
    };
  }

  /** Draws the masks of all segments in the order of one plan, and returns the generator's state before each. */
  private drawMasks(): RandomState[][] {
    const { random } = this.network;
    const { shape } = this.read.part(this.segment(0));
    return this.runner.plan(shape).masks.map(({ values }) => {
      const [N, width] = values.shape;
      const draw = (steps: number): RandomState => {
        const { state } = random;
        for (let n = 0; n < steps * this.read.B * width; n++) random.uniform();
        return state;
      };
      // a mask that all steps share, or of the only output, is drawn once
      const once = N === this.B ? draw(1) : undefined;
      return Array.from({ length: this.count }, (_, k) => once ?? draw(this.end(k) - this.start(k)));
    });
  }

  /** The options of a segment. */
  private segment(k: number): InternalPassOptions {
    const { options } = this;
    const { forwardOnly = this.predicted } = options;
    return { ...options, steps: [this.start(k), this.end(k)], segment: true, forwardOnly };
  }

  private get count(): number {
    return Math.ceil(this.T / this.length);
  }

  private start(k: number): number {
    return k * this.length;
  }

  private end(k: number): number {
    return Math.min(this.start(k) + this.length, this.T);
  }

  /** Runs a segment forward from the states before it, and adds its loss and weights to those of earlier segments. */
  private forward(k: number, loss: number, counted?: number): LoadedPlan {
    const { between } = this;
    const random = new Random();
    const loaded = this.runner.load({
      ...this.segment(k),
      counted,
      ...(k > 0 && { from: between[k - 1] }),
      maskFrom: (mask) => {
        random.state = this.masks[mask][k];
        return random;
      },
    });
    const { bound } = loaded;
    bound.plan.loss.set(0, loss);
    bound.forward();
    return loaded;
  }

  /** Returns a function that sets the gradients from which the backward pass of a segment starts. */
  private above(
    upstream: Upstream,
  ): (k: number, loaded: LoadedPlan, after: Record<string, ArrayLike<number>> | undefined) => void {
    const where = 'pass.backward';
    const { output, states } = upstream;
    const { shape } = this.whole;
    const all = output === undefined ? undefined : fitted(output, shape, where, 'output');
    const perStep = this.B * this.network.output;
    return (k, { bound: { plan } }, after) => {
      if (plan.architecture.loss) {
        for (const [name, t] of Object.entries(plan.final.gradients)) fillFrom(t, after?.[name] ?? 0);
        return;
      }
      const last = k === this.count - 1;
      const own = this.one
        ? last && all
        : all &&
          Float64Array.from({ length: plan.shape.T * perStep }, (_, n) => all[this.start(k) * perStep + n]);
      fillUpstream(
        plan,
        { ...(own && { output: own }), states: after ?? (last ? states : undefined) },
        where,
      );
    };
  }

  /** Runs all segments backward again for dL/dx. */
  private inputGradient(back: (k: number) => LoadedPlan): Tensor {
    const { T, B } = this;
    const { architecture } = this.network;
    const once = beginsWithOne(architecture.topology);
    let x: Tensor | undefined;
    for (let k = 0; k < (once ? 1 : this.count); k++) {
      const { bound } = back(k);
      const { input, shape } = bound.plan.main;
      const why = 'class numbers are discrete; pass one-hot rows [T, B, D] for a gradient';
      mustBe(!shape.classes, 'pass.backward', 'x must be numbers to have a gradient', 'class numbers', why);
      bound.inputBackward();
      const [, D] = input.gradient.shape;
      if (once) return copied(rowsOf(input.gradient, 0, B));
      x ??= outside([T, B, D], architecture.dtype);
      x.data.set(contents(input.gradient), this.start(k) * B * D);
    }
    return x as Tensor;
  }
}

const flat = (tensors: Tensors): Record<string, ArrayLike<number>> =>
  Object.fromEntries(Object.entries(allCopied(tensors)).map(([name, { data }]) => [name, data]));
