/**
 * The closed scalar language of all elementwise equations: eighteen operations, each defined for numbers, for dual
 * numbers and for the nodes of a trace.
 *
 * A statement is an ordinary function over these operations. Called on numbers, it computes, and can be stepped through in
 * a debugger. Called on dual numbers, it also computes an exact derivative, which checks the hand-derived one. Called on
 * nodes, it records itself as a graph, which is then printed, mutated or executed.
 */

/** A value in a statement. */
export type Scalar = number | Dual | Node;

/**
 * A value and its derivative in one direction: re + du ε with ε² = 0.
 * @example
 * const x = new ops.Dual(3, 1);
 * ops.mul(x, x).du; // 6
 */
export class Dual {
  constructor(
    readonly re: number,
    readonly du: number,
  ) {}
}

/** A node of a trace; its `recorder` holds the graph. */
export class Node {
  constructor(
    readonly recorder: Recorder,
    readonly index: number,
  ) {}
}

/** Records operations as they are applied to nodes; implemented in `statement.ts`. */
export interface Recorder {
  apply(op: OperationName, args: Scalar[]): Node;
  name(name: string, node: Node): void;
}

interface Rule {
  /** The value y = f(a, b, c). */
  value: (a: number, b: number, c: number) => number;
  /** ∂y/∂a, ∂y/∂b, ∂y/∂c at that point. */
  partials: (a: number, b: number, c: number, y: number) => number[];
  arity: 1 | 2 | 3;
}

const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x));

/** One row per operation: its value and its partial derivatives; the engine derives everything else from them. */
export const language = {
  add: { arity: 2, value: (a, b) => a + b, partials: () => [1, 1] },
  sub: { arity: 2, value: (a, b) => a - b, partials: () => [1, -1] },
  mul: { arity: 2, value: (a, b) => a * b, partials: (a, b) => [b, a] },
  div: { arity: 2, value: (a, b) => a / b, partials: (_a, b, _c, y) => [1 / b, -y / b] },
  neg: { arity: 1, value: (a) => -a, partials: () => [-1] },
  abs: { arity: 1, value: (a) => Math.abs(a), partials: (a) => [Math.sign(a)] },
  min: { arity: 2, value: (a, b) => Math.min(a, b), partials: (a, b) => (a <= b ? [1, 0] : [0, 1]) },
  max: { arity: 2, value: (a, b) => Math.max(a, b), partials: (a, b) => (a >= b ? [1, 0] : [0, 1]) },
  exp: { arity: 1, value: (a) => Math.exp(a), partials: (_a, _b, _c, y) => [y] },
  log: { arity: 1, value: (a) => Math.log(a), partials: (a) => [1 / a] },
  log1p: { arity: 1, value: (a) => Math.log1p(a), partials: (a) => [1 / (1 + a)] },
  sqrt: { arity: 1, value: (a) => Math.sqrt(a), partials: (_a, _b, _c, y) => [0.5 / y] },
  tanh: { arity: 1, value: (a) => Math.tanh(a), partials: (_a, _b, _c, y) => [1 - y * y] },
  sigmoid: { arity: 1, value: (a) => sigmoidOf(a), partials: (_a, _b, _c, y) => [y * (1 - y)] },
  // max(a, 0) that propagates NaN, so that a bad value shows where it arises
  relu: { arity: 1, value: (a) => (a <= 0 ? 0 : a), partials: (a) => [a > 0 ? 1 : 0] },
  step: { arity: 1, value: (a) => (a > 0 ? 1 : 0), partials: () => [0] },
  select: {
    arity: 3,
    value: (a, b, c) => (a > 0 ? b : c),
    partials: (a) => (a > 0 ? [0, 1, 0] : [0, 0, 1]),
  },
  // the derivative is zero by definition: what truncates a gradient
  stop: { arity: 1, value: (a) => a, partials: () => [0] },
} satisfies Record<string, Rule>;

/** Names of the operations: `add`, `mul`, `tanh` … */
export type OperationName = keyof typeof language;

/** The same table, in which all rows have one type. */
export const rules: Record<OperationName, Rule> = language;

/** Applies an operation to scalars of any kind; only here are numbers, duals and nodes distinguished. */
export function apply(op: OperationName, a: Scalar, b: Scalar = 0, c: Scalar = 0): Scalar {
  const { arity, value, partials } = rules[op];
  if (typeof a === 'number' && typeof b === 'number' && typeof c === 'number') return value(a, b, c);

  const args = [a, b, c].slice(0, arity);
  for (const arg of args) if (arg instanceof Node) return arg.recorder.apply(op, args);

  const [p, q, r] = [primal(a), primal(b), primal(c)];
  const y = value(p, q, r);
  return new Dual(y, chained(partials(p, q, r, y), tangent(a), tangent(b), tangent(c)));
}

/** The chain rule: dy = Σ ∂y/∂arg · d(arg); a constant argument adds nothing, even if its partial is infinite. */
export function chained(partials: readonly number[], da: number, db: number, dc: number): number {
  let dy = 0;
  if (da !== 0 && partials[0] !== 0) dy += partials[0] * da;
  if (db !== 0 && partials[1] !== 0) dy += partials[1] * db;
  if (dc !== 0 && partials[2] !== 0) dy += partials[2] * dc;
  return dy;
}

/**
 * The value of a number or a dual.
 * @example ops.primal(new ops.Dual(2, 1)) // 2
 */
export const primal = (s: Scalar): number => (s instanceof Dual ? s.re : (s as number));
/**
 * The derivative a number (0) or a dual carries.
 * @example ops.tangent(ops.mul(new ops.Dual(2, 1), 5)) // 5
 */
export const tangent = (s: Scalar): number => (s instanceof Dual ? s.du : 0);

/**
 * a + b.
 * @example ops.add(2, 3) // 5
 */
export const add = (a: Scalar, b: Scalar): Scalar => apply('add', a, b);
/**
 * a − b.
 * @example ops.sub(2, 3) // -1
 */
export const sub = (a: Scalar, b: Scalar): Scalar => apply('sub', a, b);
/**
 * a · b.
 * @example ops.mul(2, 3) // 6
 */
export const mul = (a: Scalar, b: Scalar): Scalar => apply('mul', a, b);
/**
 * a / b.
 * @example ops.div(3, 2) // 1.5
 */
export const div = (a: Scalar, b: Scalar): Scalar => apply('div', a, b);
/**
 * −a.
 * @example ops.neg(2) // -2
 */
export const neg = (a: Scalar): Scalar => apply('neg', a);
/**
 * |a|; its derivative at 0 is 0.
 * @example ops.abs(-2) // 2
 */
export const abs = (a: Scalar): Scalar => apply('abs', a);
/**
 * The smaller of two; where they are equal, the derivative goes to a.
 * @example ops.min(2, 3) // 2
 */
export const min = (a: Scalar, b: Scalar): Scalar => apply('min', a, b);
/**
 * The larger of two; where they are equal, the derivative goes to a.
 * @example ops.max(2, 3) // 3
 */
export const max = (a: Scalar, b: Scalar): Scalar => apply('max', a, b);
/**
 * eᵃ.
 * @example ops.exp(1) // 2.718
 */
export const exp = (a: Scalar): Scalar => apply('exp', a);
/**
 * The natural logarithm of a.
 * @example ops.log(10) // 2.303
 */
export const log = (a: Scalar): Scalar => apply('log', a);
/**
 * log(1 + a), accurate for small a.
 * @example ops.log1p(1e-20) // 1e-20
 */
export const log1p = (a: Scalar): Scalar => apply('log1p', a);
/**
 * √a; its derivative at 0 is infinite.
 * @example ops.sqrt(2) // 1.414
 */
export const sqrt = (a: Scalar): Scalar => apply('sqrt', a);
/**
 * The hyperbolic tangent of a; its derivative is 1 − tanh²(a).
 * @example ops.tanh(0.5) // 0.462
 */
export const tanh = (a: Scalar): Scalar => apply('tanh', a);
/**
 * 1 / (1 + exp(−a)).
 * @example ops.sigmoid(0) // 0.5
 */
export const sigmoid = (a: Scalar): Scalar => apply('sigmoid', a);
/**
 * max(a, 0).
 * @example ops.relu(-2) // 0
 */
export const relu = (a: Scalar): Scalar => apply('relu', a);
/**
 * 1 where a > 0, else 0: the derivative of relu.
 * @example ops.step(2) // 1
 */
export const step = (a: Scalar): Scalar => apply('step', a);
/**
 * `yes` where `condition` > 0, else `no`.
 * @example ops.select(-1, 2, 3) // 3
 */
export const select = (condition: Scalar, yes: Scalar, no: Scalar): Scalar =>
  apply('select', condition, yes, no);

/**
 * a, held fixed when derivatives are taken: its derivative is 0.
 * @example ops.tangent(ops.stop(new ops.Dual(2, 1))) // 0
 */
export const stop = (a: Scalar): Scalar => apply('stop', a);

/**
 * Names an intermediate value in the printed equations; it has no other effect.
 * @example
 * const { graph } = statement(({ a, b }) => {
 *   const s = ops.named('s', ops.add(a, b));
 *   return { y: ops.mul(s, s) };
 * });
 * printGraph(graph); // ['s = a + b', 'y = s * s']
 */
export function named(name: string, value: Scalar): Scalar {
  if (value instanceof Node) value.recorder.name(name, value);
  return value;
}
