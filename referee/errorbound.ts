/**
 * Running error analysis: a bound on the rounding error of each number, computed along with the number itself. It tells how
 * far two correct computations may differ.
 *
 *   x + y      e(x) + e(y) + u |x + y|                      u is the unit round-off: 2⁻⁵³ in float64, 2⁻⁸ in bfloat16
 *   x y        |x| e(y) + |y| e(x) + e(x) e(y) + u |x y|
 *   f(x)       |f'| e(x) + 4 u |f(x)|                       an elementary function is accurate to four units
 *   Σ of n     Σ e(term) + n u / (1 − n u) Σ |term|         in whatever order they are added, over steps and rows too
 *
 * The slope f' is the steepest within e(x) of x, and a jump there counts in full: in bfloat16, e(x) is not small. Half the
 * smallest number of the format is added to each result, for underflow. Overflow is not covered.
 * Source: Higham 2002, "Accuracy and stability of numerical algorithms", §3.1 and §3.3 (running error analysis).
 */
import type { Data } from '../core/memory';
import { isOneHot } from '../core/onehot';
import { plain } from '../core/programs/plain';
import type { Executor, Operation, Pointwise, Product, Reduction } from '../core/programs/program';
import { rules, type OperationName } from '../core/programs/scalar';
import { constantsOf, operationsOf, type Graph } from '../core/programs/statement';
import { sizeOf, type Tensor } from '../core/tensor';
import { positionOf } from '../bptt/check/problem';

/** The number format that numbers were computed in. */
export type Precision = 'float64' | 'float32' | 'float16' | 'bfloat16';

/** How a number format rounds. */
export interface Rounding {
  /** Unit round-off: the largest relative error of rounding to the nearest. */
  unit: number;
  /** The largest error of rounding a number that underflows: half the smallest number above 0. */
  underflow: number;
}

/** Number formats by name, from fine to coarse. */
export const precisions: Record<Precision, Rounding> = {
  float64: { unit: 2 ** -53, underflow: 2 ** -1074 },
  float32: { unit: 2 ** -24, underflow: 2 ** -150 },
  float16: { unit: 2 ** -11, underflow: 2 ** -25 },
  bfloat16: { unit: 2 ** -8, underflow: 2 ** -134 },
};

/** A number rounded to the nearest one of a format; the range of exponents is ignored. */
export function rounded({ unit }: Rounding, value: number): number {
  // the upper digits of a product with 2^k + 1, as in Dekker's splitting
  const scaled = value * (2 ** 53 * unit + 1);
  return scaled - (scaled - value);
}

/** Whether a number format represents a number exactly; the range of exponents is ignored. */
export const isRepresentable = (format: Rounding, value: number): boolean => rounded(format, value) === value;

/**
 * Whether a number may be a result in a format: it is exact there, or was printed with no more digits than it takes to tell
 * the format's numbers apart.
 */
export function mayBeIn(rounding: Rounding, value: number): boolean {
  const digits = Math.ceil(1 - Math.log2(rounding.unit) * Math.log10(2));
  return isRepresentable(rounding, value) || Number(value.toPrecision(digits)) === value;
}

/** Largest error of an elementary function, in units of round-off. */
const FUNCTION_UNITS = 4;

/** For each number: the error carried in by its terms, the number of terms, and the sum of their absolute values. */
interface Bounds {
  carried: Float64Array;
  terms: Float64Array;
  mass: Float64Array;
}

/** Runs programs and computes bounds on their rounding errors. */
export class ErrorBoundExecutor implements Executor {
  readonly name = 'error bounds';
  private readonly all = new Map<Data, Bounds>();

  constructor(private readonly rounding: Rounding) {}

  /** The bounds of a tensor's entries, row-major. */
  of(t: Tensor): number[] {
    const errors = this.errorsOf(t.data);
    return Array.from({ length: sizeOf(t.shape) }, (_, k) => errors(positionOf(t, k)));
  }

  bind(operation: Operation): () => void {
    if (operation.kind === 'pointwise') return this.pointwise(operation);
    const run = plain.bind(operation);
    const add = operation.kind === 'product' ? this.product(operation) : this.reduction(operation);
    // read the old value of an accumulator before it is overwritten
    return () => (this.begin(operation.out, operation.accumulate), run(), add());
  }

  /** Numbers that came from outside were rounded once. */
  private boundsOf(data: Data): Bounds {
    let found = this.all.get(data);
    if (!found) {
      found = {
        carried: Float64Array.from(data, (x) => errorOf(x, 1, this.rounding)),
        terms: new Float64Array(data.length),
        mass: Float64Array.from(data, Math.abs),
      };
      this.all.set(data, found);
    }
    return found;
  }

  /** The bound of the number at each position of an array. */
  private errorsOf(data: Data): (position: number) => number {
    const { carried, terms, mass } = this.boundsOf(data);
    return (position) => carried[position] + times(gamma(terms[position], this.rounding), mass[position]);
  }

  private begin(out: Tensor, accumulate: boolean): void {
    const { carried, terms, mass } = this.boundsOf(out.data);
    for (let k = 0; k < sizeOf(out.shape); k++) {
      const at = positionOf(out, k);
      if (!accumulate) carried[at] = terms[at] = mass[at] = 0;
      // the first term is added to 0 exactly
      else if (terms[at] === 0 && mass[at] > 0) terms[at] = 1;
    }
  }

  private product({ a, b, out, bias }: Product): () => void {
    const [M, K] = a.shape;
    const N = b.shape[1];
    const bounds = this.boundsOf(out.data);
    const { underflow } = this.rounding;
    const [left, right] = [a, b].map((t) => this.factors(t));
    return () => {
      const [[sizeA, errorA], [sizeB, errorB]] = [left(), right()];
      const added = bias && this.errorsOf(bias.data);
      for (let m = 0; m < M; m++)
        for (let n = 0; n < N; n++) {
          const at = positionOf(out, m * N + n);
          let [carried, mass] = [0, 0];
          for (let k = 0; k < K; k++) {
            const [i, j] = [m * K + k, k * N + n];
            const [p, q, ep, eq] = [sizeA[i], sizeB[j], errorA[i], errorB[j]];
            carried += times(p, eq) + times(q, ep) + times(ep, eq) + (p === 0 || q === 0 ? 0 : underflow);
            mass += p * q;
          }
          if (bias && added) {
            carried += added(positionOf(bias, n));
            mass += Math.abs(bias.get(n));
          }
          bounds.carried[at] += carried;
          bounds.mass[at] += mass;
          bounds.terms[at] += K + 1;
        }
    };
  }

  /** Reads the absolute values of a matrix, and their errors, row-major. Classes are exact. */
  private factors(t: Tensor): () => [sizes: Float64Array, errors: Float64Array] {
    const [R, C] = t.shape;
    const [sizes, errors] = [new Float64Array(R * C), new Float64Array(R * C)];
    return () => {
      const errorAt = isOneHot(t) ? () => 0 : this.errorsOf(t.data);
      for (let r = 0, k = 0; r < R; r++)
        for (let c = 0; c < C; c++, k++) {
          sizes[k] = Math.abs(t.get(r, c));
          errors[k] = errorAt(t.offset + r * t.stride[0] + c * t.stride[1]);
        }
      return [sizes, errors];
    };
  }

  private reduction({ what, from, out }: Reduction): () => void {
    const [R, C] = from.shape;
    const bounds = this.boundsOf(out.data);
    return () => {
      const errors = this.errorsOf(from.data);
      for (let r = 0; r < R; r++)
        for (let c = 0; c < C; c++) {
          const at = positionOf(out, what === 'sumRows' ? c : r);
          const e = errors(positionOf(from, r * C + c));
          if (what === 'logSumExp') {
            // all arguments off by e move it by e; Σ eˣ is a sum of C functions, its logarithm another
            bounds.carried[at] = Math.max(bounds.carried[at], e);
            if (c === C - 1)
              bounds.carried[at] +=
                gamma(FUNCTION_UNITS + C, this.rounding) +
                errorOf(out.get(r, 0), FUNCTION_UNITS, this.rounding);
            continue;
          }
          bounds.carried[at] += e;
          bounds.mass[at] += Math.abs(from.get(r, c));
          bounds.terms[at] += 1;
        }
    };
  }

  private pointwise({ graph, inputs, outputs }: Pointwise): () => void {
    const { values, errors, run } = boundedNodes(graph, this.rounding);
    const read = graph.nodes.flatMap((one, node) =>
      one.op === 'input' ? [{ node, t: inputs[one.name] }] : [],
    );
    const written = Object.entries(outputs).map(([name, t]) => ({ node: graph.outputs[name], t }));
    const [R, C] = written[0].t.shape;
    return () => {
      const from = read.map((one) => ({ ...one, errorAt: this.errorsOf(one.t.data) }));
      const into = written.map((one) => ({ ...one, ...this.boundsOf(one.t.data) }));
      for (let k = 0; k < R * C; k++) {
        for (const { node, t, errorAt } of from) {
          const at = positionOf(t, k);
          values[node] = t.data[at];
          errors[node] = errorAt(at);
        }
        run();
        for (const { node, t, carried, terms, mass } of into) {
          const at = positionOf(t, k);
          t.data[at] = values[node];
          carried[at] = errors[node];
          terms[at] = 0;
          mass[at] = Math.abs(values[node]);
        }
      }
    };
  }
}

/** A product in which 0 times an unbounded error is 0. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** The relative error of a sum of n terms, in any order; infinite if n roundings may lose all digits. */
const gamma = (n: number, { unit }: Rounding): number =>
  n * unit < 1 ? (n * unit) / (1 - n * unit) : Infinity;

/** The error of a result that is accurate to the given number of units. */
const errorOf = (value: number, units: number, { unit, underflow }: Rounding): number =>
  value === 0 || units === 0 ? 0 : units * (unit * Math.abs(value) + underflow);

/** A graph on numbers with bounds, for many elements: `run` computes all nodes from the inputs. */
function boundedNodes(
  graph: Graph,
  rounding: Rounding,
): { values: Float64Array; errors: Float64Array; run: () => void } {
  const size = graph.nodes.length + 1;
  const [values, errors] = [new Float64Array(size), new Float64Array(size)];
  for (const { node, value } of constantsOf(graph)) {
    values[node] = value;
    errors[node] = errorOf(value, 1, rounding);
  }
  const steps = operationsOf(graph);
  const run = (): void => {
    for (const { node, a, b, c, op } of steps) {
      const of = [values[a], values[b], values[c]] as const;
      values[node] = rules[op].value(...of);
      errors[node] = propagated(op, of, values[node], [errors[a], errors[b], errors[c]], rounding);
    }
  };
  return { values, errors, run };
}

/** Operations that return one of their operands unchanged. */
const moves = ['neg', 'abs', 'min', 'max', 'relu', 'step', 'select'];
const monotone = ['tanh', 'sigmoid', 'exp', 'log', 'log1p', 'sqrt'];
const arithmetic = ['add', 'sub', 'mul', 'div'];

/** Three operands, or their errors; a missing one is 0. */
type Three = readonly [number, number, number];

/** The error of y, the result of an operation, from those of its operands. */
function propagated(
  op: OperationName,
  [a, b, c]: Three,
  y: number,
  errors: Three,
  rounding: Rounding,
): number {
  const [first, second, third] = errors;
  if (op === 'stop') return first; // it holds the derivative fixed, not the rounding error
  let error = 0;
  if (first !== 0 || second !== 0 || third !== 0) {
    const steepest = steepestSlopes(op, [a, b, c], errors);
    for (let k = 0; k < 3; k++) error += times(errors[k], steepest[k]);
  }
  // a saturating function changes less than its slope says; the last term is the rounding of this computation
  if (monotone.includes(op))
    error = Math.min(
      error,
      movement(op, a, y, first) + FUNCTION_UNITS * precisions.float64.unit * Math.abs(y),
    );
  if (op === 'min' || op === 'max') {
    // one of both passes
    if (Math.abs(a - b) <= first + second) error = Math.max(first, second);
  } else if ((op === 'step' || op === 'select') && first > 0 && Math.abs(a) <= first)
    error += op === 'step' ? 1 : Math.abs(b - c);
  const units = moves.includes(op) ? 0 : arithmetic.includes(op) ? 1 : FUNCTION_UNITS;
  return error + errorOf(y, units, rounding);
}

/** How much a monotone function changes from y = f(x) when x changes by its error. */
function movement(op: OperationName, x: number, y: number, e: number): number {
  const { value } = rules[op];
  const [down, up] = [Math.abs(value(x - e, 0, 0) - y), Math.abs(value(x + e, 0, 0) - y)];
  return Number.isNaN(down) || Number.isNaN(up) ? Infinity : Math.max(down, up);
}

/** A number moved by its error up and down, and 0 if that lies between. */
const around = (x: number, e: number): number[] =>
  e === 0 ? [x] : Math.abs(x) < e ? [x - e, 0, x, x + e] : [x - e, x, x + e];

/** The steepest slope in each operand, with every operand moved by its error up and down. */
function steepestSlopes(op: OperationName, [a, b, c]: Three, errors: Three): number[] {
  const { value, partials } = rules[op];
  const slopes = [0, 0, 0];
  const look = (p: number, q: number, r: number): void => {
    // most do not read y
    const of = partials(p, q, r, partials.length < 4 ? NaN : value(p, q, r));
    // at a pole the slope does not exist or is NaN
    for (let k = 0; k < of.length; k++)
      slopes[k] = Number.isNaN(of[k]) ? Infinity : Math.max(slopes[k], Math.abs(of[k]));
  };
  if (partials.length === 0)
    look(a, b, c); // the same everywhere
  else
    for (const p of around(a, errors[0]))
      for (const q of around(b, errors[1])) for (const r of around(c, errors[2])) look(p, q, r);
  return slopes;
}
