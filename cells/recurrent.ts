/** Finds the matrices of a cell in its equations: those of the input, and those that take the previous state to the next. */
import { parse, type Expression } from '../core/equations/parse';
import type { Cell, ColumnRange } from './cell';

/** A matrix of a product, or some columns of it. */
export interface Factor extends Partial<ColumnRange> {
  of: string;
  transposed: boolean;
}

/** A matrix that multiplies the previous state. */
export interface RecurrentMatrix extends Factor {
  /** Matrices through which its result goes before it becomes the new state: Wo of a Jordan cell. */
  then: readonly Factor[];
}

/** How a value depends on the previous state: directly, and through which recurrent matrices. */
interface Reached {
  directly: boolean;
  through: ReadonlyMap<RecurrentMatrix, readonly Factor[]>;
}
const nothing: Reached = { directly: false, through: new Map() };

/**
 * The recurrent matrices of a cell: `hPrev @ Wh`, `(r * hPrev) @ Whn`. A matrix that multiplies a value that depends on
 * the previous state only through other matrices follows them.
 *
 * @returns undefined for a cell without equations.
 * @example recurrentMatrices(lstm({ input: 2, hidden: 3 }))?.map(({ of }) => of) // ['Wh']
 */
export function recurrentMatrices(cell: Cell): RecurrentMatrix[] | undefined {
  const { equations, clocked, name, states } = cell;
  const text = equations?.forward ?? clocked?.active.forward;
  if (text === undefined) return undefined;
  const found: RecurrentMatrix[] = [];
  const before = [...Object.keys(states).map((s) => `${s}Prev`), ...(clocked ? ['heard'] : [])];
  const written: (ReturnType<typeof placeOf> & { reached: Reached })[] = before.map((own) => ({
    ...placeOf(cell, own),
    reached: { directly: true, through: new Map() },
  }));
  const valueOf = (e: Expression): Reached => {
    if (e.kind === 'number') return nothing;
    if (e.kind === 'name') {
      const { of, from = 0, to = Infinity } = placeOf(cell, e.name);
      const overlapping = written.filter(
        (w) => w.of === of && (w.from ?? 0) < to && from < (w.to ?? Infinity),
      );
      return union(overlapping.map(({ reached }) => reached));
    }
    if (e.kind === 'transpose') return valueOf(e.of);
    if (e.kind !== 'product') return union(e.args.map(valueOf));
    const left = valueOf(e.args[0]);
    const factor = factorOf(cell, e.args[1]);
    if (!factor) return union([left, valueOf(e.args[1])]);
    if (!left.directly)
      return { ...left, through: new Map(Array.from(left.through, ([m, then]) => [m, [...then, factor]])) };
    const matrix: RecurrentMatrix = { ...factor, then: [] };
    found.push(matrix);
    return { directly: false, through: new Map([[matrix, []]]) };
  };
  for (const line of parse(text, `${name}, forward`))
    written.push({ ...placeOf(cell, line.name), reached: valueOf(line.expression) });
  const ends = union(Object.keys(states).map((s) => valueOf({ kind: 'name', name: s, at: 0 })));
  return found.map((matrix) => ({ ...matrix, then: ends.through.get(matrix) ?? [] }));
}

/**
 * The parameters that multiply the input: `x @ Wx`.
 *
 * @returns undefined for a cell without equations.
 * @example inputMatrices(lstm({ input: 2, hidden: 3 })) // ['Wx']
 */
export function inputMatrices(cell: Cell): string[] | undefined {
  const { equations, clocked, name } = cell;
  const text = equations?.forward ?? clocked?.active.forward;
  if (text === undefined) return undefined;
  const found = new Set<string>();
  const visit = (e: Expression): void => {
    if (e.kind === 'number' || e.kind === 'name') return;
    if (e.kind === 'transpose') return visit(e.of);
    const [left, right] = e.args;
    const factor = e.kind === 'product' && isInput(left) ? factorOf(cell, right) : undefined;
    if (factor) found.add(factor.of);
    e.args.forEach(visit);
  };
  for (const { expression } of parse(text, `${name}, forward`)) visit(expression);
  return [...found];
}

const isInput = (e: Expression): boolean => e.kind === 'name' && e.name === 'x';

/** The shortest of all ways. */
function union(all: readonly Reached[]): Reached {
  const through = new Map<RecurrentMatrix, readonly Factor[]>();
  for (const [matrix, then] of all.flatMap((one) => [...one.through]))
    if (then.length < (through.get(matrix)?.length ?? Infinity)) through.set(matrix, then);
  return { directly: all.some(({ directly }) => directly), through };
}

/** The parameter that multiplies in a product, if the expression is one. */
function factorOf(cell: Cell, e: Expression): Factor | undefined {
  if (e.kind === 'transpose') {
    const inner = factorOf(cell, e.of);
    return inner && { ...inner, transposed: !inner.transposed };
  }
  if (e.kind !== 'name') return undefined;
  const place = placeOf(cell, e.name);
  return place.of in cell.parameters ? { ...place, transposed: false } : undefined;
}

const placeOf = ({ parts }: Cell, name: string): Partial<ColumnRange> & { of: string } =>
  parts?.[name] ?? { of: name };
