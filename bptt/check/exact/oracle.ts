/**
 * The exact oracle: runs the recorded forward and backward programs on residues modulo a prime instead of numbers. In a
 * finite field the hand-derived gradient either equals the derivative of the forward program or not; no bound is needed.
 *
 * Weights, inputs and initial states are random residues. Fixed values (masks, targets, constants) are converted exactly,
 * because every double maps to one residue. `core/residues.ts` explains how tanh and kinks are handled. Along a random direction
 * v of all variables at once, the derivative of the loss must be Σ g v. `points.ts` gives the number of points, and the
 * probability that two different gradients agree at all of them.
 *
 * Source: Schwartz 1980 and Zippel 1979, for polynomials at random points; Gonnet 1984, for other functions.
 */
import ndarray from 'ndarray';
import { NoInverse } from '../../../core/field';
import { hoist } from '../../../core/programs/hoist';
import type { Data } from '../../../core/memory';
import { isOneHot } from '../../../core/onehot';
import type { Program } from '../../../core/programs/program';
import { type Executor, type Operation, type Pointwise } from '../../../core/programs/program';
import type { Point } from '../../../core/residues';
import { evaluateInField, inField } from '../../../core/residues';
import { inputsOf, type Graph } from '../../../core/programs/statement';
import { outside, sizeOf, type Tensor } from '../../../core/tensor';
import type { Arithmetic } from '../arithmetic';
import { Degrees } from './degree';
import type { Direction } from '../judge';
import { atPoints, chanceOf, type Look } from './points';
import { fillTensor, positionOf, type Problem } from '../problem';

/** The residues that correspond to a tensor: values and derivatives, with the same shape and strides. */
interface Pair {
  re: Tensor;
  du: Tensor;
}

/** Runs programs on residues and their derivatives together; the numbers in the tensors do not change. */
export class ResidueExecutor implements Executor, Arithmetic {
  readonly name = 'residues';
  readonly lanes = 1;
  readonly moving: Executor = this;
  /** The same without derivatives. */
  readonly still: Executor = { name: 'residues', bind: (operation) => this.record(operation, false) };
  private readonly pairs = new Map<Data, { re: Float64Array; du: Float64Array }>();

  constructor(readonly point: Point) {}

  /** The residues of a tensor; initially those of its numbers. */
  of(t: Tensor): Pair {
    if (isOneHot(t)) {
      const re = outside([...t.shape], 'float64');
      fillTensor(re, (r, c) => t.get(r, c));
      return { re, du: outside([...t.shape], 'float64') };
    }
    const pair = this.arrays(t.data);
    const view = (data: Data): Tensor => ndarray<Data>(data, t.shape, t.stride, t.offset);
    return { re: view(pair.re), du: view(pair.du) };
  }

  /** The residues and the derivatives of an array. */
  protected arrays(data: Data): { re: Data; du: Data } {
    let pair = this.pairs.get(data);
    if (!pair) {
      const re = new Float64Array(data.length);
      for (let k = 0; k < re.length; k++) re[k] = this.point.constant(data[k]);
      this.pairs.set(data, (pair = { re, du: new Float64Array(re.length) }));
    }
    return pair;
  }

  readonly value = (t: Tensor): Tensor => this.of(t).re;
  readonly tangentOf = (t: Tensor): Tensor => this.of(t).du;
  readonly add = (a: number, b: number): number => this.point.add(a, b);
  readonly mul = (a: number, b: number): number => this.point.mul(a, b);

  readonly move = (variables: Problem['variables'], direction: Direction): void => {
    for (const { du } of this.pairs.values()) du.fill(0);
    for (const [name, along] of Object.entries(direction)) {
      const { du } = this.of(variables[name].value);
      for (let k = 0; k < along.length; k++) du.data[positionOf(du, k)] = along[k];
    }
  };

  bind(operation: Operation): () => void {
    return this.record(operation, true);
  }

  private record(operation: Operation, moving: boolean): () => void {
    if (operation.kind === 'pointwise') return this.pointwise(operation, moving);
    const out = this.of(operation.out);
    const { accumulate } = operation;
    if (operation.kind === 'product') {
      // d(a b + bias) = da b + a db + dbias
      const [a, b] = [this.of(operation.a), this.of(operation.b)];
      const bias = operation.bias && this.of(operation.bias);
      const isClasses = isOneHot(operation.a);
      return () => {
        // class numbers may be others at each run
        if (isClasses) fillTensor(a.re, (r, c) => operation.a.get(r, c));
        this.start(out.re, accumulate, bias?.re);
        this.multiply(a.re, b.re, out.re);
        if (!moving) return;
        this.start(out.du, accumulate, bias?.du);
        this.multiply(a.du, b.re, out.du);
        this.multiply(a.re, b.du, out.du);
      };
    }
    const from = this.of(operation.from);
    if (operation.what === 'logSumExp') return () => this.logSumExp(from, out, moving);
    const along = operation.what === 'sumColumns';
    return () => {
      this.sum(from.re, out.re, along, accumulate);
      if (moving) this.sum(from.du, out.du, along, accumulate);
    };
  }

  private start(out: Tensor, accumulate: boolean, bias?: Tensor): void {
    const { point } = this;
    if (accumulate && !bias) return;
    const [[M, N], [down, right]] = [out.shape, out.stride];
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        const at = out.offset + m * down + n * right;
        const added = bias ? bias.data[bias.offset + n * bias.stride[0]] : 0;
        out.data[at] = point.add(accumulate ? out.data[at] : 0, added);
      }
    }
  }

  /** out += a b */
  private multiply(a: Tensor, b: Tensor, out: Tensor): void {
    const { point } = this;
    const [[M, K], N] = [a.shape, b.shape[1]];
    const [A, B, Y] = [a.data, b.data, out.data];
    const [[aDown, aRight], [bDown, bRight], [yDown, yRight]] = [a.stride, b.stride, out.stride];
    for (let m = 0; m < M; m++) {
      for (let k = 0; k < K; k++) {
        const factor = A[a.offset + m * aDown + k * aRight];
        if (factor === 0) continue;
        let [from, to] = [b.offset + k * bDown, out.offset + m * yDown];
        for (let n = 0; n < N; n++, from += bRight, to += yRight)
          Y[to] = point.add(Y[to], point.mul(factor, B[from]));
      }
    }
  }

  private sum(from: Tensor, out: Tensor, along: boolean, accumulate: boolean): void {
    const { point } = this;
    const [R, C] = from.shape;
    if (!accumulate) fillTensor(out, () => 0);
    for (let r = 0; r < R; r++) {
      for (let c = 0; c < C; c++) {
        const at = positionOf(out, along ? r : c);
        out.data[at] = point.add(out.data[at], from.get(r, c));
      }
    }
  }

  /** L = log S with S = Σ eʸ, and dL = Σ eʸ dy / S. */
  private logSumExp(from: Pair, out: Pair, moving: boolean): void {
    const { point } = this;
    const [R, C] = from.re.shape;
    for (let r = 0; r < R; r++) {
      let [S, dS] = [0, 0];
      for (let c = 0; c < C; c++) {
        const e = point.exp(from.re.get(r, c));
        S = point.add(S, e);
        if (moving) dS = point.add(dS, point.mul(e, from.du.get(r, c)));
      }
      out.re.set(r, 0, point.log(S));
      if (moving) out.du.set(r, 0, point.div(dS, S));
    }
  }

  private pointwise({ graph, inputs, outputs }: Pointwise, moving: boolean): () => void {
    const { point } = this;
    const all = inField(graph);
    const { re, du } = all;
    const from = inputsOf(graph).map((name, k) => this.elements(inputs[name], all.inputs[k]));
    const into = Object.entries(outputs).map(([name, t]) => this.elements(t, graph.outputs[name]));
    const [R, C] = Object.values(outputs)[0].shape;
    return () => {
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          for (let k = 0; k < from.length; k++) {
            const { node, values, slopes, offset, down, right } = from[k];
            const at = offset + r * down + c * right;
            re[node] = values[at];
            du[node] = moving ? slopes[at] : 0;
          }
          all.run(point);
          for (let k = 0; k < into.length; k++) {
            const { node, values, slopes, offset, down, right } = into[k];
            const at = offset + r * down + c * right;
            values[at] = re[node];
            if (moving) slopes[at] = du[node];
          }
        }
      }
    };
  }

  /** Where the elements of a matrix are, which a node of a graph reads or writes. */
  private elements(t: Tensor, node: number) {
    const { re, du } = this.of(t);
    return {
      node,
      values: re.data,
      slopes: du.data,
      offset: re.offset,
      down: re.stride[0],
      right: re.stride[1],
    };
  }
}

/** Residues for every entry of some variables, row-major. */
export type Residues = Record<string, number[]>;

/** A problem at one random point. */
export class ExactPass {
  readonly executor: ResidueExecutor;
  /** Runs the forward program. */
  readonly run: () => void;

  constructor(
    private readonly problem: Problem,
    readonly point: Point,
  ) {
    this.executor = new ResidueExecutor(point);
    for (const { value } of Object.values(problem.variables))
      fillTensor(this.executor.of(value).re, () => this.point.draw());
    this.run = problem.forward.bind(this.executor);
  }

  /** A random direction over these variables; of a single one, optionally only over the entries `from`…`to`. */
  direction(names: string[], from = 0, to = Infinity): Residues {
    return Object.fromEntries(
      names.map((name) => {
        const size = sizeOf(this.problem.variables[name].value.shape);
        const inside = (k: number): boolean => k >= from && k < to;
        return [name, Array.from({ length: size }, (_, k) => (inside(k) ? this.point.draw() : 0))];
      }),
    );
  }

  /** The derivative of the loss along a direction, by forward mode. */
  slope(direction: Residues): number {
    this.executor.move(this.problem.variables, direction);
    this.run();
    return this.executor.of(this.problem.loss).du.get(0);
  }

  /** The gradients by a backward program, after the forward program has run. */
  gradients(backward: Program): Residues {
    const { variables } = this.problem;
    const all = Object.entries(variables).map(
      ([name, { gradient }]) => [name, this.executor.of(gradient).re] as const,
    );
    for (const [, re] of all) fillTensor(re, () => 0);
    backward.bind(this.executor.still)();
    return Object.fromEntries(all.map(([name, re]) => [name, flat(re)]));
  }

  /** The Hessian times a direction: the derivative of the gradients along it. */
  curvature(direction: Residues, backward: Program): Residues {
    this.slope(direction);
    const { variables } = this.problem;
    const all = Object.entries(variables).map(
      ([name, { gradient }]) => [name, this.executor.of(gradient)] as const,
    );
    for (const [, { re, du }] of all) [re, du].forEach((t) => fillTensor(t, () => 0));
    backward.bind(this.executor)();
    return Object.fromEntries(all.map(([name, { du }]) => [name, flat(du)]));
  }

  /** Σ g v. */
  along(gradients: Residues, direction: Residues): number {
    const { point } = this;
    let sum = 0;
    for (const [name, v] of Object.entries(direction))
      v.forEach((each, k) => (sum = point.add(sum, point.mul(each, gradients[name][k]))));
    return sum;
  }
}

const flat = (t: Tensor): number[] =>
  Array.from({ length: sizeOf(t.shape) }, (_, k) => t.data[positionOf(t, k)]);

/** An entry at which the hand-derived gradient is not the derivative. */
export interface ExactMismatch {
  variable: string;
  /** Which entry, row-major. */
  index: number;
  /** Residues modulo `prime`: hand-derived, and by forward mode. */
  analytic: number;
  exact: number;
  prime: number;
  /** Whether the side of a kink was chosen at random; if so, the mismatch need not show on numbers. */
  coins: boolean;
}

/** What the exact oracle found. */
export interface ExactReport {
  /** No difference at any point. */
  proved: boolean;
  /** For each variable whose gradient is not the derivative, one wrong entry. */
  mismatches: ExactMismatch[];
  /** Random points: 4, and 56 more where there are kinks. */
  points: number;
  /** Estimated degree d of the gradients as rational functions of the variables and free elements. */
  degree: number;
  /** Upper bound on the probability that a wrong gradient passes; see `points.ts`. */
  chance: number;
}

/** Compares the derivative of the loss along a random direction with the one that the gradients give. */
function trial(problem: Problem, backward: Program, point: Point) {
  const pass = new ExactPass(problem, point);
  const direction = pass.direction(Object.keys(problem.variables));
  const slope = pass.slope(direction);
  const gradients = pass.gradients(backward);
  return { pass, direction, slope, gradients, ok: pass.along(gradients, direction) === slope };
}

/**
 * Decides whether the gradients of a problem are the derivatives of its loss, as expressions: for all weights and inputs.
 *
 * It overwrites no numbers. Rounding errors neither affect the result nor are they checked.
 * @throws NoInverse where the program divides by an expression that is always 0.
 * @example
 * exactCheck(problemOfCell(lstm({ input: 4, hidden: 5 }))).proved; // true
 */
export function exactCheck(problem: Problem, { seed = 0 }: { seed?: number } = {}): ExactReport {
  const backward = hoist(problem.backward);
  const names = Object.keys(problem.variables);
  const found = new Map<string, ExactMismatch>();
  const looks: Look[] = [];
  for (const { result, ...look } of atPoints(seed, (point) => trial(problem, backward, point))) {
    looks.push(look);
    if (result.ok) continue;
    const { pass, gradients } = result;
    const differs = (direction: Residues): boolean =>
      pass.slope(direction) !== pass.along(gradients, direction);
    for (const name of names) {
      if (found.has(name) || !differs(pass.direction([name]))) continue;
      // bisect until one differing entry is left
      let [from, to] = [0, gradients[name].length];
      while (to - from > 1) {
        const middle = (from + to) >> 1;
        if (differs(pass.direction([name], from, middle))) to = middle;
        else from = middle;
      }
      const unit = gradients[name].map((_, index) => (index === from ? 1 : 0));
      found.set(name, {
        ...{ variable: name, index: from, analytic: gradients[name][from] },
        ...{ exact: pass.slope({ [name]: unit }), prime: pass.point.prime, coins: look.coins > 0 },
      });
    }
  }
  const degrees = degreesOf(problem, backward);
  return {
    ...{ proved: found.size === 0, mismatches: [...found.values()], points: looks.length },
    ...{ degree: degrees.gradients, chance: chanceOf(looks, degrees) },
  };
}

/**
 * Decides whether the derivatives of the gradients are symmetric, u·(H v) = v·(H u), as second derivatives must be. It
 * differentiates the backward program itself, so this checks the Hessian that results from it.
 */
export function symmetricExactly(problem: Problem, { seed = 0 } = {}): boolean {
  const backward = hoist(problem.backward);
  const names = Object.keys(problem.variables);
  const symmetric = (point: Point): boolean => {
    const pass = new ExactPass(problem, point);
    const [u, v] = [pass.direction(names), pass.direction(names)];
    return pass.along(pass.curvature(v, backward), u) === pass.along(pass.curvature(u, backward), v);
  };
  return [...atPoints(seed, symmetric)].every(({ result }) => result);
}

/** Degrees of the numerators over a common denominator that contains each divisor squared, as tanh' = 1 / cosh². */
export function degreesOf(
  problem: Problem,
  backward: Program,
): Record<'gradients' | 'arguments' | 'denominator', number> {
  const degrees = new Degrees();
  const pass = new ExactPass(problem, degrees);
  pass.run();
  const most = Object.values(pass.gradients(backward))
    .flat()
    .reduce((d, e) => Math.max(d, e), 0);
  const denominator = 2 * degrees.divisors;
  return { gradients: most + denominator, arguments: degrees.arguments + denominator, denominator };
}

/**
 * Returns a test whether a backward program gives the derivatives of a problem's loss; the points are drawn once.
 * Undefined where even the problem's own backward program cannot be proved right. A program that divides by 0 does not.
 */
export function exactOracle(problem: Problem): ((backward: Program) => boolean) | undefined {
  const trials = unlessZero(() => [...atPoints(0, (point) => trial(problem, problem.backward, point))]);
  if (!trials?.every(({ result }) => result.ok)) return undefined;
  const holds = (backward: Program): boolean =>
    trials.every(
      ({ result: { pass, direction, slope } }) => pass.along(pass.gradients(backward), direction) === slope,
    );
  return (backward) => unlessZero(() => holds(backward)) ?? false;
}

/** The result of `act`, or undefined where a program divides by an expression that is always 0. */
export function unlessZero<R>(act: () => R): R | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof NoInverse) return undefined;
    throw error;
  }
}

/** Whether two graphs over the same inputs compute the same function. */
export function sameGraphs(a: Graph, b: Graph): boolean {
  const same = (point: Point): boolean => {
    const inputs = Object.fromEntries(inputsOf(a).map((name) => [name, { re: point.draw(), du: 0 }]));
    const [p, q] = [evaluateInField(a, point, inputs), evaluateInField(b, point, inputs)];
    return Object.keys(p).every((name) => p[name].re === q[name].re);
  };
  for (const { result } of atPoints(1, same)) if (!result) return false;
  return true;
}
