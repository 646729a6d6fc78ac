/** Upstream gradients: what reaches a network without a loss of its own from whatever reads its output. */
import { must } from '../core/check';
import { fillFrom } from '../core/tensor';
import type { Plan } from './plan';
import { endsInOne } from './topology';

/** dL/doutput and dL/dfinal states, for a network without a loss of its own. */
export interface Upstream {
  /** [T, B, O] row-major, or [B, O]; what lies past a row's end has no effect. */
  output?: ArrayLike<number>;
  /** By name, `l0.h` [B, H] row-major. */
  states?: Record<string, ArrayLike<number>>;
}

/**
 * Copies upstream gradients to where a backward pass begins; what is left out is zero.
 * @throws RangeError when a size does not fit or a state is unknown.
 */
export function fillUpstream(plan: Plan, { output, states = {} }: Upstream, where: string): void {
  const { gradient } = plan.output;
  const [N, O] = gradient.shape;
  must(
    output === undefined || output.length === N * O,
    where,
    `output must hold ${N * O} values`,
    output?.length,
  );
  const finals = plan.final.gradients;
  for (const name of Object.keys(states)) {
    must(name in finals, where, `states must be among ${Object.keys(finals).join(', ')}`, name);
  }
  for (const [name, final] of Object.entries(finals)) fillFrom(final, states[name] ?? 0);
  fillFrom(gradient, output ?? 0);
  // a row with one output has it after its last step; else it puts nothing out past its end
  if (!plan.shape.masked || endsInOne(plan.architecture.topology)) return;
  const valid = plan.main.valid.data;
  for (let row = 0; row < N; row++) for (let c = 0; valid[row] === 0 && c < O; c++) gradient.set(row, c, 0);
}
