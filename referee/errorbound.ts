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
import { language, type OperationName } from '../core/programs/scalar';
import { inputsOf, type Graph } from '../core/programs/statement';
import { sizeOf, toFlat, type Tensor } from '../core/tensor';
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
    return Array.from({ length: sizeOf(t.shape) }, (_, k) => this.at(t.data, positionOf(t, k)));
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

  private at(data: Data, position: number): number {
    const { carried, terms, mass } = this.boundsOf(data);
    return carried[position] + times(gamma(terms[position], this.rounding), mass[position]);
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
    return () => {
      const [sizeA, sizeB] = [a, b].map((t) => toFlat(t).map(Math.abs));
      const [errorA, errorB] = [a, b].map((t) => (isOneHot(t) ? sizeA.map(() => 0) : this.of(t)));
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
    const errorAt = (r: number, c: number): number => this.at(from.data, positionOf(from, r * C + c));
    return () => {
      for (let r = 0; r < R; r++)
        for (let c = 0; c < C; c++) {
          const at = positionOf(out, what === 'sumRows' ? c : r);
          const e = errorAt(r, c);
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
        const results = evaluate(graph, given, this.rounding);
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

/** A product in which 0 times an unbounded error is 0. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** The relative error of a sum of n terms, in any order; infinite if n roundings may lose all digits. */
const gamma = (n: number, { unit }: Rounding): number =>
  n * unit < 1 ? (n * unit) / (1 - n * unit) : Infinity;

/** The error of a result that is accurate to the given number of units. */
const errorOf = (value: number, units: number, { unit, underflow }: Rounding): number =>
  value === 0 || units === 0 ? 0 : units * (unit * Math.abs(value) + underflow);

type Bounded = readonly [value: number, error: number];

/** Evaluates a statement on numbers with bounds. */
function evaluate(graph: Graph, given: Record<string, Bounded>, rounding: Rounding): Record<string, Bounded> {
  const values: Bounded[] = [];
  for (const node of graph.nodes) {
    if (node.op === 'input') values.push(given[node.name]);
    else if (node.op === 'constant') values.push([node.value, errorOf(node.value, 1, rounding)]);
    else
      values.push(
        apply(
          node.op,
          node.args.map((k) => values[k]),
          rounding,
        ),
      );
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, k]) => [name, values[k]]));
}

/** Operations that return one of their operands unchanged. */
const moves = ['neg', 'abs', 'min', 'max', 'relu', 'step', 'select'];
const monotone = ['tanh', 'sigmoid', 'exp', 'log', 'log1p', 'sqrt'];
const arithmetic = ['add', 'sub', 'mul', 'div'];

function apply(op: OperationName, args: Bounded[], rounding: Rounding): Bounded {
  const rule: Rule = language[op];
  if (op === 'stop') return args[0]; // it holds the derivative fixed, not the rounding error
  const [a, b = 0, c = 0] = args.map(([value]) => value);
  const y = rule.value(a, b, c);
  const errors = args.map(([, error]) => error);
  const steepest = steepestSlopes(rule, args);
  let error = errors.reduce((sum, e, k) => sum + times(e, steepest[k]), 0);
  // a saturating function changes less than its slope says; the last term is the rounding of this computation
  if (monotone.includes(op))
    error = Math.min(
      error,
      movement(rule, a, errors[0]) + FUNCTION_UNITS * precisions.float64.unit * Math.abs(y),
    );
  if (op === 'min' || op === 'max') {
    // one of both passes
    if (Math.abs(a - b) <= errors[0] + errors[1]) error = Math.max(...errors);
  } else if ((op === 'step' || op === 'select') && errors[0] > 0 && Math.abs(a) <= errors[0])
    error += op === 'step' ? 1 : Math.abs(b - c);
  const units = moves.includes(op) ? 0 : arithmetic.includes(op) ? 1 : FUNCTION_UNITS;
  return [y, error + errorOf(y, units, rounding)];
}

interface Rule {
  value: (...of: number[]) => number;
  partials: (a: number, b: number, c: number, y: number) => number[];
}

/** How much a monotone function changes when its argument changes by its error. */
function movement({ value }: Rule, x: number, e: number): number {
  const moved = [x - e, x + e].map((at) => Math.abs(value(at) - value(x)));
  return moved.some(Number.isNaN) ? Infinity : Math.max(...moved);
}

/** The steepest slope in each argument, with every argument moved by its error up and down. */
function steepestSlopes(rule: Rule, args: readonly Bounded[]): number[] {
  const slopes = args.map(() => 0);
  const moved: number[] = [];
  const look = (k: number): void => {
    if (k < args.length) {
      const [x, e] = args[k];
      const at = e === 0 ? [x] : Math.abs(x) < e ? [x - e, 0, x, x + e] : [x - e, x, x + e];
      for (const one of at) {
        moved[k] = one;
        look(k + 1);
      }
      return;
    }
    const [a, b = 0, c = 0] = moved;
    rule.partials(a, b, c, rule.value(a, b, c)).forEach((slope, i) => {
      // at a pole the slope does not exist or is NaN
      slopes[i] = Number.isNaN(slope) ? Infinity : Math.max(slopes[i], Math.abs(slope));
    });
  };
  look(0);
  return slopes;
}
