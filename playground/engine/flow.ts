/**
 * How much gradient reaches each step of each layer: ‖∂L/∂s_t‖ of each state s, of an LSTM h and c, read from the plan
 * that training has just replayed.
 */
import { trendOf, type Trend } from '../../bptt/flow/flow';
import { directionsOf, type Layer } from '../../bptt/network/layers/layer';
import type { Network } from '../../bptt/network/network';
import type { Plan } from '../../bptt/network/passes/plan';
import type { Tensor } from '../../core/tensor';
import type { TaskBatch } from './tasks';
import { planOf, type Pass } from '../../bptt/network/passes/pass';

interface Meter {
  /** The terms of the gradient: from the step after t in the cell's direction, and from the output at t. */
  terms: Tensor[];
  row: number;
  t: number;
}

export class FlowMeter {
  /** Each state of `l0`, `l0r`, `l1` …: one row of `norms` each. */
  readonly rows: readonly { layer: string; state: string }[];
  /** [rows, T], row-major. */
  readonly norms: Float64Array;
  private readonly meters = new WeakMap<Plan, Meter[]>();

  constructor(
    layers: readonly Layer[],
    private readonly T: number,
  ) {
    this.rows = layers
      .flatMap(directionsOf)
      .flatMap(({ name, cell }) => Object.keys(cell.states).map((state) => ({ layer: name, state })));
    this.norms = new Float64Array(this.rows.length * T);
  }

  /** Reads the steps of a plan whose first step is `from`. */
  read(plan: Plan, from: number): void {
    let meters = this.meters.get(plan);
    if (!meters) this.meters.set(plan, (meters = metersOf(plan)));
    for (const { terms, row, t } of meters) this.norms[row * this.T + from + t] = normOfSum(terms);
  }
}

function metersOf(plan: Plan): Meter[] {
  const { T } = plan.shape;
  const states = plan.unrolls.flatMap((unroll) =>
    Object.keys(unroll.cell.states).map((state) => ({ unroll, state })),
  );
  return states.flatMap(({ unroll, state }, row) =>
    Array.from({ length: T }, (_, t) => {
      const v = unroll.at(t);
      const terms = [v[`d${state}Next`], ...(state === unroll.outputName ? [v[`d${state}Out`]] : [])];
      return { terms, row, t };
    }),
  );
}

/** ‖Σ terms‖₂ over all rows and units. */
function normOfSum(terms: readonly Tensor[]): number {
  const [B, H] = terms[0].shape;
  let sum = 0;
  for (let r = 0; r < B; r++) {
    for (let c = 0; c < H; c++) {
      let d = 0;
      for (const { data, offset, stride } of terms) d += data[offset + r * stride[0] + c * stride[1]];
      sum += d * d;
    }
  }
  return Math.sqrt(sum);
}

/** How the last step's error shrinks or grows on its way back, in one state of the first layer. */
export interface Way {
  state: string;
  /** Absent when a norm is not finite, or all of them are 0. */
  found?: {
    trend: Trend;
    /** The norm at the first step as a fraction of the one at the start of the backward pass. */
    left: number;
    /** Number of steps back. */
    steps: number;
  };
}

/**
 * The decay of one state's gradient, from its norms by time. It starts at the last step that has a gradient: nothing reads
 * an LSTM's c after the last step, so it has one step less than h.
 */
export function wayOf(state: string, norms: ArrayLike<number>): Way {
  const back = Array.from(norms).reverse();
  const from = back.findIndex((norm) => norm !== 0);
  if (from < 0 || !back.every(Number.isFinite)) return { state };
  const way = back.slice(from);
  const steps = way.length - 1;
  return { state, found: { trend: trendOf(way), left: way[steps] / way[0], steps } };
}

/**
 * The same for the loss of the last step alone: how much of one error arrives at each earlier step. It is not truncated at
 * the window; `flow` has read the returned pass. Changes the network's gradients, not its weights.
 */
export function lastStepFlow(net: Network, batch: TaskBatch, flow: FlowMeter): Pass {
  const { x, targets } = batch;
  const pass = net.forward({ x, targets });
  const plan = planOf(pass);
  const { T, B } = plan.shape;
  if (net.architecture.topology === 'many-to-many') {
    // the loss weights of all other steps
    const weight = plan.weight as Tensor;
    weight.data.fill(0, weight.offset, weight.offset + (T - 1) * B);
  }
  pass.backward();
  flow.read(plan, 0);
  return pass;
}
