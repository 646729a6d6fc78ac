/**
 * Lowers equations to steps: matrix products, reductions, and groups of elementwise lines that become one loop. Steps keep
 * the order of the lines; an elementwise line joins the previous group only if no product or reduction in between reads
 * or writes what it needs.
 */
import { limits, type Equation, type Expression, type Reduced } from './parse';
import type { Scope } from './scope';
import { shapeOf, shapeText, type Fail, type Shape } from './shapes';
import { expressionText } from './text';

/** A matrix by name, possibly transposed. */
export interface MatrixOperand {
  name: string;
  transposed: boolean;
}
/** out (=|+=) a @ b + bias. */
export interface ProductStep {
  kind: 'product';
  a: MatrixOperand;
  b: MatrixOperand;
  out: string;
  bias?: string;
  accumulate: boolean;
}
/** out (=|+=) a sum, or log-sum-exp, of `from`. */
export interface ReductionStep {
  kind: 'reduction';
  what: Reduced;
  from: MatrixOperand;
  out: string;
  accumulate: boolean;
}
/** One elementwise line. */
export interface PointwiseLine {
  name: string;
  expression: Expression;
  accumulate: boolean;
}
/** Elementwise lines of one shape that run as one loop. */
export interface Group {
  kind: 'group';
  lines: PointwiseLine[];
  shape: Shape;
}
export type LoweredStep = ProductStep | ReductionStep | Group;

/** Checks equations against a scope and lowers them. @throws EquationError if they are inconsistent. */
export function stepsOf(equations: readonly Equation[], scope: Scope, fail: Fail): LoweredStep[] {
  const lowering = new Lowering(scope, fail);
  for (const equation of equations) lowering.add(equation);
  return joined(lowering.steps, scope);
}

class Lowering {
  /** In the order of the lines; each elementwise line is a separate group. */
  readonly steps: LoweredStep[] = [];

  constructor(
    private readonly scope: Scope,
    private readonly fail: Fail,
  ) {}

  add({ name, accumulate, expression, at }: Equation): void {
    const shape = this.shapeOf(expression);
    const own = this.scope.write(name, shape, accumulate, at, expressionText(expression));
    this.lower(name, own, accumulate, expression);
    if (this.steps.length > limits.steps)
      throw this.fail(at, `a block must have at most ${limits.steps} lines, sums and products`);
  }

  private lower(name: string, shape: Shape, accumulate: boolean, expression: Expression): void {
    if (expression.kind === 'reduction') {
      this.mustFill(name, shape, expression);
      const { what, args } = expression;
      this.steps.push({
        kind: 'reduction',
        what,
        from: this.operand(`${name}Row`, args[0]),
        out: name,
        accumulate,
      });
      return;
    }
    if (expression.kind === 'transpose')
      throw this.fail(expression.at, 'a transpose can only stand in a product');
    const terms = termsOf(expression);
    const products = terms.filter((term) => term.kind === 'product');
    const rest = terms.filter((term) => term.kind !== 'product');
    if (products.length === 0) return this.pointwise(name, shape, accumulate, expression);
    // a vector that is added to a product is its bias
    const bias =
      !accumulate && rest.length === 1 && rest[0].kind === 'name' && this.shapeOf(rest[0]).length === 1
        ? rest[0].name
        : undefined;
    const apart = rest.length > 0 && bias === undefined;
    if (apart)
      this.pointwise(
        name,
        shape,
        accumulate,
        rest.reduce((left, right) => ({ kind: 'apply', op: 'add', args: [left, right], at: right.at })),
      );
    products.forEach((product, k) => {
      this.mustFill(name, shape, product);
      const [a, b] = product.args;
      const [left, right] = [this.operand(`${name}Left`, a), this.operand(`${name}Right`, b)];
      const first = k === 0 && !apart;
      this.steps.push({
        kind: 'product',
        a: left,
        b: right,
        out: name,
        accumulate: accumulate || !first,
        ...(first && bias !== undefined && { bias }),
      });
    });
  }

  /** Throws unless a product or a sum has the full shape of its name: only elementwise results are broadcast. */
  private mustFill(name: string, shape: Shape, e: Expression): void {
    const own = this.shapeOf(e);
    // a vector is a row: [1, N] is equivalent to [N]
    const inFull = ([first, ...rest]: Shape): string => shapeText(first === '1' ? rest : [first, ...rest]);
    if (inFull(own) !== inFull(shape))
      throw this.fail(e.at, `${name} is ${shapeText(shape)}, but ${expressionText(e)} is ${shapeText(own)}`);
  }

  private pointwise(name: string, shape: Shape, accumulate: boolean, expression: Expression): void {
    const lines = [{ name, accumulate, expression: this.lifted(name, expression) }];
    this.steps.push({ kind: 'group', shape, lines });
  }

  /** The operand of a product or reduction, which must be a tensor: an expression is first written to a temporary one. */
  private operand(name: string, e: Expression): MatrixOperand {
    if (e.kind === 'name') return { name: e.name, transposed: false };
    if (e.kind !== 'transpose') return { name: this.temporary(name, e), transposed: false };
    const inner = this.operand(name, e.of);
    return { ...inner, transposed: !inner.transposed };
  }

  /** An elementwise expression whose inner products and reductions are replaced by temporary tensors. */
  private lifted(name: string, e: Expression): Expression {
    if (e.kind === 'transpose') throw this.fail(e.at, 'a transpose can only stand in a product');
    if (e.kind === 'product' || e.kind === 'reduction')
      return { kind: 'name', name: this.temporary(`${name}Part`, e), at: e.at };
    return e.kind === 'apply' ? { ...e, args: e.args.map((arg) => this.lifted(name, arg)) } : e;
  }

  private temporary(wanted: string, e: Expression): string {
    let name = wanted;
    for (let k = 2; this.scope.isKnown(name); k++) name = `${wanted}${k}`;
    const shape = this.scope.write(name, this.shapeOf(e), false, e.at, expressionText(e));
    this.lower(name, shape, false, e);
    this.scope.shapeAt(name, e.at);
    return name;
  }

  private shapeOf(e: Expression): Shape {
    return shapeOf(e, (name, at) => this.scope.shapeAt(name, at), this.fail);
  }
}

/** The terms of a sum: `a @ b + c @ d + e` has three. */
function termsOf(e: Expression): Expression[] {
  return e.kind === 'apply' && e.op === 'add' ? e.args.flatMap(termsOf) : [e];
}

/** Names that an expression reads. */
export function namesIn(e: Expression): string[] {
  if (e.kind === 'name') return [e.name];
  if (e.kind === 'number') return [];
  return e.kind === 'transpose' ? namesIn(e.of) : e.args.flatMap(namesIn);
}

/** Joins elementwise lines into groups. */
function joined(steps: readonly LoweredStep[], scope: Scope): LoweredStep[] {
  const result: LoweredStep[] = [];
  let group: Group | undefined;
  let after: (ProductStep | ReductionStep)[] = [];
  const flush = (): void => {
    result.push(...(group ? [group] : []), ...after);
    [group, after] = [undefined, []];
  };
  const tensor = (name: string): string => scope.placeOf(name).of;
  for (const step of steps) {
    if (step.kind !== 'group') {
      after.push(step);
      continue;
    }
    const [{ name, expression }] = step.lines;
    const written = new Set(after.map(({ out }) => tensor(out)));
    const touched = new Set([...written, ...after.flatMap(readBy).map(tensor)]);
    const waits = namesIn(expression).some((read) => written.has(tensor(read))) || touched.has(tensor(name));
    if (waits || (group && shapeText(group.shape) !== shapeText(step.shape))) flush();
    if (group) group.lines.push(...step.lines);
    else group = { ...step, lines: [...step.lines] };
  }
  flush();
  return result;
}

/** Names that a product or a reduction reads. */
export function readBy(step: ProductStep | ReductionStep): string[] {
  if (step.kind === 'reduction') return [step.from.name];
  return [step.a.name, step.b.name, ...(step.bias === undefined ? [] : [step.bias])];
}
