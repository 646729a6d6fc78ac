/** Upstream gradients, which the caller provides for a network without a loss. */
import { must, mustBe, mustKnowKeys } from '../../../core/check';
import { fillFrom, type Numbers } from '../../../core/tensor';
import { fitted, type FlatNumbers } from './numbers';
import type { Plan } from '../passes/plan';
import { endsInOne, outputAxes } from '../topology';

/** dL/doutput and dL/dfinal states, for a network without a loss. */
export interface Upstream {
  /** [T, B, O] or [B, O], or flat; values past a row's end have no effect. */
  output?: Numbers | FlatNumbers;
  /** By name, `l0.h` [B, H], or flat. */
  states?: Record<string, Numbers | FlatNumbers>;
}

/**
 * Copies upstream gradients to the buffers of a plan; missing ones are zero.
 * @throws RangeError for a wrong size or an unknown state.
 */
export function fillUpstream(plan: Plan, upstream: Upstream, where: string): void {
  mustKnowKeys(upstream, ['output', 'states'], where);
  const { output, states = {} } = upstream;
  mustBe(typeof states === 'object' && states !== null, where, 'states must be given by name', states);
  const { gradient } = plan.output;
  const [N, O] = gradient.shape;
  const { T, B } = plan.shape;
  const axes = [...outputAxes(plan.architecture.topology, T, B), O];
  const above = output === undefined ? 0 : fitted(output, axes, where, 'output');
  const finals = plan.final.gradients;
  for (const name of Object.keys(states)) {
    must(name in finals, where, `states must be among ${Object.keys(finals).join(', ')}`, name);
  }
  const given = Object.entries(finals).map(([name, final]) => {
    const d = states[name] as Numbers | FlatNumbers | undefined;
    return [final, d === undefined ? 0 : fitted(d, final.shape, where, name)] as const;
  });
  for (const [final, d] of given) fillFrom(final, d);
  fillFrom(gradient, above);
  // unless each row has one output, there is no output past the end of a row
  if (!plan.shape.masked || endsInOne(plan.architecture.topology)) return;
  const valid = plan.main.valid.data;
  for (let row = 0; row < N; row++) for (let c = 0; valid[row] === 0 && c < O; c++) gradient.set(row, c, 0);
}
