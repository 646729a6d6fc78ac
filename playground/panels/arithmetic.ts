/** The arithmetic of one unit: each line of the equations with its numbers put in. */
import type { Traced, TracedLayer } from '../engine/trace';
import { short } from '../ui/dom';

export interface Worked {
  /** The line as the engine prints it. */
  line: string;
  /** The right side in numbers, and what comes out. */
  numbers: string;
  result: string;
}

/** Products shown one by one; the rest is counted. */
const TERMS = 3;

/** Every line that concerns `unit`, in the order in which they run. */
export function worked(operations: readonly Traced[], unit: number, layer: TracedLayer): Worked[] {
  return operations
    .filter(({ units: [from, to] }) => (to - from >= layer.hidden ? true : unit >= from && unit < to))
    .flatMap((operation) => operation.lines.map((line) => work(operation, line.text, unit, layer)));
}

function work(operation: Traced, line: string, unit: number, layer: TracedLayer): Worked {
  const { values, units, product } = operation;
  if (product) return { line, ...products(operation, unit, layer) };
  if (line.includes('Σ') || Object.keys(values).length === 0)
    return { line, numbers: 'added up over the steps and the rows of the batch', result: '' };
  const [name, right] = line.split(' = ');
  const of = (key: string): number | undefined => {
    const row = values[key];
    return row && row[row.length === 1 ? 0 : unit - units[0]];
  };
  const numbers = right.replace(/[A-Za-z]\w*(?!\w*\()/g, (word, at: number) => {
    if (right[at + word.length] === '(') return word;
    const value = of(word);
    if (value === undefined) return word;
    return value < 0 && at > 0 && right[at - 1] !== '(' ? `(${short(value)})` : short(value);
  });
  const result = of(name);
  return {
    line,
    numbers: numbers.replace(/ \* /g, ' · ').replace(/ - /g, ' − '),
    result: result === undefined ? '' : short(result),
  };
}

/** Σ_k left_k right_kj for each of the blocks in which this unit has a column: the gates. */
function products(
  { values, units, product }: Traced,
  unit: number,
  { parameters, hidden }: TracedLayer,
): { numbers: string; result: string } {
  const { left, out, before } = values;
  const width = out.length;
  const first = unit - units[0];
  const blocks = width % hidden === 0 && width > hidden ? width / hidden : 1;
  const columns = Array.from({ length: blocks }, (_, k) => first + k * hidden).filter((c) => c < width);
  const results = columns.map((c) => short(out[c])).join('  ');
  if (columns.length !== 1 || !product) {
    const starts = before ? `${columns.map((c) => short(before[c])).join('  ')}  + ` : '';
    return { numbers: `${starts}Σ of ${left.length} products, for each gate`, result: results };
  }
  const [column] = columns;
  const bias = product.bias ? parameters[product.bias]?.values[column] : undefined;
  const terms = left.map((value, k) => ({ value, weight: weightOf(product.right, k, column, parameters) }));
  if (terms.some(({ weight }) => weight === undefined))
    return { numbers: `Σ of ${left.length} products`, result: results };
  const sorted = terms
    .map(({ value, weight = 0 }) => ({ value, weight, size: Math.abs(value * weight) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size);
  const shown = sorted.slice(0, TERMS).map(({ value, weight }) => `${short(value)} · ${signed(weight)}`);
  const more = sorted.length - shown.length;
  if (before) shown.unshift(short(before[column]));
  if (more > 0) shown.push(`${more} more`);
  if (bias !== undefined) shown.push(short(bias));
  return { numbers: shown.join(' + ') || '0', result: results };
}

/** right[k, column], where `right` is a parameter, perhaps turned. */
function weightOf(
  right: string,
  k: number,
  column: number,
  parameters: TracedLayer['parameters'],
): number | undefined {
  const turned = right.endsWith('ᵀ');
  const parameter = parameters[turned ? right.slice(0, -1) : right];
  if (!parameter) return undefined;
  const [r, c] = turned ? [column, k] : [k, column];
  return parameter.values[r * parameter.shape[1] + c];
}

const signed = (v: number): string => (v < 0 ? `(${short(v)})` : short(v));
