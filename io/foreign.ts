/** Networks of other frameworks: what their weights say about the cells, and what has to be said besides. */
import type { Cell } from '../cells/cell';
import type { Activation } from '../cells/activation';
import { embedding, type Embedding } from '../cells/embedding';
import { kindOf, kinds } from '../cells/kinds';
import type { Architecture } from '../bptt/network/architecture';
import type { Topology } from '../bptt/network/topology';
import { must, mustBe, mustBeByName, mustKnowKeys } from '../core/check';
import type { Dtype } from '../core/memory';
import type { GateOrder } from './gateorder';
import type { SafeTensor } from './safetensors';

/** What weights do not say; nothing of it may contradict them. */
export interface ImportOptions {
  /** The kind of cell, if it is to be this one and no other. */
  cell?: 'elman' | 'lstm' | 'gru';
  /** Of an Elman cell; default tanh. */
  activation?: Activation;
  /** Of a GRU; default what its biases say, or 'after'. */
  reset?: 'after' | 'before';
  /** Default many-to-many. */
  topology?: Topology;
  /** What training is to minimize; default none. */
  loss?: string;
}

/** Weights of a file by the names that they have there. */
export type StoredWeights = ReadonlyMap<string, SafeTensor>;

/** What is known of one cell. */
export interface CellFacts {
  /** The name of its recurrent matrix, for messages, and G, the blocks of H units in it. */
  name: string;
  gates: number;
  input: number;
  hidden: number;
  bias: boolean;
  /** Where the biases of a GRU tell. */
  reset?: 'after' | 'before';
}

type Kind = NonNullable<ImportOptions['cell']>;
/** What can be read: blocks of H units in the recurrent matrix, and what the weights do not say. */
const readable: Readonly<Record<Kind, { blocks: number; unsaid: readonly ('activation' | 'reset')[] }>> = {
  elman: { blocks: 1, unsaid: ['activation'] },
  gru: { blocks: 3, unsaid: ['reset'] },
  lstm: { blocks: 4, unsaid: [] },
};
const readableNames = Object.keys(readable) as Kind[];

/** The cells that a file can hold, by their names on the command line, each with the options that say so. */
export function importChoices(): Record<string, ImportOptions> {
  const own = kinds.all.filter(({ name }) => Object.hasOwn(readable, name));
  const all = own.flatMap(({ name, choices }) =>
    Object.entries(choices).flatMap(([choice, form]) => {
      const { unsaid } = readable[name as Kind];
      // where weights start does not matter: they are read
      const { inputInit: _in, recurrentInit: _recurrent, ...rest } = form as Record<string, unknown>;
      const known = Object.keys(rest).every((option) => unsaid.some((one) => one === option));
      return known ? [[choice, { cell: name, ...rest }]] : [];
    }),
  );
  return Object.fromEntries(all) as Record<string, ImportOptions>;
}

/** What a format has for our cells of a kind. */
export interface ForeignCell {
  /** Its name there. */
  readonly name: string;
  /** The order of its gates there. */
  readonly gates: GateOrder;
  /** The options of ours that it knows: a cell in which any other changes the equations is another cell. */
  readonly options: readonly string[];
}

/**
 * What a format has for a cell.
 * @throws RangeError when it has nothing, or does not know an option of the cell, which is named.
 */
export function foreignCell<C extends ForeignCell>(
  known: Readonly<Record<string, C>>,
  { name, cell }: { name: string; cell: Cell },
  where: string,
  why: string,
): C {
  const kind = kindOf(cell)?.name ?? '';
  const found = Object.hasOwn(known, kind) ? known[kind] : undefined;
  if (found && kindOf(cell, found.options)) return found;
  const given = Object.keys(cell.options ?? {});
  const unknown = given.filter((option) => found && !found.options.includes(option));
  const odd = unknown.find(
    (option) =>
      !kindOf(
        cell,
        given.filter((other) => other !== option),
      ),
  );
  const names = Object.keys(known);
  const all = `${names.slice(0, -1).join(', ')} or ${names[names.length - 1]}`;
  const got = odd === undefined ? cell.name : `${cell.name} with ${odd}`;
  must(false, where, `${name} must be a built-in ${all}`, got, why);
}

/**
 * Checks that an exporter knows all that an architecture consists of: what it does not know would be left out.
 * @throws TypeError naming what it does not know.
 */
export function mustKnowParts(
  architecture: Architecture,
  known: readonly (keyof Architecture)[],
  where: string,
): void {
  const parts = Object.entries(architecture).filter(([, value]) => value !== undefined && value !== false);
  mustKnowKeys(Object.fromEntries(parts), known, where, 'the network must be made of');
}

export function checkImport(stored: StoredWeights, options: ImportOptions): void {
  mustBeByName(stored, 'import');
  mustKnowKeys(options, ['cell', 'activation', 'reset', 'topology', 'loss'], 'import');
}

/**
 * The cell of a recurrent matrix [H, G·H]: Elman, GRU or LSTM for one, three or four blocks of H.
 * @throws RangeError when there is none, or when the options say otherwise.
 */
export function cellOf({ name, gates, input, hidden, bias, reset }: CellFacts, options: ImportOptions): Cell {
  const kind = readableNames.find((name) => readable[name].blocks === gates);
  must(kind !== undefined, 'import', `${name} must hold 1, 3 or 4 blocks of ${hidden} units`, gates);
  const why = `${name} holds ${gates} blocks of ${hidden} units`;
  const { cell = kind, reset: wanted = reset ?? 'after' } = options;
  mustBe(cell === kind, 'import', `the cell must be ${kind}`, cell, why);
  const { unsaid } = readable[kind];
  for (const option of ['activation', 'reset'] as const)
    mustBe(
      options[option] === undefined || unsaid.includes(option),
      'import',
      `${option} must be left out`,
      options[option],
      `the cell is ${kind}`,
    );
  mustBe(
    reset === undefined || wanted === reset,
    'import',
    `reset must be ${reset}`,
    wanted,
    `the biases of ${name} say so`,
  );
  const said = { activation: options.activation, reset: wanted };
  const own = Object.fromEntries(unsaid.map((option) => [option, said[option]]));
  return kinds.get(kind, 'import').make({ input, hidden, bias, ...own });
}

/**
 * The numbers of an array that must be there.
 * @throws TypeError unless they are floating-point numbers of 32 or 64 bits.
 */
export function floats(
  stored: StoredWeights,
  name: string,
): { shape: readonly number[]; data: Float32Array | Float64Array } {
  const found = stored.get(name);
  must(found !== undefined, 'import', `the file must hold ${name}`, [...stored.keys()]);
  const { dtype, shape } = found;
  mustBe(dtype === 'F32' || dtype === 'F64', 'import', `${name} must be float32 or float64`, dtype);
  return { shape, data: found.data };
}

/** The sizes of a matrix that must be there. */
export function matrixShape(stored: StoredWeights, name: string): readonly number[] {
  const { shape } = floats(stored, name);
  const fits = shape.length === 2 && shape.every((n) => n > 0);
  must(fits, 'import', `${name} must be a matrix`, `[${shape.join(', ')}]`);
  return shape;
}

/** An embedding for a table [V, W] of that name, if there is one; the first layer above it must read W. */
export function embeddingFor(stored: StoredWeights, name: string | undefined, W: number): Embedding[] {
  if (name === undefined) return [];
  const [V, width] = matrixShape(stored, name);
  must(
    width === W,
    'import',
    `${name} must be [${V}, ${W}]`,
    `[${V}, ${width}]`,
    'the first layer reads its rows',
  );
  return [embedding({ input: V, width: W, deviation: 0 })];
}

/** float64 if any array is, so that no bit is lost. */
export const dtypeFor = (stored: StoredWeights): Dtype =>
  [...stored.values()].some(({ dtype }) => dtype === 'F64') ? 'float64' : 'float32';
