/**
 * Reads the cases of `filewrite.ts` with somebody's answers in them: a manifest with safetensors or npz files, or one such
 * file alone. A case that cannot be read does not stop the others.
 */
import { basename, dirname, extname, join } from 'node:path';
import * as v from 'valibot';
import { activationNames } from '../cells/parts/activation';
import type { Cell } from '../cells/cell';
import { must, mustBe, mustCount } from '../core/check';
import { sizeOf, type Numbers } from '../core/tensor';
import { readUtf8, readWhole } from '../io/files';
import { safe } from '../core/safe';
import { parseJson } from '../io/json';
import { parseWith } from '../io/metadata';
import { decodeNpz } from '../io/npz';
import { decodeSafetensors, type SafeTensor } from '../io/safetensors';
import { parseVector } from '../verify/vectors';
import type { MakeCell } from '../referee/cases';
import { precisions, type Precision } from '../referee/errorbound';
import type { AnswerNumbers } from '../referee/protocol';
import { inOwnOrder, type DirectionAnswers, type FileCase, type ReadCase } from './filecase';
import { nested, type LayerInputs, type DirectionInputs } from './layer';
import { cellOfOperator, defaults } from './operator';
import { NotExpressible } from './suite';
import { casesOfVector } from './vectorread';

/** The cell that a name means. @throws when there is none. */
export type CellByName = (name: string) => MakeCell;

/** Endings of the files that can be read. */
export const endings = ['.json', '.npz', '.safetensors'] as const;

const manifestSchema = v.object({ version: v.literal(1), cases: v.array(v.unknown()) });

const entrySchema = v.object({
  file: v.string(),
  name: v.optional(v.string()),
  cell: v.optional(v.string()),
  options: v.optional(
    v.strictObject({
      bias: v.optional(v.boolean()),
      activations: v.optional(v.array(v.picklist(activationNames))),
      clip: v.optional(v.pipe(v.number(), v.finite())),
      peepholes: v.optional(v.boolean()),
      reset: v.optional(v.picklist(['after', 'before'])),
    }),
  ),
  sizes: v.optional(v.object({ H: v.optional(v.number()) })),
  lengths: v.optional(v.array(v.number())),
  directions: v.optional(v.array(v.picklist(['forward', 'reverse']))),
  dtype: v.optional(v.picklist(Object.keys(precisions) as Precision[])),
});
type Entry = v.InferOutput<typeof entrySchema>;

/** Finds the cases of a file. @param usual the cell of a case that does not name one. */
export function readCases(path: string, cells: CellByName, usual: string): ReadCase[] {
  const ending = extname(path);
  const [name, folder] = [basename(path, ending), dirname(path)];
  return attempt(name, () =>
    ending === '.json'
      ? readListed(readUtf8(path), { read: (file) => readWhole(join(folder, file)), cells, usual })
      : [readCase({ file: path }, name, readWhole(path), cells(usual))],
  );
}

/** Reads a manifest or a test vector. @param read gives the bytes of a file that a manifest names. */
export function readListed(
  text: string,
  { read, cells, usual }: { read: (file: string) => Uint8Array; cells: CellByName; usual: string },
): ReadCase[] {
  const json = jsonOf(text);
  if ((json as { format?: unknown } | null)?.format !== 'backstep cases') {
    const vector = parseVector(text);
    return attempt(vector.name, () => casesOfVector(vector));
  }
  const { cases } = parseWith(manifestSchema, json, 'manifest');
  return cases.flatMap((one, k) => {
    const { name } = (one ?? {}) as { name?: unknown };
    const called = typeof name === 'string' ? name : `case ${k}`;
    return attempt(called, () => {
      const entry = parseWith(entrySchema, one, 'manifest');
      const { file, cell = usual } = entry;
      const inside = !/[\\:\0]/.test(file) && file.split('/').every((part) => !/^\.{0,2}$/.test(part));
      must(inside, 'manifest', 'file must stay in the folder of the manifest', file);
      return [readCase(entry, called, read(file), cells(cell))];
    });
  });
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    return mustBe(false, 'case', 'the file must be JSON', (error as Error).message);
  }
}

/** Runs a reader; an error becomes its result. */
function attempt(name: string, read: () => ReadCase[]): ReadCase[] {
  try {
    return read();
  } catch (error) {
    const verdict = error instanceof NotExpressible ? 'skipped' : 'broken';
    return [{ name: safe(name), verdict, reason: safe((error as Error).message) }];
  }
}

/** Reads one case from the bytes of its file. */
function readCase(entry: Entry, name: string, bytes: Uint8Array, make: MakeCell): FileCase {
  const tensors = entry.file.endsWith('.npz') ? decodeNpz(bytes) : decodeSafetensors(bytes).tensors;
  const { directions = ['forward'], lengths, dtype } = entry;
  must(
    directions.length === 1 || directions.length === 2,
    'manifest',
    'directions must be one or two',
    directions,
  );
  const file = new Tensors(tensors);
  const x = file.take('x');
  must(x?.shape.length === 3, 'case', 'x must be [T, B, D]', x && `[${x.shape.join(', ')}]`);
  const [T, B, D] = x.shape;
  const H = entry.sizes?.H ?? file.sizeOf('Wh', 0) ?? file.sizeOf('output', 2) ?? 0;
  mustCount(H, 'case', 'sizes.H');
  const cell = cellOfEntry(entry, make, { input: D, hidden: H });
  must(
    lengths === undefined ||
      (lengths.length === B && lengths.every((n) => Number.isInteger(n) && n >= 0 && n <= T)),
    'manifest',
    `lengths must be ${B} whole numbers in 0…${T}`,
    lengths,
  );
  const read = directions.map((direction, k) => {
    const at = k === 0 ? '' : 'reverse.';
    return readDirection(file, at, {
      cell,
      T,
      B,
      reverse: direction === 'reverse',
      only: directions.length === 1,
    });
  });
  const layer: LayerInputs = {
    ...{ T, B, D, H, x: file.numbers('x', [T, B, D]), ...(lengths && { lengths }) },
    directions: read.map(({ direction }) => direction),
  };
  const dx = directions.length === 2 ? file.answer('dx') : undefined;
  file.mustBeUsed();
  return {
    ...{ name: safe(name), cell, layer, precision: dtype ?? file.precision },
    answers: read.map(({ direction, answers }) => inOwnOrder(answers, layer, direction.reverse)),
    ...(dx && { dx }),
  };
}

function cellOfEntry(
  { cell, options }: Entry,
  make: MakeCell,
  sizes: { input: number; hidden: number },
): Cell {
  if (options === undefined) return make(sizes);
  const usual = Object.values(defaults).find(({ kind }) => kind === cell);
  mustBe(
    usual !== undefined,
    'manifest',
    `a cell with options must be one of ${Object.keys(defaults).join(', ')}`,
    cell,
  );
  const { activations = usual.activations } = options;
  const count = usual.activations.length;
  must(activations.length === count, 'manifest', `options.activations must be ${count}`, activations.length);
  return cellOfOperator({ ...usual, bias: true, reset: 'after', ...options, activations }, sizes);
}

/** What a case gives to one direction, and the answers in it. */
function readDirection(
  file: Tensors,
  at: string,
  { cell, T, B, reverse, only }: { cell: Cell; T: number; B: number; reverse: boolean; only: boolean },
): { direction: DirectionInputs; answers: DirectionAnswers } {
  const parameters = Object.fromEntries(
    Object.entries(cell.parameters).map(([p, { shape }]) => [p, file.numbers(at + p, shape)]),
  );
  const states = Object.entries(cell.states);
  const each = (nameOf: (s: string) => string): Record<string, number[]> =>
    Object.fromEntries(
      states
        .filter(([s]) => file.has(at + nameOf(s)))
        .map(([s, width]) => [s, file.numbers(at + nameOf(s), [B, width])]),
    );
  const [[, width]] = states;
  const answers = (names: readonly string[]): AnswerNumbers =>
    Object.fromEntries(
      names.map((name) => [name, file.answer(at + name)] as const).filter(([, numbers]) => numbers),
    ) as AnswerNumbers;
  const names = states.map(([s]) => s);
  return {
    direction: {
      ...{ reverse, parameters, initial: each((s) => `${s}0`), dFinal: each((s) => `d${s}T`) },
      ...(file.has(`${at}dOutput`) && { dOutput: file.numbers(`${at}dOutput`, [T, B, width]) }),
    },
    answers: {
      values: answers(['output', ...names.map((s) => `${s}T`)]),
      gradients: answers([
        ...(only ? ['dx'] : []),
        ...Object.keys(cell.parameters).map((p) => `d${p}`),
        ...names.map((s) => `d${s}0`),
      ]),
    },
  };
}

/** The tensors of a file; remembers which of them were read. */
class Tensors {
  private readonly used = new Set<string>();
  /** The format of the coarsest answer. */
  precision: Precision = 'float64';

  constructor(private readonly all: ReadonlyMap<string, SafeTensor>) {}

  has(name: string): boolean {
    return this.all.has(name);
  }

  sizeOf(name: string, axis: number): number | undefined {
    return this.all.get(name)?.shape[axis];
  }

  take(name: string): SafeTensor | undefined {
    this.used.add(name);
    return this.all.get(name);
  }

  /** A tensor that must be there, finite and of this shape. */
  numbers(name: string, shape: readonly number[]): number[] {
    const tensor = this.take(name);
    mustBe(tensor !== undefined, 'case', `${name} [${shape.join(', ')}] must be given`, 'none');
    const fits = tensor.shape.join() === shape.join() && sizeOf(shape) > 0;
    must(fits, 'case', `${name} must be [${shape.join(', ')}]`, `[${tensor.shape.join(', ')}]`);
    const numbers = floats(name, tensor);
    must(numbers.every(Number.isFinite), 'case', `${name} must hold finite numbers`, 'others');
    return numbers;
  }

  /** An answer, if there is one; of any shape, because a wrong one is part of the diagnosis. */
  answer(name: string): Numbers | undefined {
    const tensor = this.take(name);
    if (!tensor) return undefined;
    const { shape } = tensor;
    const fits = shape.length > 0 && shape.length <= 3 && sizeOf(shape) > 0;
    must(fits, 'case', `${name} must have one to three axes`, `[${shape.join(', ')}]`);
    const numbers = floats(name, tensor);
    if (tensor.dtype === 'F32') this.precision = 'float32';
    return nested(numbers, shape);
  }

  mustBeUsed(): void {
    const stranger = [...this.all.keys()].find((name) => !this.used.has(name));
    mustBe(stranger === undefined, 'case', `names must be among ${[...this.used].join(', ')}`, stranger);
  }
}

function floats(name: string, { dtype, data }: SafeTensor): number[] {
  mustBe(dtype === 'F64' || dtype === 'F32', 'case', `${name} must be float64 or float32`, dtype);
  return Array.from(data as Float64Array);
}
