/**
 * How far two honest computations of the same numbers may lie apart: a bound for each number, carried through a program
 * beside the numbers themselves.
 *
 *   x + y      e(x) + e(y) + u |x + y|                      u is the unit round-off: 2⁻⁵³ in float64, 2⁻²⁴ in float32
 *   x y        |x| e(y) + |y| e(x) + e(x) e(y) + u |x y|
 *   f(x)       |f'(x)| e(x) + 4 u |f(x)|                    an elementary function is good to four units
 *   Σ of n     Σ e(term) + n u Σ |term|                     in whatever order they are added, over steps and rows too
 *
 * At a kink within e(x) of x, the slope is the steeper of both sides, and a jump counts whole.
 * Source: Higham 2002, "Accuracy and stability of numerical algorithms", §3.1 and §3.3 (running error analysis).
 */
import type { Data } from '../core/memory';
import { isOneHot } from '../core/onehot';
import { plain } from '../core/plain';
import type { Executor, Operation, Pointwise, Product, Reduction } from '../core/program';
import { language, type OperationName } from '../core/scalar';
import { inputsOf, type Graph } from '../core/statement';
import { sizeOf, type Tensor } from '../core/tensor';
import { positionOf } from '../bptt/check/problem';

/** The precision that numbers were computed in. */
export type Precision = 'float64' | 'float32';
/** The unit round-off of each. */
export const roundoff: Record<Precision, number> = { float64: 2 ** -53, float32: 2 ** -24 };

/** How many units an elementary function is off at most. */
const FUNCTION_UNITS = 4;

/** Beside each number: what came in with its terms, how many they are, and how large they are together. */
interface Bounds {
  carried: Float64Array;
  terms: Float64Array;
  mass: Float64Array;
}

/** Runs programs, and beside them bounds of their rounding errors. */
export class ErrorBoundExecutor implements Executor {
  readonly name = 'error bounds';
  private readonly all = new Map<Data, Bounds>();

  constructor(private readonly unit: number) {}

  /** The bounds of a tensor's entries, row-major. */
  of(t: Tensor): number[] {
    return Array.from({ length: sizeOf(t.shape) }, (_, k) => this.at(t.data, positionOf(t, k)));
  }

  bind(operation: Operation): () => void {
    if (operation.kind === 'pointwise') return this.pointwise(operation);
    const run = plain.bind(operation);
    const add = operation.kind === 'product' ? this.product(operation) : this.reduction(operation);
    // what is added to is read before it is replaced
    return () => (this.begin(operation.out, operation.accumulate), run(), add());
  }

  /** Numbers that came from outside were rounded once. */
  private boundsOf(data: Data): Bounds {
    let found = this.all.get(data);
    if (!found) {
      found = {
        carried: Float64Array.from(data, (x) => this.unit * Math.abs(x)),
        terms: new Float64Array(data.length),
        mass: Float64Array.from(data, Math.abs),
      };
      this.all.set(data, found);
    }
    return found;
  }

  private at(data: Data, position: number): number {
    const { carried, terms, mass } = this.boundsOf(data);
    return carried[position] + this.unit * terms[position] * mass[position];
  }

  private begin(out: Tensor, accumulate: boolean): void {
    const { carried, terms, mass } = this.boundsOf(out.data);
    for (let k = 0; k < sizeOf(out.shape); k++) {
      const at = positionOf(out, k);
      if (!accumulate) carried[at] = terms[at] = mass[at] = 0;
      else if (out.data[at] === 0 && mass[at] === 0) carried[at] = 0;
      else if (terms[at] === 0) terms[at] = 1;
    }
  }

  private product({ a, b, out, bias }: Product): () => void {
    const [M, K] = a.shape;
    const N = b.shape[1];
    const bounds = this.boundsOf(out.data);
    return () => {
      for (let m = 0; m < M; m++)
        for (let n = 0; n < N; n++) {
          const at = positionOf(out, m * N + n);
          let [carried, mass] = [0, 0];
          for (let k = 0; k < K; k++) {
            const [p, q] = [Math.abs(a.get(m, k)), Math.abs(b.get(k, n))];
            const ep = isOneHot(a) ? 0 : this.at(a.data, positionOf(a, m * K + k));
            const eq = this.at(b.data, positionOf(b, k * N + n));
            carried += p * eq + q * ep + ep * eq;
            mass += p * q;
          }
          if (bias) {
            carried += this.at(bias.data, positionOf(bias, n));
            mass += Math.abs(bias.get(n));
          }
          bounds.carried[at] += carried;
          bounds.mass[at] += mass;
          bounds.terms[at] += K + 1;
        }
    };
  }

  private reduction({ what, from, out }: Reduction): () => void {
    const [R, C] = from.shape;
    const bounds = this.boundsOf(out.data);
    return () => {
      for (let r = 0; r < R; r++)
        for (let c = 0; c < C; c++) {
          const at = positionOf(out, what === 'sumRows' ? c : r);
          const e = this.at(from.data, positionOf(from, r * C + c));
          if (what === 'logSumExp') {
            // its slopes add up to 1; eʸ and the logarithm are functions
            const share = Math.exp(from.get(r, c) - out.get(r, 0));
            bounds.carried[at] += share * e + this.unit * share * (FUNCTION_UNITS + C);
            if (c === C - 1) bounds.carried[at] += this.unit * FUNCTION_UNITS * Math.abs(out.get(r, 0));
            continue;
          }
          bounds.carried[at] += e;
          bounds.mass[at] += Math.abs(from.get(r, c));
          bounds.terms[at] += 1;
        }
    };
  }

  private pointwise({ graph, inputs, outputs }: Pointwise): () => void {
    const names = inputsOf(graph);
    const into = Object.entries(outputs);
    const [R, C] = into[0][1].shape;
    return () => {
      for (let k = 0; k < R * C; k++) {
        const given = Object.fromEntries(
          names.map((name) => {
            const at = positionOf(inputs[name], k);
            return [name, [inputs[name].data[at], this.at(inputs[name].data, at)] as const];
          }),
        );
        const results = evaluate(graph, given, this.unit);
        for (const [name, t] of into) {
          const at = positionOf(t, k);
          const { carried, terms, mass } = this.boundsOf(t.data);
          const [value, error] = results[name];
          t.data[at] = value;
          carried[at] = error;
          terms[at] = 0;
          mass[at] = Math.abs(value);
        }
      }
    };
  }
}

type Bounded = readonly [value: number, error: number];

/** A statement on numbers with their bounds. */
function evaluate(graph: Graph, given: Record<string, Bounded>, unit: number): Record<string, Bounded> {
  const values: Bounded[] = [];
  for (const node of graph.nodes) {
    if (node.op === 'input') values.push(given[node.name]);
    else if (node.op === 'constant') values.push([node.value, unit * Math.abs(node.value)]);
    else
      values.push(
        apply(
          node.op,
          node.args.map((k) => values[k]),
          unit,
        ),
      );
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, k]) => [name, values[k]]));
}

/** Operations that only pass on one of their operands. */
const moves = ['neg', 'abs', 'min', 'max', 'relu', 'step', 'select'];
const arithmetic = ['add', 'sub', 'mul', 'div'];

function apply(op: OperationName, args: Bounded[], unit: number): Bounded {
  const rule: {
    value: (...of: number[]) => number;
    partials: (a: number, b: number, c: number, y: number) => number[];
  } = language[op];
  const [a, b = 0, c = 0] = args.map(([value]) => value);
  const y = rule.value(a, b, c);
  const errors = args.map(([, error]) => error);
  const slopes = rule.partials(a, b, c, y).map(Math.abs);
  let error = errors.reduce((sum, e, k) => sum + (e === 0 ? 0 : e * slopes[k]), 0);
  if (op === 'mul') error += errors[0] * errors[1];
  else if (op === 'relu') error = a <= -errors[0] ? 0 : errors[0];
  else if (op === 'min' || op === 'max') {
    // also of the other one, where it may be the smaller or larger one
    if (Math.abs(a - b) <= errors[0] + errors[1]) error = Math.max(...errors);
  } else if ((op === 'step' || op === 'select') && errors[0] > 0 && Math.abs(a) <= errors[0])
    error += op === 'step' ? 1 : Math.abs(b - c);
  const units = moves.includes(op) ? 0 : arithmetic.includes(op) ? 1 : FUNCTION_UNITS;
  return [y, error + units * unit * Math.abs(y)];
}
