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

/** How a value depends on the previous states: on which directly, and through which recurrent matrices. */
interface Reached {
  directly: ReadonlySet<string>;
  through: ReadonlyMap<RecurrentMatrix, readonly Factor[]>;
}
const nothing: Reached = { directly: new Set(), through: new Map() };

/**
 * The recurrent matrices of a cell: `hPrev @ Wh`, `(r * hPrev) @ Whn`. A matrix that multiplies a value that depends on
 * the previous state only through other matrices follows them. So does one that takes a state to others alone, as the
 * projection of an LSTM takes c to h.
 *
 * @returns undefined for a cell without equations.
 * @example recurrentMatrices(lstm({ input: 2, hidden: 3 }))?.map(({ of }) => of) // ['Wh']
 */
export function recurrentMatrices(cell: Cell): RecurrentMatrix[] | undefined {
  const { equations, clocked, name, states } = cell;
  const text = equations?.forward ?? clocked?.active.forward;
  if (text === undefined) return undefined;
  /** The matrices, and the states that each multiplies. */
  const found = new Map<RecurrentMatrix, ReadonlySet<string>>();
  const names = Object.keys(states);
  const before = names.map((s) => [`${s}Prev`, s]).concat(clocked ? [['heard', names[0]]] : []);
  const written: (ReturnType<typeof placeOf> & { reached: Reached })[] = before.map(([own, s]) => ({
    ...placeOf(cell, own),
    reached: { directly: new Set([s]), through: new Map() },
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
    const through = new Map(Array.from(left.through, ([m, then]) => [m, [...then, factor]]));
    if (left.directly.size > 0) {
      const matrix: RecurrentMatrix = { ...factor, then: [] };
      found.set(matrix, left.directly);
      through.set(matrix, []);
    }
    return { directly: new Set(), through };
  };
  for (const line of parse(text, `${name}, forward`))
    written.push({ ...placeOf(cell, line.name), reached: valueOf(line.expression) });
  const ends = new Map(names.map((s) => [s, valueOf({ kind: 'name', name: s, at: 0 })]));
  return closed(found, ends);
}

/**
 * The matrices with the shortest way from each to a state that it multiplies, or else to any state. Without those that
 * lead to other states only, and that follow another matrix on its way.
 */
function closed(
  found: ReadonlyMap<RecurrentMatrix, ReadonlySet<string>>,
  ends: ReadonlyMap<string, Reached>,
): RecurrentMatrix[] {
  const all = union([...ends.values()]).through;
  const back = (matrix: RecurrentMatrix): readonly Factor[] | undefined =>
    union([...(found.get(matrix) ?? [])].flatMap((s) => ends.get(s) ?? [])).through.get(matrix);
  const matrices = [...found.keys()];
  const following = new Set(matrices.flatMap((matrix) => back(matrix) ?? []).map(({ of }) => of));
  return matrices
    .filter((matrix) => back(matrix) || !following.has(matrix.of))
    .map((matrix) => ({ ...matrix, then: back(matrix) ?? all.get(matrix) ?? [] }));
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
  return { directly: new Set(all.flatMap(({ directly }) => [...directly])), through };
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
