/** Central differences of the unrolled loss in float64: the oracle that knows nothing of calculus. */
import { plain } from '../core/plain';
import type { Executor } from '../core/program';
import { primal } from '../core/scalar';
import { inputsOf, statementOf } from '../core/statement';
import { positionOf, type Problem } from './problem';

/** Operations whose slope jumps. */
const KINKED = new Set(['relu', 'abs', 'min', 'max', 'step', 'select']);

export interface DifferenceOptions {
  /** h = step · max(1, |θ|); default 3e-3 with Richardson extrapolation, 1e-5 without: truncation against rounding. */
  step?: number;
  /** Removes the h² term by a second difference at h/2, (4 D(h/2) − D(h)) / 3, which allows a wider h; default true. */
  richardson?: boolean;
}

/**
 * The slope of the loss along a direction over the variables, (L(θ + h v) − L(θ − h v)) / 2h; `undefined` when a relu
 * (or another kink) changes side in between, where the slope is not defined.
 */
export function differences(
  { variables, forward, loss }: Problem,
  { richardson = true, step = richardson ? 3e-3 : 1e-5 }: DifferenceOptions = {},
): (direction: Record<string, ArrayLike<number>>) => number | undefined {
  const sides = new SideExecutor();
  const run = forward.bind(sides);

  const lossAt = (places: Place[], h: number): { loss: number; side: number } => {
    for (const { data, at, start, along } of places) data[at] = start + h * along;
    sides.reset();
    run();
    for (const { data, at, start } of places) data[at] = start;
    return { loss: loss.get(0), side: sides.hash };
  };
  const slope = (places: Place[], h: number): number | undefined => {
    const up = lossAt(places, h);
    const down = lossAt(places, -h);
    return up.side === down.side ? (up.loss - down.loss) / (2 * h) : undefined;
  };

  return (direction) => {
    const places: Place[] = [];
    for (const [name, along] of Object.entries(direction)) {
      const { value } = variables[name];
      for (let k = 0; k < along.length; k++) {
        const at = positionOf(value, k);
        if (along[k] !== 0) places.push({ data: value.data, at, start: value.data[at], along: along[k] });
      }
    }
    const largest = places.reduce((most, { start, along }) => Math.max(most, Math.abs(start / along)), 1);
    const h = step * (Number.isFinite(largest) && places.length === 1 ? largest : 1);
    const wide = slope(places, h);
    if (!richardson || wide === undefined) return wide;
    const narrow = slope(places, h / 2);
    return narrow === undefined ? undefined : (4 * narrow - wide) / 3;
  };
}

interface Place {
  data: Float32Array | Float64Array;
  at: number;
  start: number;
  along: number;
}

/** The plain executor, which also notes on which side of every kink each element falls. */
class SideExecutor implements Executor {
  readonly name = 'sides';
  hash = 0;

  reset(): void {
    this.hash = 0;
  }

  bind(operation: Parameters<Executor['bind']>[0]): () => void {
    const run = plain.bind(operation);
    if (operation.kind !== 'pointwise') return run;
    const { graph, inputs, outputs } = operation;
    // each kink becomes an output that tells its side
    const nodes = [...graph.nodes];
    const sides: Record<string, number> = {};
    graph.nodes.forEach((node, k) => {
      if (node.op === 'input' || node.op === 'constant' || !KINKED.has(node.op)) return;
      const [a, b] = node.args;
      const two = node.op === 'min' || node.op === 'max';
      const difference = two ? nodes.push({ op: 'sub', args: [a, b] }) - 1 : a;
      sides[`side${k}`] = nodes.push({ op: 'step', args: [difference] }) - 1;
    });
    if (Object.keys(sides).length === 0) return run;
    const body = statementOf({ nodes, outputs: sides, locals: {} });
    const names = inputsOf(graph);
    const [R, C] = Object.values(outputs)[0].shape;
    return () => {
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          const results = body(Object.fromEntries(names.map((name) => [name, inputs[name].get(r, c)])));
          for (const side of Object.values(results))
            this.hash = (Math.imul(this.hash, 31) + primal(side) + 1) | 0;
        }
      }
      run();
    };
  }
}
