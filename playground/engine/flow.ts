/** How much gradient reaches each step of each layer: ‖∂L/∂h_t‖, read from the plan that training has just replayed. */
import { directionsOf, type Layer } from '../../bptt/layer';
import type { Network } from '../../bptt/network';
import type { Plan } from '../../bptt/plan';
import type { Tensor } from '../../core/tensor';
import type { TaskBatch } from './tasks';

interface Meter {
  /** From the output at t, and from the step that comes after t in the order of the cell. */
  out: Tensor;
  next: Tensor;
  row: number;
  t: number;
}

export class FlowMeter {
  /** `l0`, `l0r`, `l1` …: one row of `norms` each. */
  readonly names: readonly string[];
  /** [layers, T], row-major. */
  readonly norms: Float64Array;
  private readonly meters = new WeakMap<Plan, Meter[]>();

  constructor(
    layers: readonly Layer[],
    private readonly T: number,
  ) {
    this.names = layers.flatMap(directionsOf).map(({ name }) => name);
    this.norms = new Float64Array(this.names.length * T);
  }

  /** Reads the steps of a plan whose first step is `from`. */
  read(plan: Plan, from: number): void {
    let meters = this.meters.get(plan);
    if (!meters) this.meters.set(plan, (meters = metersOf(plan)));
    for (const { out, next, row, t } of meters) this.norms[row * this.T + from + t] = normOfSum(out, next);
  }
}

function metersOf(plan: Plan): Meter[] {
  const { T } = plan.shape;
  return plan.unrolls.flatMap((unroll, row) =>
    Array.from({ length: T }, (_, t) => {
      const v = unroll.at(t);
      return { out: v[`d${unroll.outputName}Out`], next: v[`d${unroll.outputName}Next`], row, t };
    }),
  );
}

/** ‖a + b‖₂ over all rows and units. */
function normOfSum(a: Tensor, b: Tensor): number {
  const [B, H] = a.shape;
  let sum = 0;
  for (let r = 0; r < B; r++) {
    const [p, q] = [a.offset + r * a.stride[0], b.offset + r * b.stride[0]];
    for (let c = 0; c < H; c++) {
      const d = a.data[p + c * a.stride[1]] + b.data[q + c * b.stride[1]];
      sum += d * d;
    }
  }
  return Math.sqrt(sum);
}

/**
 * The same for the loss of the last step alone: what is left of one error on its way back through time. The window does
 * not cut it. Changes the network's gradients, not its weights.
 */
export function lastStepFlow(net: Network, batch: TaskBatch, flow: FlowMeter): Float64Array {
  const { x, targets } = batch;
  net.forward({ x, targets });
  const plan = net.lastPlan as Plan;
  const { T, B } = plan.shape;
  if (net.architecture.topology === 'many-to-many') {
    // the weight of every other step in the loss
    const weight = plan.weight as Tensor;
    weight.data.fill(0, weight.offset, weight.offset + (T - 1) * B);
  }
  net.backward();
  flow.read(plan, 0);
  return flow.norms;
}
