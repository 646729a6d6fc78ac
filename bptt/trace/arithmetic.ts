/** The arithmetic of one unit: each line of the equations with numbers substituted, in as few digits as keep it exact. */
import type { Traced, TracedLayer, TracedPointwise, TracedProduct, TracedSum } from './numbers';
import { apply } from '../../core/programs/scalar';
import { short } from '../../core/format';

/** A line of the equations with its numbers. */
export interface TracedLine {
  /** The line as the engine prints it. */
  line: string;
  /** The right side in numbers, and the result; one for each gate of a product that covers several. */
  sums: TracedValue[];
  /** A remark in place of numbers. */
  note?: string;
}
/** One line of a trace for one unit, with its numbers. */
export interface TracedValue {
  /** The gate, if the line covers several. */
  gate?: string;
  /** The right side with numbers substituted. */
  numbers: string;
  /** The result, rounded. */
  result: string;
  /** The result with all digits. */
  value: number;
}

/** Number of terms that are shown; the others are counted and summed. */
const TERMS = 3;
/** Number of significant digits of a float64. */
const ALL_DIGITS = 17;

/** All lines that affect `unit`, in execution order. */
export function worked(operations: readonly Traced[], unit: number, layer: TracedLayer): TracedLine[] {
  const concerned = operations.filter(({ units }) => !units || (unit >= units[0] && unit < units[1]));
  return concerned.flatMap((operation): TracedLine[] => {
    const [line] = operation.lines;
    if (operation.kind === 'gradient')
      return [{ line, sums: [], note: 'added up over the rows of the batch and the steps' }];
    if (operation.kind === 'sum') return [{ line, sums: [alongRow(operation)] }];
    const k = unit - (operation.units?.[0] ?? 0);
    if (k >= widthOf(operation)) {
      const [name] = line.split(' ');
      const note = `${name} has ${widthOf(operation)} numbers: there is none for unit ${unit}`;
      return operation.lines.map((text) => ({ line: text, sums: [], note }));
    }
    if (operation.kind === 'product') return [{ line, sums: products(operation, k, layer) }];
    return pointwise(operation, k);
  });
}

const widthOf = (operation: TracedProduct | TracedPointwise): number =>
  operation.kind === 'product'
    ? operation.out.length / (operation.gates?.length ?? 1)
    : Object.values(operation.values)[0].length;

/** A side of an equation: its text and its value, with numbers rounded to a number of digits. */
interface Side {
  text: (digits: number) => string;
  value: (digits: number) => number;
}

const rounded = (value: number, digits: number): number => Number(value.toPrecision(digits));
const inBrackets = (value: number, digits: number): string =>
  value < 0 ? `(${short(value, digits)})` : short(value, digits);

/** An equation in three digits, or in more if the rounded numbers would not give the stated result. */
function truly({ text, value }: Side, result: number): TracedValue {
  const shown = short(result);
  let digits = 3;
  while (digits < ALL_DIGITS && short(value(digits)) !== shown) digits++;
  return { numbers: text(digits), result: shown, value: result };
}

/** Each line of a statement, with the numbers of its `k`-th unit. */
function pointwise({ lines, graph, values }: TracedPointwise, k: number): TracedLine[] {
  const named = new Map<number, string>();
  const indices: Record<string, number> = { ...graph.locals, ...graph.outputs };
  return lines.map((line) => {
    const [name, right] = line.split(' = ');
    const index = indices[name];
    const number = (of: string, digits: number): number => rounded(values[of][k], digits);
    const evaluate = (at: number, digits: number): number => {
      const known = named.get(at);
      const node = graph.nodes[at];
      if (known !== undefined) return number(known, digits);
      if (node.op === 'input') return number(node.name, digits);
      if (node.op === 'constant') return node.value;
      const [a, b, c] = node.args.map((arg) => evaluate(arg, digits));
      return apply(node.op, a, b, c) as number;
    };
    const text = (digits: number): string =>
      right
        .replace(/[A-Za-z]\w*\b(?!\()/g, (word, at: number) =>
          (at === 0 || right[at - 1] === '(' ? short : inBrackets)(values[word][k], digits),
        )
        .replace(/ \* /g, ' · ')
        .replace(/ - /g, ' − ');
    const sum = truly({ text, value: (digits) => evaluate(index, digits) }, values[name][k]);
    named.set(index, name);
    // as of a product: the value before is the first term
    return { line: line.replace(/^(\w+) = \1Kept \+ /, '$1 += '), sums: [sum] };
  });
}

/** Σ_k left_k right_kj, for the column of this unit in each gate. */
function products(
  { left, right, bias, before, out, gates }: TracedProduct,
  first: number,
  { operands, hidden }: TracedLayer,
): TracedValue[] {
  const { values, shape } = operands[right];
  return (gates ?? ['']).map((gate, g) => {
    const j = first + g * hidden;
    const factors = left.map((value, k) => [value, values[k * shape[1] + j]] as const);
    const terms = [
      ...(before ? [oneNumber(before[j])] : []),
      ...largest(factors, ([p, q]) => p * q, timesOf),
      ...(bias === undefined ? [] : [oneNumber(operands[bias].values[j])]),
    ];
    return { ...(gate && { gate }), ...truly(addedUp(terms), out[j]) };
  });
}

/** A reduction over all units: their sum, or their log-sum-exp. */
function alongRow({ what, from, out }: TracedSum): TracedValue {
  if (what === 'sumColumns') return truly(addedUp(largest(from, (v) => v, oneNumber)), out);
  const power = (v: number): Side => ({
    text: (digits) => `exp(${short(v, digits)})`,
    value: (digits) => Math.exp(rounded(v, digits)),
  });
  const sum = addedUp(largest(from, Math.exp, power));
  const text = (digits: number): string => `log(${sum.text(digits)})`;
  return truly({ text, value: (digits) => Math.log(sum.value(digits)) }, out);
}

const oneNumber = (value: number): Side => ({
  text: (digits) => short(value, digits),
  value: (digits) => rounded(value, digits),
});

const timesOf = ([p, q]: readonly [number, number]): Side => ({
  text: (digits) => `${short(p, digits)} · ${inBrackets(q, digits)}`,
  value: (digits) => rounded(p, digits) * rounded(q, digits),
});

/** The largest terms in descending order, and the sum of the others; zeros are omitted. */
function largest<T>(all: readonly T[], valueOf: (one: T) => number, sideOf: (one: T) => Side): Side[] {
  const sorted = all
    .filter((one) => valueOf(one) !== 0)
    .sort((a, b) => Math.abs(valueOf(b)) - Math.abs(valueOf(a)));
  const others = sorted.slice(TERMS);
  const terms = sorted.slice(0, TERMS).map(sideOf);
  if (others.length === 0) return terms;
  const rest = others.reduce((sum, one) => sum + valueOf(one), 0);
  const text = (digits: number): string => `(${others.length} more: ${short(rest, digits)})`;
  return [...terms, { text, value: (digits) => rounded(rest, digits) }];
}

/** A sum of sides; 0 if there are none. */
const addedUp = (terms: readonly Side[]): Side => ({
  text: (digits) =>
    terms
      .map((side) => side.text(digits))
      .reduce((sum, text) => (text.startsWith('−') ? `${sum} − ${text.slice(1)}` : `${sum} + ${text}`), '')
      .replace(/^ \+ /, '')
      .replace(/^ − /, '−') || '0',
  value: (digits) => terms.reduce((sum, side) => sum + side.value(digits), 0),
});
