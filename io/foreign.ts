/** Networks of other frameworks: what their weights say about the cells, and what has to be said besides. */
import type { Cell } from '../cells/cell';
import type { Activation } from '../cells/activation';
import { elman } from '../cells/elman';
import { embedding, type Embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import type { Topology } from '../bptt/network/topology';
import { must, mustBe, mustBeByName, mustKnowKeys } from '../core/check';
import type { Dtype } from '../core/memory';
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
const kinds: Readonly<Record<number, Kind>> = { 1: 'elman', 3: 'gru', 4: 'lstm' };

export function checkImport(stored: StoredWeights, options: ImportOptions): void {
  mustBeByName(stored, 'import');
  mustKnowKeys(options, ['cell', 'activation', 'reset', 'topology', 'loss'], 'import');
}

/**
 * The cell of a recurrent matrix [H, G·H]: Elman, GRU or LSTM for one, three or four blocks of H.
 * @throws RangeError when there is none, or when the options say otherwise.
 */
export function cellOf({ name, gates, input, hidden, bias, reset }: CellFacts, options: ImportOptions): Cell {
  const kind = kinds[gates] as Kind | undefined;
  must(kind !== undefined, 'import', `${name} must hold 1, 3 or 4 blocks of ${hidden} units`, gates);
  const why = `${name} holds ${gates} blocks of ${hidden} units`;
  const { cell = kind, activation, reset: wanted = reset ?? 'after' } = options;
  mustBe(cell === kind, 'import', `the cell must be ${kind}`, cell, why);
  mustBe(
    activation === undefined || kind === 'elman',
    'import',
    'activation must be left out',
    activation,
    `the cell is ${kind}`,
  );
  mustBe(
    options.reset === undefined || kind === 'gru',
    'import',
    'reset must be left out',
    options.reset,
    `the cell is ${kind}`,
  );
  mustBe(
    reset === undefined || wanted === reset,
    'import',
    `reset must be ${reset}`,
    wanted,
    `the biases of ${name} say so`,
  );
  const sizes = { input, hidden, bias };
  if (kind === 'lstm') return lstm(sizes);
  return kind === 'gru' ? gru({ ...sizes, reset: wanted }) : elman({ ...sizes, activation });
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
