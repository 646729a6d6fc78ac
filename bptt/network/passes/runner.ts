/** Runs a network: keeps its plans, and copies batches into them. */
import type { Cell } from '../../../cells/cell';
import { must, mustBe } from '../../../core/check';
import type { Executor } from '../../../core/programs/program';
import { Arena, engineMemory } from '../../../core/memory';
import type { Random } from '../../../core/random/random';
import { copyInto, fillFrom, isList, isTensor, type Numbers, type Tensor } from '../../../core/tensor';
import type { Architecture } from '../architecture';
import {
  readBatch,
  type Batch,
  type PassOptions,
  type ReadBatch,
  type InternalPassOptions,
} from '../batch/batch';
import { bind, type Bound, type Shared } from './bound';
import type { BoundSample } from '../../../core/programs/anysize';
import { AnyLength, LOOP, planSizes } from './anylength';
import { fillPlan } from '../batch/fill';
import { fitted, flatten, type FlatNumbers } from '../batch/numbers';
import { Chunks, FEWEST, rowsAtOnce } from './chunks';
import { clocksOf, phasesOf } from '../layers/layer';
import { setToMean, drawMask, type Rows } from '../mask';
import type { Parameters } from '../parameters';
import { Pass, type PassBody } from './pass';
import type { Plan } from './plan';
import { rowsFirst } from '../batch/sequence';
import { mustSegment, segmentLength, Segments } from './segments';
import type { PlanShape } from '../layers/stage';
import { Whole, type LoadedPlan } from './whole';

/** The network that is run. */
interface Runnable {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly random: Random;
  readonly executor: Executor;
  readonly reduction: 'mean' | 'sum';
  readonly output: number;
}

/** The use of a plan. Each use has its own plans, so that decoding or checking does not overwrite a pass. */
type Use = 'pass' | 'decode' | 'check';

/** Number of plans kept for each use: a training and a validation shape, a ragged last batch, and a few more. */
const PLANS_KEPT = 8;
/** Plans of passes share one arena, so more are kept: up to this many operations and arrays, enough for
 * hundreds of lengths. */
const OBJECTS_KEPT = 20_000;

export class Runner {
  private readonly clocks: readonly Cell[];
  private readonly plans: Record<Use, Map<string, Bound>> = {
    pass: new Map(),
    decode: new Map(),
    check: new Map(),
  };
  /** By shape without T: the calls for the first T, until they have become those for every T. */
  private readonly lengths = new Map<string, BoundSample | AnyLength | 'none'>();
  /** The memory that the plans of passes share, one at a time. */
  private readonly arena = new Arena(engineMemory());
  /** The plan of the last pass, whose numbers are in the arena. */
  private last: Bound | undefined;

  constructor(private readonly network: Runnable) {
    this.clocks = clocksOf(network.architecture.layers);
  }

  /** Runs a batch, or a part of it, forward. */
  run(read: ReadBatch, options: InternalPassOptions): Pass {
    return new Pass(this.body(read, options));
  }

  private body(read: ReadBatch, options: InternalPassOptions): PassBody {
    const { checkpointEvery: every, predict, rows: [low, high] = [0, read.B] } = options;
    const { architecture } = this.network;
    const load = (more: InternalPassOptions): LoadedPlan => this.load(read, more, 'pass');
    if (every !== undefined) {
      const length = segmentLength(every, read.B);
      if (length < read.T) {
        mustSegment(architecture, options);
        const plan = (shape: PlanShape): Plan => this.plan(shape);
        return new Segments(this.network, read, options, length, { load, plan });
      }
    }
    // states of some rows are not told apart from those of all
    const isShared = options.rows !== undefined && options.from !== undefined;
    const isMany = high - low > FEWEST;
    if (predict && isMany && !isShared && high - low > rowsAtOnce(read, options))
      return new Chunks(read, options, architecture.loss, load);
    return new Whole(load(options));
  }

  /** A plan loaded with a batch, initial states and masks; the caller runs it. */
  lay(batch: Batch, options: Pick<PassOptions, 'training' | 'rows' | 'steps' | 'from'> = {}): Plan {
    return this.load(readBatch(batch, this.network), options, 'check').bound.plan;
  }

  /** The plan for a shape, created at first use; the least recently used plans are freed and must not be used again. */
  plan(shape: PlanShape): Plan {
    return this.bound(shape, 'pass').plan;
  }

  /**
   * The plan of a batch of one step at time `clock`, for `Writer`. It is initialized from the batch unless `mine` shows
   * that its contents are still those of the same writer.
   */
  single(read: ReadBatch, clock: number, mine: WeakMap<Bound, number>): Bound {
    const part = read.part({ predict: true });
    const bound = this.bound({ ...part.shape, clock }, 'decode');
    const { plan } = bound;
    fillPlan(plan, part, this.network);
    if (mine.get(bound) === bound.turn) return bound;
    plan.masks.forEach(setToMean);
    begin(bound, read, {}, 'decode');
    bound.encode();
    mine.set(bound, ++bound.turn);
    return bound;
  }

  private load(read: ReadBatch, options: InternalPassOptions, use: Use): LoadedPlan {
    const part = read.part(options);
    const { shape } = part;
    const bound = this.bound(shape, use);
    const { plan } = bound;
    bound.turn++;
    fillPlan(plan, part, this.network);
    const { maskFrom } = options;
    plan.masks.forEach((mask, k) => {
      if (options.training) drawMask(mask, rowsOf(read, options), maskFrom?.(k) ?? this.network.random);
      else setToMean(mask);
    });
    const fresh = begin(bound, read, options, 'network.forward');
    const { steps, predict: predicted = false } = options;
    const clock = (shape.clock ?? 0) + shape.T;
    return { bound, fresh, clock, begins: (steps?.[0] ?? 0) === 0, predicted };
  }

  /** The plan of a shape; for a pass, it reuses the memory of the previous pass. */
  private bound(shape: PlanShape, use: Use): Bound {
    const { last } = this;
    // fast path for many consecutive single steps of one shape
    if (last && use === 'pass' && this.clocks.length === 0 && alike(last.plan.shape, shape)) return last;
    const { T, clock = 0 } = shape;
    const key = `${planSizes(shape).join()};${kindOf(shape)};${phasesOf(this.clocks, T, clock)}`;
    const plans = this.plans[use];
    const known = plans.get(key);
    if (use === 'pass' && last && last !== known) this.giveUp(last);
    const bound = known ?? (use === 'pass' ? this.layInArena(shape) : this.layApart(shape, use));
    // a Map keeps the order of insertion: the first key is the least recently used
    plans.delete(key);
    plans.set(key, bound);
    if (use === 'pass' && this.last !== bound) {
      this.arena.clear(bound.zeroed);
      bound.enter?.();
      this.last = bound;
    }
    return bound;
  }

  private layInArena(shape: PlanShape): Bound {
    const plans = this.plans.pass;
    const others = (): boolean => this.forget('decode') || this.forget('check');
    let laid: ReturnType<typeof this.bind> | undefined;
    const giveUp = (): void => {
      while (this.forget('pass'));
      laid?.release();
    };
    const any = this.anyLength(shape);
    const shared = any && ((): Shared => any.at(shape, this.arena));
    const { made, zeroed } = this.arena.lay(() => (laid = this.bind(shape, others, shared)), giveUp, others);
    const bound = { ...made.made, zeroed, release: made.release };
    this.keepFirst(shape, bound);
    const objectCount = (): number => [...plans.values()].reduce((sum, { objects }) => sum + objects, 0);
    while (plans.size >= PLANS_KEPT && objectCount() + bound.objects > OBJECTS_KEPT) this.forget('pass');
    return bound;
  }

  private layApart(shape: PlanShape, use: Use): Bound {
    if (this.plans[use].size >= PLANS_KEPT) this.forget(use);
    const { made, release } = this.bind(shape, () => this.forget('decode') || this.forget('check'));
    return { ...made, zeroed: [], release };
  }

  private bind(shape: PlanShape, reclaim: () => boolean, shared?: () => Shared) {
    return engineMemory().lease(() => bind(shape, this.network, shared), reclaim);
  }

  /** The calls of every length, once a second length of this kind occurs; undefined if each length needs its own. */
  private anyLength(shape: PlanShape): AnyLength | undefined {
    if (!this.mayShare(shape)) return undefined;
    const kind = kindOf(shape);
    let known = this.lengths.get(kind);
    const isOther = (sizes: readonly number[]): boolean => sizes.join() !== planSizes(shape).join();
    if (typeof known === 'object' && 'sizes' in known && isOther(known.sizes)) {
      known = AnyLength.of(this.network, shape, known) ?? 'none';
      this.lengths.set(kind, known);
    }
    return known instanceof AnyLength ? known : undefined;
  }

  /** Keeps the calls for the first length of a kind. */
  private keepFirst(shape: PlanShape, { replays }: Pick<Bound, 'replays'>): void {
    if (!this.mayShare(shape) || this.lengths.has(kindOf(shape))) return;
    this.lengths.set(kindOf(shape), { sizes: planSizes(shape), arrays: this.arena.arrays, replays });
  }

  /** Whether plans of other lengths may share the calls of one. */
  private mayShare(shape: PlanShape): boolean {
    // few steps are not recorded as a loop, and with clocks the steps differ
    const areLoops = planSizes(shape).every((size) => size >= LOOP);
    return areLoops && this.clocks.length === 0 && engineMemory().wasm !== undefined;
  }

  /** Invalidates a pass whose numbers are about to be overwritten. */
  private giveUp(last: Bound): void {
    last.turn++;
    this.last = undefined;
  }

  /** Frees the least recently used plan of a use; false if there is none. */
  private forget(use: Use): boolean {
    const [key, bound] = [...this.plans[use]][0] ?? [];
    if (key === undefined || !bound) return false;
    this.plans[use].delete(key);
    bound.release();
    bound.turn++;
    if (bound === this.last) this.last = undefined;
    return true;
  }
}

/** Key of everything in a shape except its lengths and its clock. */
function kindOf({ B, source, forwardOnly = false, segment = false, ...shape }: PlanShape): string {
  const readings = [shape, ...(source ? [source] : [])];
  const read = readings.map(({ masked, classes = false }) => `${masked},${classes}`);
  return `${B},${forwardOnly},${segment},${read.join()}`;
}

/** Sets the initial states; true if they are the default ones (zero or trained). */
function begin(bound: Bound, read: ReadBatch, options: PassOptions, where: string): boolean {
  const { plan } = bound;
  const blocks = plan.initial.states;
  const given = options.from ?? read.initial;
  if (given === 'zero') {
    for (const name in blocks) fillFrom(blocks[name], 0);
    bound.start();
    return true;
  }
  const names = (): string => Object.keys(blocks).join(', ');
  const named = typeof given === 'object' && given !== null && !isTensor(given) && !isList(given);
  if (!named) mustBe(false, where, `initial must be zero or states by name (${names()})`, given);
  for (const name of Object.keys(given))
    if (!(name in blocks)) must(false, where, `initial states must be among ${names()}`, name);
  const rows = rowsOf(read, options);
  for (const name in blocks) {
    const [block, values] = [blocks[name], given[name] as Numbers | FlatNumbers | undefined];
    if (values === undefined) must(false, where, `initial ${name} must be given`, values);
    if (options.from) goOn(block, values, rows, where);
    else fillState(block, values, { ...rows, T: plan.shape.T }, where, `initial ${name}`);
  }
  return false;
}

/** Sets a state from a previous pass, given for all rows of the batch or for those that are run. */
function goOn(block: Tensor, left: Numbers | FlatNumbers, { B, low, high }: Rows, where: string): void {
  const [own, width] = block.shape;
  // fast path for single steps, which take microseconds: states of the right shape are copied directly
  if (isTensor(left) && left.shape[0] === own && left.shape[1] === width) return copyInto(block, left);
  const { numbers } = flatten(left, where, 'from');
  const given = numbers.length / width;
  if (given !== own) mustBeOf(B, given, where);
  fillFrom(block, given === own ? numbers : partOf(numbers, low * width, high * width));
}

/** Throws unless the states have as many rows as the batch. */
export function mustBeOf(B: number, given: number, where: string): void {
  const why = 'each row continues from a row of its own; without from, all start from zero';
  if (given !== B)
    must(false, where, `from must be the states of ${B === 1 ? '1 row' : `${B} rows`}`, given, why);
}

function fillState(
  block: Tensor,
  given: Numbers | FlatNumbers,
  { T, B, low, high }: Rows & { T: number },
  where: string,
  name: string,
): void {
  const width = block.shape[1];
  const array = flatten(given, where, name);
  const why = array.numbers.length === T * width ? rowsFirst(T, B) : undefined;
  const values = fitted(array, [B, width], where, name, why);
  fillFrom(block, high - low === B ? values : partOf(values, low * width, high * width));
}

/** The rows of a batch that are run. */
const rowsOf = ({ B }: ReadBatch, { rows: [low, high] = [0, B] }: PassOptions): Rows => ({ B, low, high });

/** Whether one plan certainly serves both shapes, by a quick comparison. */
const alike = (p: PlanShape, q: PlanShape): boolean =>
  p.T === q.T &&
  p.B === q.B &&
  p.masked === q.masked &&
  p.classes === q.classes &&
  p.forwardOnly === q.forwardOnly &&
  p.segment === q.segment &&
  !p.source &&
  !q.source;

const partOf = (values: ArrayLike<number>, from: number, to: number): Float64Array =>
  Float64Array.from({ length: to - from }, (_, k) => values[from + k]);
