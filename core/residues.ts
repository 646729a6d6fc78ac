/**
 * The scalar language over a prime field, where nothing is rounded and two expressions are exactly equal or not.
 *
 * + − × ÷ are those of the field. Functions of real numbers have no counterpart there, so the value of a function is a
 * random element assigned to its argument: the same argument gives the same element. Identities of the function are
 * built in:
 *
 *   exp       e⁰ = 1;  eᵃ⁺ᵇ = eᵃ eᵇ, if the sum is written in a statement;  e⁻ᵃ = 1 / eᵃ always;      (eᵃ)' = eᵃ
 *   tanh, σ   as rational functions of exp
 *   log       e^(log a) = a;  log(eᵃ) = a                                                           (log a)' = 1 / a
 *   log1p     log(1 + a)
 *   sqrt      a random r; the identity r² = a is not used                                            r' = 1 / (2 r)
 *
 * The side of a kink on which an argument lies is chosen at random, once for a and −a: relu, abs, min, max, step and select
 * all agree on it. At some points, all such choices are positive. Constants keep their actual sign; eᵃ, σ and roots are
 * positive.
 *
 * All identities used here also hold for real numbers. So expressions that are equal at a random point are equal as real
 * functions, except by an unlucky draw; expressions that are equal only by an identity not used here, such as r² = a, are
 * found different.
 */
import { Field } from './field';
import { once } from './once';
import { Random } from './random/random';
import type { OperationName } from './programs/scalar';
import { constantsOf, inputsOf, operationsOf, type Graph, type GraphOperation } from './programs/statement';

/** A residue and its derivative in one direction. */
export interface Residue {
  re: number;
  du: number;
}

/** The value assigned to an argument, and its id; the negative or the inverse has the negative id. */
interface Known {
  value: number;
  id: number;
}

/** Ids of constants are larger than those of arguments. */
const FIRST_CONSTANT = 2 ** 30;

/** A random point of a field: the assignment of values to its free elements. */
export class Point extends Field {
  /** Number of random choices of a side. */
  coins = 0;
  /** Number of different arguments and function values so far. */
  known = 0;
  /** A hash of the sequence of arguments, which shows which of them were equal. */
  equalities = 0;
  /** Number of arguments and function values so far, and of constants: their ids. */
  private ids = 0;
  private constants = 0;
  private readonly source: Random;
  private readonly exps = new Map<number, Known>([[0, { value: 1, id: 0 }]]);
  private readonly logs = new Map<number, Known>([[1, { value: 0, id: 0 }]]);
  private readonly roots = new Map<number, Known>([[0, { value: 0, id: 0 }]]);
  private readonly sides = new Map<number, Known>([[0, { value: 0, id: 0 }]]);

  /** @param positiveSide whether all arguments lie on the positive side of kinks. */
  constructor(
    prime: number,
    seed: number,
    private readonly positiveSide = false,
  ) {
    super(prime);
    this.source = new Random(seed);
  }

  /** A random element other than 0, 1 and −1, for which additional identities hold. */
  draw(): number {
    return 2 + this.source.below(this.prime - 3);
  }

  /** The residue of a constant in a program, whose sign is remembered. */
  constant(x: number): number {
    const residue = this.of(x);
    // constants are counted apart: where two of them have the same residue, no other id changes
    const id = FIRST_CONSTANT + ++this.constants;
    if (x !== 0) this.lie(residue, x > 0, id);
    return residue;
  }

  /** eᵃ; if a has no value yet, `found` may compute it by an identity. */
  exp(a: number, found?: () => number | undefined): number {
    if (!this.exps.has(a)) this.bind(a, found?.() ?? this.drawBeside(this.logs));
    return this.note(this.exps, a);
  }

  log(a: number): number {
    if (!this.logs.has(a)) this.bind(this.drawBeside(this.exps), a);
    return this.note(this.logs, a);
  }

  sqrt(a: number): number {
    if (!this.roots.has(a)) this.roots.set(a, { value: this.positive(this.draw()), id: this.next() });
    return this.note(this.roots, a);
  }

  /** The side of a kink on which a lies: 1 or −1; 0 for 0. */
  side(a: number): number {
    if (!this.sides.has(a)) {
      this.coins++;
      this.lie(a, this.positiveSide || this.source.below(2) === 1);
    }
    return this.note(this.sides, a);
  }

  /** Notes that a is positive, and returns it. */
  positive(a: number): number {
    this.lie(a, true);
    return a;
  }

  /** A random element that has no value yet: a second one would replace the first. */
  private drawBeside(known: ReadonlyMap<number, Known>): number {
    let one = this.draw();
    while (known.has(one)) one = this.draw();
    return one;
  }

  private note(all: ReadonlyMap<number, Known>, a: number): number {
    const { value, id } = all.get(a) as Known;
    this.equalities = (Math.imul(this.equalities, 31) + id) | 0;
    return value;
  }

  private bind(a: number, e: number): void {
    const inverse = this.inverse(e);
    const id = this.next();
    this.exps.set(a, { value: e, id }).set(this.neg(a), { value: inverse, id: -id });
    this.logs.set(e, { value: a, id }).set(inverse, { value: this.neg(a), id: -id });
    this.positive(e);
    this.positive(inverse);
  }

  private next(): number {
    this.known++;
    return ++this.ids;
  }

  private lie(a: number, above: boolean, constant?: number): void {
    if (this.sides.has(a)) return;
    if (constant !== undefined) this.known++;
    const [value, id] = [above ? 1 : -1, constant ?? this.next()];
    this.sides.set(a, { value, id }).set(this.neg(a), { value: -value, id: -id });
  }
}

/** An operation in a field; its operands are a, b, c, and e(k) is eᵃ, eᵇ, eᶜ. */
interface Rule {
  value: (p: Point, a: number, b: number, c: number, e: (k: number) => number) => number;
  /** ∂y/∂a, ∂y/∂b, ∂y/∂c. */
  partials: (p: Point, a: number, b: number, c: number, y: number) => number[];
  /** eʸ from the exponentials of the operands, if an identity gives it. */
  exponential?: (p: Point, a: number, b: number, c: number, e: (k: number) => number) => number | undefined;
}

/** The rule of an operation that returns one of its operands, or (if `of` is negative) 0, or −a with `sign`. */
const choice = (of: (p: Point, a: number, b: number) => number, sign = false): Rule => ({
  value: (p, a, b, c) => {
    const k = of(p, a, b);
    return k < 0 ? (sign ? p.neg(a) : 0) : [a, b, c][k];
  },
  partials: (p, a, b) => {
    const k = of(p, a, b);
    return [0, 1, 2].map((j) => (j === k ? 1 : sign && k < 0 && j === 0 ? p.neg(1) : 0));
  },
  exponential: (p, a, b, _c, e) => {
    const k = of(p, a, b);
    return k < 0 ? (sign ? p.inverse(e(0)) : 1) : e(k);
  },
});

/** Whether n is a small whole number, as a factor of an exponent. */
const isCount = (n: number): boolean => n < 64;

/** One row per operation of the language, as in `core/programs/scalar.ts`. */
export const residueRules: Record<OperationName, Rule> = {
  add: {
    value: (p, a, b) => p.add(a, b),
    partials: () => [1, 1],
    exponential: (p, _a, _b, _c, e) => p.mul(e(0), e(1)),
  },
  sub: {
    value: (p, a, b) => p.sub(a, b),
    partials: (p) => [1, p.neg(1)],
    exponential: (p, _a, _b, _c, e) => p.div(e(0), e(1)),
  },
  mul: {
    value: (p, a, b) => p.mul(a, b),
    partials: (_p, a, b) => [b, a],
    exponential: (p, a, b, _c, e) =>
      isCount(a) ? p.power(e(1), a) : isCount(b) ? p.power(e(0), b) : undefined,
  },
  div: {
    value: (p, a, b) => p.div(a, b),
    partials: (p, _a, b, _c, y) => [p.inverse(b), p.neg(p.div(y, b))],
  },
  neg: {
    value: (p, a) => p.neg(a),
    partials: (p) => [p.neg(1)],
    exponential: (p, _a, _b, _c, e) => p.inverse(e(0)),
  },
  abs: {
    ...choice((p, a) => (p.side(a) < 0 ? -1 : 0), true),
    partials: (p, a) => [p.side(a) < 0 ? p.neg(1) : p.side(a)],
  },
  // if both are equal, the result is a, as in floating point
  min: choice((p, a, b) => (p.side(p.sub(a, b)) <= 0 ? 0 : 1)),
  max: choice((p, a, b) => (p.side(p.sub(a, b)) >= 0 ? 0 : 1)),
  exp: { value: (_p, _a, _b, _c, e) => e(0), partials: (_p, _a, _b, _c, y) => [y] },
  log: {
    value: (p, a) => p.log(a),
    partials: (p, a) => [p.inverse(a)],
    exponential: (_p, a) => a,
  },
  log1p: {
    value: (p, a) => p.log(p.add(1, a)),
    partials: (p, a) => [p.inverse(p.add(1, a))],
    exponential: (p, a) => p.add(1, a),
  },
  sqrt: { value: (p, a) => p.sqrt(a), partials: (p, _a, _b, _c, y) => [p.inverse(p.add(y, y))] },
  tanh: {
    value: (p, _a, _b, _c, e) => {
      const square = p.mul(e(0), e(0));
      return p.div(p.sub(square, 1), p.add(square, 1));
    },
    partials: (p, _a, _b, _c, y) => [p.sub(1, p.mul(y, y))],
  },
  sigmoid: {
    value: (p, _a, _b, _c, e) => p.positive(p.div(e(0), p.add(1, e(0)))),
    partials: (p, _a, _b, _c, y) => [p.mul(y, p.sub(1, y))],
  },
  relu: choice((p, a) => (p.side(a) > 0 ? 0 : -1)),
  step: { value: (p, a) => (p.side(a) > 0 ? 1 : 0), partials: () => [0] },
  select: choice((p, a) => (p.side(a) > 0 ? 1 : 2)),
  stop: { ...choice(() => 0), partials: () => [0] },
};

/** An operation with its rule. */
interface Step extends GraphOperation {
  rule: Rule;
  /** eᵃ, eᵇ, eᶜ. */
  exponential: (k: number) => number;
}

/** A graph that is evaluated at many elements: its nodes' values and derivatives, which `run` computes from the inputs'. */
export class GraphInField {
  readonly re: Float64Array;
  readonly du: Float64Array;
  /** The nodes of the inputs, in the order of `inputsOf`. */
  readonly inputs: readonly number[];
  private readonly constants: readonly { node: number; value: number }[];
  private readonly steps: readonly Step[];
  /** For each node, eˣ by an identity of its operation. */
  private readonly identities: readonly ((() => number | undefined) | undefined)[];
  /** The point whose constants the nodes hold. */
  private point: Point | undefined;

  constructor(graph: Graph) {
    const { nodes } = graph;
    const size = nodes.length + 1;
    [this.re, this.du] = [new Float64Array(size), new Float64Array(size)];
    this.inputs = nodes.flatMap(({ op }, node) => (op === 'input' ? [node] : []));
    this.constants = constantsOf(graph);
    this.steps = operationsOf(graph).map((one) => ({
      ...one,
      rule: residueRules[one.op],
      exponential: (k) => this.exponential(one.args[k]),
    }));
    const { re } = this;
    const identities: (typeof this.identities)[number][] = [];
    for (const { node, rule, a, b, c, exponential } of this.steps)
      identities[node] = () => rule.exponential?.(this.point as Point, re[a], re[b], re[c], exponential);
    this.identities = identities;
  }

  /** @throws NoInverse if a divisor happens to be 0. */
  run(point: Point): void {
    const { re, du, steps } = this;
    // at the same point, constants keep their residues
    if (this.point !== point) for (const { node, value } of this.constants) re[node] = point.constant(value);
    this.point = point;
    for (let k = 0; k < steps.length; k++) {
      const { node, rule, args, a, b, c, exponential } = steps[k];
      const y = (re[node] = rule.value(point, re[a], re[b], re[c], exponential));
      let slope = 0;
      // the chain rule; skipped if all arguments are constant
      if (du[a] !== 0 || du[b] !== 0 || du[c] !== 0) {
        const slopes = rule.partials(point, re[a], re[b], re[c], y);
        for (let j = 0; j < args.length; j++) slope = point.add(slope, point.mul(slopes[j], du[args[j]]));
      }
      du[node] = slope;
    }
  }

  /** eˣ of the k-th node. */
  private exponential(k: number): number {
    return (this.point as Point).exp(this.re[k], this.identities[k]);
  }
}

/** The graph's `GraphInField`, which all evaluations share. */
export const inField = once((graph: Graph) => new GraphInField(graph));

/**
 * The outputs of a graph at a point, with their derivatives in the direction given by those of the inputs.
 * @throws NoInverse if a divisor happens to be 0.
 */
export function evaluateInField(
  graph: Graph,
  point: Point,
  inputs: Readonly<Record<string, Residue>>,
): Record<string, Residue> {
  const all = inField(graph);
  inputsOf(graph).forEach((name, k) => {
    const { re, du } = inputs[name];
    all.re[all.inputs[k]] = re;
    all.du[all.inputs[k]] = du;
  });
  all.run(point);
  const { re, du } = all;
  return Object.fromEntries(
    Object.entries(graph.outputs).map(([name, k]) => [name, { re: re[k], du: du[k] }]),
  );
}
