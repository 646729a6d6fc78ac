/** Networks of other frameworks: what their weights determine about the cells, and the options for the rest. */
import type { Cell } from '../cells/cell';
import type { Activation } from '../cells/parts/activation';
import { embedding, type Embedding } from '../cells/embedding';
import { kindOf, kinds } from '../cells/kinds';
import type { Architecture } from '../bptt/network/architecture';
import type { Topology } from '../bptt/network/topology';
import { must, mustBe, mustBeByName, mustKnowKeys } from '../core/check';
import type { Dtype } from '../core/memory';
import type { GateOrder } from './gateorder';
import type { SafeTensor } from './safetensors';

/** Options that weights do not determine; they must not contradict the weights. */
export interface ImportOptions {
  /** The required kind of cell; by default, the weights determine it. */
  cell?: 'elman' | 'lstm' | 'gru';
  /** Activation of an Elman cell; default tanh. */
  activation?: Activation;
  /** Variant of a GRU; by default the one that its biases imply, or 'after'. */
  reset?: 'after' | 'before';
  /** Default: many-to-many. */
  topology?: Topology;
  /** The training loss; default none. */
  loss?: string;
}

/** Weights of a file by their stored names. */
export type StoredWeights = ReadonlyMap<string, SafeTensor>;

/** The properties of a cell that its weights determine. */
export interface CellFacts {
  /** Name of its recurrent matrix, for messages; `gates` is G, the number of blocks of H units in it. */
  name: string;
  gates: number;
  input: number;
  hidden: number;
  bias: boolean;
  /** P, the width of an LSTM's projection, if it has one. */
  projection?: number;
  /** Set if the biases of a GRU imply it. */
  reset?: 'after' | 'before';
}

type Kind = NonNullable<ImportOptions['cell']>;
/**
 * The cells that can be read: number of blocks in the recurrent matrix, and options that the weights do not
 * determine.
 */
const readable: Readonly<Record<Kind, { blocks: number; unsaid: readonly ('activation' | 'reset')[] }>> = {
  elman: { blocks: 1, unsaid: ['activation'] },
  gru: { blocks: 3, unsaid: ['reset'] },
  lstm: { blocks: 4, unsaid: [] },
};
const readableNames = Object.keys(readable) as Kind[];

/** The importable cells by their names on the command line, with the corresponding options. */
export function importChoices(): Record<string, ImportOptions> {
  const own = kinds.all.filter(({ name }) => Object.hasOwn(readable, name));
  const all = own.flatMap(({ name, choices }) =>
    Object.entries(choices).flatMap(([choice, form]) => {
      const { unsaid } = readable[name as Kind];
      // initialization options do not matter, because weights are read
      const { inputInit: _in, recurrentInit: _recurrent, ...rest } = form as Record<string, unknown>;
      const known = Object.keys(rest).every((option) => unsaid.some((one) => one === option));
      return known ? [[choice, { cell: name, ...rest }]] : [];
    }),
  );
  return Object.fromEntries(all) as Record<string, ImportOptions>;
}

/** The counterpart of one of our cells in a foreign format. */
export interface ForeignCell {
  /** Its foreign name. */
  readonly name: string;
  /** Its foreign gate order. */
  readonly gates: GateOrder;
  /** The options of our cell that it supports; a cell with any other equation-changing option has no counterpart. */
  readonly options: readonly string[];
}

/**
 * The counterpart of a cell in a format.
 * @throws RangeError when there is none, or when it does not support an option of the cell, which is named.
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
 * Checks that an exporter supports every part of an architecture, so that nothing is omitted silently.
 * @throws TypeError naming the part that it does not support.
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
 * @throws RangeError for another number of blocks, or when the options contradict it.
 */
export function cellOfFacts(facts: CellFacts, options: ImportOptions): Cell {
  const { name, gates, input, hidden, bias, reset, projection } = facts;
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
  const projects = projection !== undefined;
  must(
    !projects || kind === 'lstm',
    'import',
    `${name} must be an LSTM's, which has a projection`,
    kind,
    why,
  );
  const chosen = { activation: options.activation, reset: wanted };
  const own = Object.fromEntries(unsaid.map((option) => [option, chosen[option]]));
  return kinds.get(kind, 'import').make({ input, hidden, bias, ...own, ...(projects && { projection }) });
}

/**
 * The elements of a required array.
 * @throws TypeError unless they are float32 or float64.
 */
export function floatTensor(
  stored: StoredWeights,
  name: string,
): { shape: readonly number[]; data: Float32Array | Float64Array } {
  const found = stored.get(name);
  must(found !== undefined, 'import', `the file must hold ${name}`, [...stored.keys()]);
  const { dtype, shape } = found;
  mustBe(dtype === 'F32' || dtype === 'F64', 'import', `${name} must be float32 or float64`, dtype);
  return { shape, data: found.data };
}

/** The sizes of a required matrix. */
export function matrixShape(stored: StoredWeights, name: string): readonly number[] {
  const { shape } = floatTensor(stored, name);
  const fits = shape.length === 2 && shape.every((n) => n > 0);
  must(fits, 'import', `${name} must be a matrix`, `[${shape.join(', ')}]`);
  return shape;
}

/** An embedding for a table [V, W] of that name, if there is one; the input width of the first layer must be W. */
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

/** float64 if any array is, so that no precision is lost. */
export const dtypeFor = (stored: StoredWeights): Dtype =>
  [...stored.values()].some(({ dtype }) => dtype === 'F64') ? 'float64' : 'float32';
