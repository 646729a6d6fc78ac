/** Binds a plan to an executor: optimizes its programs and turns them into functions. */
import { must } from '../../../core/check';
import { defer, hoist, overlap } from '../../../core/programs/hoist';
import type { ByteRange } from '../../../core/memory';
import { Program, type Executor, type Replay } from '../../../core/programs/program';
import { reshape, type Tensor } from '../../../core/tensor';
import { widthOfOutput, type Architecture } from '../architecture';
import type { Parameters } from '../parameters';
import { Plan } from './plan';
import type { PlanShape } from '../layers/stage';
import { outputAxes } from '../topology';

/** A plan's programs as functions, and its results in their full shapes. */
export interface Bound {
  plan: Plan;
  /** Incremented whenever its buffers are overwritten: results of an earlier turn are lost. */
  turn: number;
  /** The plan's output in its full shape. */
  output: Tensor;
  /** Its attention weights in their full shape, if it has attention. */
  attention?: Tensor;
  start(): void;
  encode(): void;
  forward(): void;
  backward(): void;
  /** For a segment: adds up the gradients of the weights, after `backward`. */
  sums(): void;
  /** Operations needed only for dL/dx, which run when it is first read. */
  inputBackward(): void;
  startBackward(): void;
  /** The calls, in the order of `calls`. */
  replays: readonly Replay[];
  /** Sets the arguments of calls that plans of several lengths share. */
  enter?(): void;
  /** Number of its objects: bound operations, or arrays if it shares the operations. */
  objects: number;
  /** The parts of the arena that must be zero when it takes it over; none if it has its own memory. */
  zeroed: readonly ByteRange[];
  /** Frees its memory; it must not be used afterwards. */
  release(): void;
}

/** The calls of a plan, in the order of `rewritten`. */
const calls = ['start', 'encode', 'forward', 'backward', 'inputBackward', 'startBackward', 'sums'] as const;

const BACKWARD = calls.indexOf('backward');

/** The optimized programs of a plan. */
export function rewritten(plan: Plan): Program[] {
  const there = [plan.start, hoist(plan.encode), hoist(plan.forward)];
  if (plan.shape.forwardOnly) return [...there, ...Array.from({ length: 4 }, () => new Program())];
  const { rest, deferred } = defer(hoist(plan.backward), ...plan.inputGradients);
  if (!plan.shape.segment) return [...there, rest, deferred, plan.startBackward, new Program()];
  const { rest: steps, deferred: sums } = defer(rest, plan.parameters.flatGradients.data);
  mustSumOnce(sums);
  return [...there, steps, deferred, plan.startBackward, sums];
}

/**
 * Checks that the gradient of each weight is one sum over all steps: added up segment by segment it then has the bits of
 * the whole.
 */
function mustSumOnce({ entries }: Program): void {
  const outs = entries.map((entry) =>
    entry.kind === 'product' || entry.kind === 'reduction' ? entry.out : undefined,
  );
  const once = outs.every((out, k) => out && !outs.slice(0, k).some((other) => other && overlap(out, other)));
  must(
    once && entries.length > 0,
    'network.forward',
    'checkpointEvery must be left out',
    'a number',
    'a layer adds up the gradient of a weight step by step, or from several terms: in segments it would have other bits',
  );
}

/** The part of a network that its plans are made of. */
export interface Planned {
  architecture: Architecture;
  parameters: Parameters;
  executor: Executor;
}

/**
 * Creates and binds the plan of a network for a shape.
 * @param shared returns its calls, if plans of several lengths share them.
 */
export function bind(
  shape: PlanShape,
  network: Planned,
  shared?: () => Shared,
): Omit<Bound, 'zeroed' | 'release'> {
  const { architecture, parameters } = network;
  const plan = new Plan(architecture, shape, parameters);
  const { T, B } = shape;
  const own = shared?.() ?? replays(plan, network.executor);
  const { attention } = plan;
  return {
    plan,
    turn: 0,
    ...own,
    output: reshape(plan.output.value, [
      ...outputAxes(architecture.topology, T, B),
      widthOfOutput(architecture),
    ]),
    ...(attention && { attention: reshape(attention.weight, [T, B, attention.weight.shape[1]]) }),
    ...(Object.fromEntries(calls.map((name, k) => [name, own.replays[k]])) as Record<
      (typeof calls)[number],
      () => void
    >),
    backward() {
      own.replays[BACKWARD]();
      plan.source?.markRows();
      plan.main.markRows();
    },
  };
}

/** The calls of a plan. */
export type Shared = Pick<Bound, 'replays' | 'enter' | 'objects'>;

/** The optimized programs of a plan as functions. */
export function replays(plan: Plan, executor: Executor): Shared {
  let objects = 0;
  const made = rewritten(plan).map((program) => {
    for (const entry of program.entries) objects += entry.kind === 'loop' ? entry.body.length : 1;
    return program.bind(executor);
  });
  return { replays: made, objects };
}
