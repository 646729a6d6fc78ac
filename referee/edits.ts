/** Generates small mistakes in the text of a cell's equations, each with a description. */
import { parse, type Equation, type Expression } from '../core/equations/parse';
import { EquationError } from '../core/equations/error';
import { namesIn } from '../core/equations/steps';
import { expressionText } from '../core/equations/text';
import type { Cell, CellEquations } from '../cells/cell';
import { variantOf } from '../cells/variant';
import { declare } from '../core/equations/declare';

/** A changed line of the equations. */
export interface Edit {
  /** Which equation, from 0. */
  index: number;
  /** `without the term dcNext in dc`. */
  words: string;
  /** All equations of its block, with the change. */
  text: string;
  /** Whether the mistake is one name in place of another; there are many of these. */
  renamed: boolean;
}

/** A line of the equations with its number, for messages. */
export interface EquationLine {
  /** Line number in the file of a user's cell, otherwise within its block; from 1. */
  number: number;
  text: string;
}

/** The blocks of a cell's equations. */
type Side = 'forward' | 'backward';

/** An expression with one change. */
interface Variant {
  words: string;
  expression: Expression;
  renamed?: boolean;
}

const at = 0;
const number = (value: number): Expression => ({ kind: 'number', value, at });
const apply = (op: 'add' | 'sub' | 'mul' | 'neg', ...args: Expression[]): Expression => ({
  kind: 'apply',
  ...{ op, args, at },
});
/** Zero, but still reads `e`: an unused name would be an error of its own. */
const nothing = (e: Expression): Expression => apply('mul', number(0), e);
const one = (e: Expression): Expression => apply('add', number(1), nothing(e));

/** The lines of a block. */
export function linesOf({ options, equations }: Cell, side: Side): EquationLine[] {
  if (!equations) return [];
  const own = typeof options?.equations === 'string';
  return parse(equations[side], equations.name).map((equation, k) => ({
    number: own ? equations[side].slice(0, equation.at).split('\n').length : k + 1,
    text: lineOf(equation, equation.expression),
  }));
}

/** A line in parentheses, to append to a sentence. */
export const placeOf = (line: EquationLine | undefined): string =>
  line ? ` (line ${line.number}: \`${line.text}\`)` : '';

const lineOf = ({ name, accumulate }: Equation, e: Expression): string =>
  `${name} ${accumulate ? '+=' : '='} ${expressionText(e)}`;

/**
 * Every small mistake in a block: terms, factors, signs, names, slopes, transposes.
 * @param more names of further values to substitute, besides the states and what the block reads.
 */
export function edits(equations: CellEquations, side: Side, more: readonly string[] = []): Edit[] {
  const lines = parse(equations[side], `${equations.name}, ${side}`);
  const { states, parameters } = declare(equations.shapes, ['states', 'parameters'], equations.name).sections;
  const used = [...new Set(lines.flatMap(({ expression }) => namesIn(expression)))];
  const given = Object.keys(states)
    .flatMap((s) => [s, `${s}Prev`])
    .concat(more);
  const gradients = new Set(
    side === 'forward'
      ? []
      : [
          ...Object.keys(states).map((s) => `d${s}Next`),
          `d${Object.keys(states)[0]}Out`,
          ...lines.map(({ name }) => name),
        ],
  );
  const values = new Set([...used.filter((name) => !gradients.has(name) && !(name in parameters)), ...given]);
  return lines.flatMap((line, index) => {
    const written = new Set([...used, ...lines.slice(0, index).map(({ name }) => name)]);
    const others = (name: string): string[] => {
      const kin = gradients.has(name)
        ? [...gradients].filter((other) => written.has(other) && other !== line.name)
        : values.has(name)
          ? [...values]
          : [];
      return kin.filter((other) => other !== name);
    };
    const whole: Variant[] = [
      { words: `without \`${lineOf(line, line.expression)}\``, expression: zeroOf(line.expression) },
      { words: `with the sign of \`${line.name}\` flipped`, expression: negative(line.expression) },
    ];
    const parts = [...variantsOf(line.expression, others), ...swappedGates(line.expression)];
    const inner = parts.map((variant) => ({
      ...variant,
      words: `${variant.words} in \`${line.name}\``,
    }));
    return [...whole, ...inner].map(({ words, expression, renamed = false }) => ({
      ...{ index, words, renamed },
      text: lines.map((other, k) => lineOf(other, k === index ? expression : other.expression)).join('\n'),
    }));
  });
}

/** The cell with other equations; undefined if these are not valid. */
export function edited(cell: Cell, changed: Partial<Pick<CellEquations, Side>>): Cell | undefined {
  try {
    return variantOf(cell, { ...changed, jacobian: undefined });
  } catch (error) {
    if (error instanceof EquationError) return undefined;
    throw error;
  }
}

/** Scales every term of a sum; in a matrix product, its first operand, because a product cannot be an operand itself. */
function scaledBy(e: Expression, scale: (e: Expression) => Expression): Expression {
  if (e.kind === 'product') return { ...e, args: [scaledBy(e.args[0], scale), e.args[1]] };
  if (e.kind === 'reduction') return { ...e, args: [scale(e.args[0])] };
  if (e.kind === 'transpose') return { ...e, of: scaledBy(e.of, scale) };
  if (e.kind === 'apply' && e.op === 'add') return { ...e, args: e.args.map((arg) => scaledBy(arg, scale)) };
  return scale(e);
}
const zeroOf = (e: Expression): Expression => scaledBy(e, nothing);
const negative = (e: Expression): Expression => scaledBy(e, (x) => apply('neg', x));

/** A sum that weighs its terms by s and 1 - s, with the two weights swapped: some papers and libraries do, others do not. */
function swappedGates(e: Expression): Variant[] {
  if (e.kind !== 'apply' || e.op !== 'add') return [];
  const text = expressionText(e);
  const weights = [...new Set(namesIn(e))].filter((name) => text.includes(`(1 - ${name})`));
  return weights.map((name) => ({
    words: `with \`${name}\` and \`1 - ${name}\` swapped`,
    expression: swapped(e, name),
  }));
}

/** An expression with every s replaced by 1 - s, and every 1 - s by s. */
function swapped(e: Expression, name: string): Expression {
  if (e.kind === 'name') return e.name === name ? apply('sub', number(1), e) : e;
  if (e.kind === 'apply' && expressionText(e) === `1 - ${name}`) return e.args[1];
  if (e.kind === 'apply') return { ...e, args: e.args.map((arg) => swapped(arg, name)) };
  return e;
}

function variantsOf(e: Expression, others: (name: string) => string[]): Variant[] {
  const found = ownVariants(e, others);
  const inside = (args: readonly Expression[], build: (args: Expression[]) => Expression): void =>
    args.forEach((arg, k) => {
      for (const variant of variantsOf(arg, others))
        found.push({
          ...variant,
          expression: build(args.map((old, j) => (j === k ? variant.expression : old))),
        });
    });
  if (e.kind === 'transpose') inside([e.of], ([of]) => ({ ...e, of }));
  else if (e.kind === 'product') inside(e.args, ([a, b]) => ({ ...e, args: [a, b] }));
  else if (e.kind === 'reduction') inside(e.args, ([a]) => ({ ...e, args: [a] }));
  else if (e.kind === 'apply') inside(e.args, (args) => ({ ...e, args }));
  return found;
}

function ownVariants(e: Expression, others: (name: string) => string[]): Variant[] {
  if (e.kind === 'name')
    return others(e.name).map((name) => ({
      words: `with \`${name}\` in place of \`${e.name}\``,
      expression: { ...e, name },
      renamed: true,
    }));
  if (e.kind === 'product') {
    const [a, b] = e.args;
    const turned: Expression = b.kind === 'transpose' ? b.of : { kind: 'transpose', of: b, at };
    return [
      {
        words: `with \`${expressionText(turned)}\` in place of \`${expressionText(b)}\``,
        expression: { ...e, args: [a, turned] },
      },
    ];
  }
  if (e.kind !== 'apply') return [];
  const replace = (k: number, by: Expression): Expression => ({
    ...e,
    args: e.args.map((arg, j) => (j === k ? by : arg)),
  });
  if (e.op === 'add' || e.op === 'sub')
    return e.args.flatMap((arg, k) => [
      { words: `without the term \`${expressionText(arg)}\``, expression: replace(k, zeroOf(arg)) },
      {
        words: `with the sign of the term \`${expressionText(arg)}\` flipped`,
        expression: replace(k, negative(arg)),
      },
    ]);
  if (e.op === 'mul' || e.op === 'div')
    return [
      ...e.args.flatMap((arg, k) =>
        arg.kind === 'number' || (e.op === 'div' && k === 0)
          ? []
          : [{ words: `without the factor \`${expressionText(arg)}\``, expression: replace(k, one(arg)) }],
      ),
      ...(e.op === 'mul' ? [...otherSlope(e.args[0], e.args[1]), ...otherSquare(e, others)] : []),
    ];
  return [];
}

/** The square of another value, as in the slope of a tanh at `c` where that at `tanh(c)` belongs. */
function otherSquare(e: Expression, others: (name: string) => string[]): Variant[] {
  const [left, right] = e.kind === 'apply' ? e.args : [];
  if (left?.kind !== 'name' || right?.kind !== 'name' || left.name !== right.name) return [];
  return others(left.name).map((name) => ({
    words: `with \`${name} * ${name}\` in place of \`${expressionText(e)}\``,
    expression: apply('mul', { ...left, name }, { ...right, name }),
    renamed: true,
  }));
}

/** Swaps the derivatives of sigmoid, s (1 − s), and tanh, 1 − s s. */
function otherSlope(left: Expression, right: Expression): Variant[] {
  if (right.kind !== 'apply' || right.op !== 'sub') return [];
  const [unit, taken] = right.args;
  if (unit.kind !== 'number' || unit.value !== 1) return [];
  const text = expressionText(taken);
  const square = (s: Expression): Expression => apply('sub', number(1), apply('mul', s, s));
  if (taken.kind === 'name') {
    const rest =
      left.kind === 'apply' && left.op === 'mul' && expressionText(left.args[1]) === text
        ? left.args[0]
        : undefined;
    if (rest === undefined && expressionText(left) !== text) return [];
    const slope = square(taken);
    return [
      {
        words: `with the slope of a tanh, \`${expressionText(slope)}\`, in place of that of a sigmoid, \`${text} * (1 - ${text})\`,`,
        expression: rest === undefined ? slope : apply('mul', rest, slope),
      },
    ];
  }
  if (
    taken.kind !== 'apply' ||
    taken.op !== 'mul' ||
    expressionText(taken.args[0]) !== expressionText(taken.args[1])
  )
    return [];
  const [s] = taken.args;
  return [
    {
      words: `with the slope of a sigmoid, \`${expressionText(s)} * (1 - ${expressionText(s)})\`, in place of that of a tanh, \`${expressionText(right)}\`,`,
      expression: apply('mul', apply('mul', left, s), apply('sub', number(1), s)),
    },
  ];
}
