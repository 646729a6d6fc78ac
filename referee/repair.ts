/**
 * Suggests repairs for the backward equations of a user's cell. There is no second derivation to compare with, so forward
 * mode on the forward equations gives the right gradients, and every small change of one line is tried against them.
 */
import { cellFromText } from '../cells/text';
import type { Cell, CellEquations } from '../cells/cell';
import { declare } from '../core/equations/declare';
import { parse } from '../core/equations/parse';
import { namesIn } from '../core/equations/steps';
import { expressionText } from '../core/equations/text';
import { sizeOf } from '../core/tensor';
import { analyticGradients, problemOfCell, type Problem } from '../bptt/check/problem';
import { forwardMode } from '../bptt/check/rtrl';
import { errorBounds, relativeError } from '../bptt/check/bounds';
import { edited, edits, linesOf, type Edit, type EquationLine } from './edits';

/** A line, and the change that makes it right. */
export interface Repair {
  line: EquationLine;
  /** `with + dcNext`. */
  words: string;
}

/** Small and all different; every change is run at these sizes. */
const sizes = { input: 2, hidden: 3 };
const steps = { T: 3, B: 2, seed: 1 };

/**
 * All single changes of a backward line that make a cell's gradients right; none if they are right already, or if no
 * single change is enough.
 * @throws EquationError when the text is not that of a cell.
 */
export function repairs(equations: string): Repair[] {
  const cell = cellFromText({ ...sizes, equations });
  const problem = problemOfCell(cell, steps);
  const truth = slopes(problem);
  const right = (variant: Cell): boolean => agree(analyticGradients(problemOfCell(variant, steps)), truth);
  if (!cell.equations || right(cell)) return [];
  const lines = linesOf(cell, 'backward');
  const written = parse(cell.equations.forward, `${cell.name}, forward`).map(({ name }) => name);
  const known = edits(cell.equations, 'backward', written);
  const more = additions(cell.equations);
  // the simplest changes first: if these work, the others only say the same at greater length
  for (const tried of [
    more.names,
    known.filter(({ renamed }) => !renamed),
    more.factors,
    known.filter(({ renamed }) => renamed),
    more.products,
  ]) {
    const found = tried.filter(({ text }) => {
      const variant = edited(cell, { backward: text });
      return variant !== undefined && right(variant);
    });
    if (found.length > 0) return found.map(({ index, words }) => ({ line: lines[index], words }));
  }
  return [];
}

/** The right gradients, by forward mode. */
function slopes(problem: Problem): Record<string, number[]> {
  const slope = forwardMode(problem);
  return Object.fromEntries(
    Object.entries(problem.variables).map(([name, { value }]) => {
      const size = sizeOf(value.shape);
      const unit = (k: number): Float64Array =>
        Float64Array.from({ length: size }, (_, j) => (j === k ? 1 : 0));
      return [name, Array.from({ length: size }, (_, k) => slope({ [name]: unit(k) }))];
    }),
  );
}

function agree(gradients: Record<string, number[]>, truth: Record<string, number[]>): boolean {
  return Object.entries(truth).every(([name, values]) => {
    const largest = values.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
    return values.every((v, k) => relativeError(gradients[name][k], v, largest) <= errorBounds.forwardMode);
  });
}

/** Additions to a line that lacks something: a gradient, a factor, or a product of both. */
function additions(equations: CellEquations): Record<'names' | 'factors' | 'products', Edit[]> {
  const lines = parse(equations.backward, `${equations.name}, backward`);
  const { states, parameters } = declare(equations.shapes, ['states', 'parameters'], equations.name).sections;
  const [output] = Object.keys(states);
  const forward = parse(equations.forward, `${equations.name}, forward`);
  const values = new Set([
    ...Object.keys(states).flatMap((s) => [`${s}Prev`, s]),
    ...lines
      .flatMap(({ expression }) => namesIn(expression))
      .filter((name) => !name.startsWith('d') && !(name in parameters)),
    ...forward.map(({ name }) => name),
  ]);
  const vectors = Object.entries(parameters).flatMap(([p, shape]) => (shape.length === 1 ? [p] : []));
  // with those of single gates, as the equations name them: Whf of Wh
  const isMatrix = (name: string): boolean =>
    Object.entries(parameters).some(([p, shape]) => shape.length === 2 && name.startsWith(p));
  const matrices = new Set(
    [...forward, ...lines].flatMap(({ expression }) => namesIn(expression)).filter(isMatrix),
  );
  const found: Record<'names' | 'factors' | 'products', Edit[]> = { names: [], factors: [], products: [] };
  lines.forEach((line, index) => {
    const own = expressionText(line.expression);
    const add = (into: Edit[], words: string, expression: string): void => {
      const text = lines
        .map(
          ({ name, accumulate, expression: e }, k) =>
            `${name} ${accumulate ? '+=' : '='} ${k === index ? expression : expressionText(e)}`,
        )
        .join('\n');
      into.push({ index, words, text, renamed: false });
    };
    const gradients = [
      `d${output}Out`,
      ...Object.keys(states).map((s) => `d${s}Next`),
      ...lines.slice(0, index).map(({ name }) => name),
    ];
    for (const d of gradients) {
      add(found.names, `with \`+ ${d}\``, `${own} + ${d}`);
      for (const v of [...values, ...vectors])
        add(found.products, `with \`+ ${d} * ${v}\``, `${own} + ${d} * ${v}`);
      for (const W of matrices) add(found.products, `with \`+ ${d} @ ${W}.T\``, `${own} + ${d} @ ${W}.T`);
    }
    for (const v of values)
      for (const factor of [v, `(1 - ${v})`, `(1 - ${v} * ${v})`])
        add(
          found.factors,
          `with \`* ${factor}\``,
          line.expression.kind === 'apply' && ['add', 'sub'].includes(line.expression.op)
            ? `(${own}) * ${factor}`
            : `${own} * ${factor}`,
        );
  });
  return found;
}
