/**
 * A block of equations: parses and checks them, and records them on a program. `z = x @ W + b`, `h = tanh(z)` becomes a
 * product with a bias, then one loop.
 */
import type { Program } from '../programs/program';
import { apply, named, type Scalar } from '../programs/scalar';
import { inputsOf, statement, type Statement } from '../programs/statement';
import { transpose, type Tensor, type Tensors } from '../tensor';
import { EquationError } from './error';
import { parse, type Equation, type Expression } from './parse';
import { Scope, type Declarations } from './scope';
import type { Shapes } from './shapes';
import { namesIn, readBy, stepsOf, type Group, type MatrixOperand, type LoweredStep } from './steps';

/** An elementwise group, compiled. */
export interface CompiledGroup {
  kind: 'group';
  statement: Statement;
}
type CompiledStep = Exclude<LoweredStep, Group> | CompiledGroup;

/** Compiled equations, with the names that need storage. */
export interface Compiled {
  /** The equations as text. */
  readonly source: string;
  /** Names that need a tensor, besides the given ones, and their shapes. */
  readonly stored: Shapes;
  /** The elementwise groups, in order. */
  readonly statements: readonly Statement[];
  /**
   * The groups that read no reduction, so that their derivatives can be checked elementwise; `escaping` are their outputs
   * that other steps read.
   */
  readonly elementwise: readonly { statement: Statement; escaping: readonly string[] }[];
  /** Records the equations on a program; tensors are given by the names in the equations. */
  record(program: Program, tensors: Tensors): void;
}

export class Block {
  readonly equations: readonly Equation[];
  readonly scope: Scope;
  private readonly steps: readonly LoweredStep[];

  /**
   * @param where prefix of error messages: `lstm, backward`.
   * @throws EquationError for a syntax error, an unknown name, a shape mismatch, or a name that is written twice.
   */
  constructor(
    readonly source: string,
    readonly where: string,
    declarations: Declarations,
  ) {
    this.equations = parse(source, where);
    const fail = (at: number, reason: string): EquationError => this.errorAt(at, reason);
    this.scope = new Scope(declarations, fail, new Set(this.equations.map(({ name }) => name)));
    this.steps = stepsOf(this.equations, this.scope, fail);
  }

  errorAt(at: number, reason: string): EquationError {
    return new EquationError(this.where, this.source, at, reason);
  }

  /** The error at the place where a name is first written. */
  errorIn(name: string, reason: string): EquationError {
    return this.errorAt(this.equations.find((equation) => equation.name === name)?.at ?? 0, reason);
  }

  /** @throws EquationError for a name that no line writes. */
  mustWrite(names: readonly string[]): void {
    for (const name of names)
      if (!this.scope.isWritten(name)) throw this.errorAt(this.source.length, `${name} is never written`);
  }

  /** @throws EquationError for a line whose value is neither read nor in `wanted`. */
  mustUse(wanted: ReadonlySet<string>): void {
    const isRead = this.scope.reads();
    for (const { name, at } of this.equations)
      if (!wanted.has(name) && !wanted.has(this.scope.placeOf(name).of) && !isRead(name))
        throw this.errorAt(at, `${name} is written, but never read`);
  }

  /** Determines which values are stored: those in `wanted`, and those that a later step reads. */
  compile(wanted: Iterable<string>): Compiled {
    const want = new Set(wanted);
    const reads = this.steps.map(
      (step) =>
        new Set(
          step.kind === 'group' ? step.lines.flatMap(({ expression }) => namesIn(expression)) : readBy(step),
        ),
    );
    // number of steps that read each name; a part of a tensor is a use of the whole
    const readers = new Map<string, number>();
    for (const own of reads)
      for (const name of new Set([...own].flatMap((read) => [read, this.scope.placeOf(read).of])))
        readers.set(name, (readers.get(name) ?? 0) + 1);
    const stored = new Set<string>();
    const elementwise: Compiled['elementwise'][number][] = [];
    const reduced = new Set(this.steps.flatMap((step) => (step.kind === 'reduction' ? [step.out] : [])));
    const compiled = this.steps.map((step, k): CompiledStep => {
      if (step.kind !== 'group') {
        stored.add(step.out);
        return step;
      }
      const isReadElsewhere = (name: string): boolean =>
        (readers.get(name) ?? 0) > (reads[k].has(name) ? 1 : 0);
      const outputNames = step.lines
        .map(({ name }) => name)
        .filter(
          (name) => want.has(name) || isReadElsewhere(name) || this.scope.isPart(name) || this.isAdded(name),
        );
      for (const name of outputNames) stored.add(name);
      const statement = statementOf(step, new Set(outputNames), (name) => this.numberOf(name));
      if (![...reads[k]].some((name) => reduced.has(name)))
        elementwise.push({ statement, escaping: outputNames.filter(isReadElsewhere) });
      return { kind: 'group', statement };
    });
    return {
      source: this.source,
      stored: Object.fromEntries(Array.from(stored, (name) => [name, this.scope.shapeOf(name) ?? []])),
      statements: compiled.flatMap((step) => (step.kind === 'group' ? [step.statement] : [])),
      elementwise,
      record: (program, tensors) => record(program, compiled, tensors),
    };
  }

  /** The number that a size stands for in an expression. */
  private numberOf(name: string): number | undefined {
    return this.scope.isLetter(name) ? this.scope.declared.letters?.[name] : undefined;
  }

  /** Whether a product or a sum is added to a name after an elementwise line has written it. */
  private isAdded(name: string): boolean {
    return this.steps.some((step) => step.kind !== 'group' && step.out === name);
  }
}

/** The statement of a group; names in `kept` are its outputs, all others are intermediate values. */
function statementOf(
  { lines }: Group,
  outputNames: ReadonlySet<string>,
  numberOf: (name: string) => number | undefined,
): Statement {
  return statement((inputs) => {
    const values: Record<string, Scalar> = {};
    const outputs: Record<string, Scalar> = {};
    const of = (name: string): Scalar =>
      Object.hasOwn(values, name) ? values[name] : (numberOf(name) ?? inputs[name]);
    for (const { name, expression, accumulate } of lines) {
      const value = evaluate(expression, of);
      const before = Object.hasOwn(values, name) ? values[name] : accumulate ? inputs[`${name}Kept`] : 0;
      values[name] = accumulate ? apply('add', before, value) : value;
      if (outputNames.has(name)) outputs[name] = values[name];
      else named(name, values[name]);
    }
    return outputs;
  });
}

function evaluate(e: Expression, of: (name: string) => Scalar): Scalar {
  if (e.kind === 'number') return e.value;
  if (e.kind === 'name') return of(e.name);
  if (e.kind !== 'apply') throw new Error(`${e.kind} is not elementwise`);
  const [a, b, c] = e.args.map((arg) => evaluate(arg, of));
  return apply(e.op, a, b, c);
}

function record(program: Program, steps: readonly CompiledStep[], v: Tensors): void {
  const operand = ({ name, transposed }: MatrixOperand): Tensor =>
    transposed ? transpose(v[name]) : v[name];
  for (const step of steps) {
    if (step.kind === 'product') {
      const { a, b, out, accumulate, bias } = step;
      program.matmul(operand(a), operand(b), v[out], {
        accumulate,
        ...(bias !== undefined && { bias: v[bias] }),
      });
    } else if (step.kind === 'reduction') {
      const out = v[step.out];
      // a vector stored as a matrix of one row
      const vector = step.what === 'sumRows' && out.shape.length === 2 ? out.pick(0) : out;
      program[step.what as 'sumRows'](operand(step.from), vector, { accumulate: step.accumulate });
    } else {
      const keptInputs = inputsOf(step.statement.graph).filter(
        (name) => name.endsWith('Kept') && !(name in v),
      );
      const more = Object.fromEntries(keptInputs.map((name) => [name, v[name.slice(0, -4)]]));
      program.pointwise(step.statement, keptInputs.length > 0 ? { ...v, ...more } : v);
    }
  }
}
