/** A plan bound to an executor: its programs rewritten, and turned into calls. */
import { defer, hoist } from '../../core/hoist';
import type { Executor, Program } from '../../core/program';
import { reshape, type Tensor } from '../../core/tensor';
import { widthOfOutput, type Architecture } from './architecture';
import type { Parameters } from './parameters';
import { Plan } from './plan';
import type { PlanShape } from './stage';
import { outputAxes } from './topology';

/** A plan's programs as calls, and its results under their axes. */
export interface Bound {
  plan: Plan;
  /** Counts who has written numbers into it: those of an earlier turn are gone. */
  turn: number;
  /** The plan's output under its axes. */
  output: Tensor;
  /** Its attention under its axes, if it has one. */
  attention?: Tensor;
  start(): void;
  encode(): void;
  forward(): void;
  backward(): void;
  /** What only dL/dx needs: run when somebody asks for it. */
  inputBackward(): void;
  startBackward(): void;
  /** Operations that it keeps calls for; a loop counts once, however often it runs. */
  operations: number;
  /** Bytes of the arena that it uses; 0 where its memory is its own. */
  bytes: number;
  /** Returns its memory: nothing of it may be used any more. */
  release(): void;
}

/** Lays a network out for a shape. */
export function bind(
  shape: PlanShape,
  network: { architecture: Architecture; parameters: Parameters; executor: Executor },
): Omit<Bound, 'bytes' | 'release'> {
  const { architecture, parameters, executor } = network;
  const plan = new Plan(architecture, shape, parameters);
  const { T, B } = shape;
  let operations = 0;
  const callOf = (program: Program): (() => void) => {
    for (const entry of program.entries) operations += entry.kind === 'loop' ? entry.body.length : 1;
    return program.bind(executor);
  };
  const { rest, deferred } = defer(hoist(plan.backward), ...plan.inputGradients);
  const { attention } = plan;
  const calls = {
    start: callOf(plan.start),
    encode: callOf(hoist(plan.encode)),
    forward: callOf(hoist(plan.forward)),
    backward: callOf(rest),
    inputBackward: callOf(deferred),
    startBackward: callOf(plan.startBackward),
  };
  return {
    plan,
    turn: 0,
    operations,
    output: reshape(plan.output.value, [
      ...outputAxes(architecture.topology, T, B),
      widthOfOutput(architecture),
    ]),
    ...(attention && { attention: reshape(attention.weight, [T, B, attention.weight.shape[1]]) }),
    ...calls,
  };
}
