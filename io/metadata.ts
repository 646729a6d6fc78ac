/** The JSON in a checkpoint's metadata, and its schema. */
import { loss, lossNames, nameOfLoss } from '../losses';
import { limits } from '../core/equations/parse';
import * as v from 'valibot';
import type { OptimizerOptions } from '../bptt/train/optimizers';
import { attentionScores } from '../bptt/network/layers/attention';
import type { NetworkNote } from '../bptt/network/note';
import { topologies } from '../bptt/network/topology';
import { mustBe } from '../core/check';
import { lazy } from '../core/once';
import { safe } from '../core/safe';
import { parseJson } from './json';

/** Format version of written files. */
export const FORMAT = '1';

/** Schemas of the entries; made at first use, because importing the library needs none. */
const entries = lazy(() => {
  const size = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
  const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
  const word = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));
  const finite = v.pipe(v.number(), v.finite());
  const share = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
  const list = v.array(v.union([finite, v.record(v.string(), finite)]));
  const groups = v.array(v.record(v.string(), v.union([finite, v.array(v.string())])));
  const plainValue = v.union([v.string(), finite, v.boolean(), list]);

  const cellNote = { cell: v.string(), options: v.record(v.string(), plainValue) };
  const layerNote = v.strictObject({ ...cellNote, reverse: v.optional(v.strictObject(cellNote)) });

  const embeddingNote = v.strictObject({
    input: size,
    width: size,
    deviation: v.pipe(finite, v.minValue(0)),
  });
  const stack = v.pipe(v.array(layerNote), v.minLength(1));

  const networkNote = v.strictObject({
    topology: v.picklist(topologies),
    embedding: v.optional(embeddingNote),
    layers: stack,
    encoderEmbedding: v.optional(embeddingNote),
    encoder: v.optional(stack),
    feed: v.optional(v.picklist(['given', 'nothing', 'output'])),
    attention: v.optional(v.picklist(attentionScores)),
    start: v.optional(count),
    output: v.optional(size),
    loss: v.optional(
      v.pipe(
        v.string(),
        v.check((name) => lossNames().includes(name)),
      ),
    ),
    reduction: v.picklist(['mean', 'sum']),
    dropout: v.union([share, v.array(share)]),
    variational: v.optional(v.literal(true)),
    zoneout: v.optional(v.union([share, v.record(v.string(), share)])),
    tied: v.optional(v.literal(true)),
    frozen: v.optional(v.pipe(v.array(v.string()), v.minLength(1))),
    trainInitial: v.union([v.boolean(), v.literal('shared')]),
    dtype: v.picklist(['float32', 'float64']),
  });

  return {
    network: networkNote,
    loss: v.optional(v.unknown()),
    random: v.strictTuple([word, word, word, word]),
    // options differ between optimizers, and each optimizer checks its own
    optimizer: v.optional(
      v.strictObject({ options: v.record(v.string(), v.union([plainValue, groups])), steps: count }),
    ),
    best: v.optional(v.strictObject({ steps: count })),
    vocabulary: v.optional(v.string()),
    // text such as 1e999 parses to infinity, which is never written
    training: v.optional(v.custom(isFinite, 'must hold numbers that are finite')),
    format: v.literal('pt'),
    backstep: v.literal(FORMAT),
    module: v.optional(v.string()),
  };
});
/** The schema of a loss of the user's own. */
const lossNote = lazy(() => {
  const text = v.pipe(v.string(), v.maxLength(limits.characters));
  return v.strictObject({
    ...{ name: text, title: text, forward: text, backward: text },
    targets: v.picklist(['classes', 'probabilities', 'numbers']),
    prediction: v.optional(v.picklist(['same', 'sigmoid', 'softmax'])),
    repeated: v.optional(
      v.record(v.string(), v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1))),
    ),
    columns: v.optional(
      v.pipe(
        v.array(
          v.strictTuple([
            v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z\d]*$/)),
            v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
            v.picklist(['same', 'sigmoid', 'softmax']),
          ]),
        ),
        v.minLength(1),
      ),
    ),
    perOutput: v.optional(v.boolean()),
  });
});

/**
 * Reads the loss that a checkpoint brings along, and registers it if it is new.
 * @throws TypeError for another form; EquationError for invalid equations; RangeError if another loss has its name.
 */
export function adoptLoss(text: string): void {
  const definition = parseWith(lossNote(), parseJson(text), 'metadata loss');
  nameOfLoss(loss(definition), 'metadata');
}

/** Entries that are plain text; all others are JSON. */
const TEXT = new Set(['vocabulary', 'format', 'backstep', 'module']);

/** Whether JSON holds finite numbers only. */
function isFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isFinite);
}

/** The validated metadata of a checkpoint. */
export interface Metadata {
  network: NetworkNote;
  random: [number, number, number, number];
  optimizer?: { options: OptimizerOptions; steps: number };
  best?: { steps: number };
  vocabulary?: string;
  training?: unknown;
  /** The PyTorch module that can hold the weights, for people. */
  module?: string;
}

/**
 * Reads the metadata of a checkpoint.
 * @throws TypeError naming the entry that is missing, wrong or unknown, and the position in it.
 */
export function readMetadata(metadata: Readonly<Record<string, string>>): Metadata {
  const parts = entries();
  const stranger = Object.keys(metadata).find((name) => !Object.hasOwn(parts, name));
  mustBe(
    stranger === undefined,
    'metadata',
    `entries must be among ${Object.keys(parts).join(', ')}`,
    stranger,
  );
  const read = Object.entries(parts).map(([name, schema]) => {
    const text = metadata[name] as string | undefined;
    let value: unknown = text;
    try {
      if (text !== undefined && !TEXT.has(name)) value = parseJson(text);
    } catch (error) {
      mustBe(false, 'metadata', `${name} must be JSON`, (error as Error).message);
    }
    return [name, parseWith(schema, value, `metadata ${name}`)] as const;
  });
  return Object.fromEntries(read) as unknown as Metadata;
}

/** Clearer words for some expectations of the schema library. */
const inWords: Partial<Record<string, string>> = {
  never: 'absent',
  integer: 'a whole number',
  safe_integer: 'a whole number',
};

/**
 * Checks an untrusted value against a schema.
 * @throws TypeError with the first fault and its position.
 */
export function parseWith<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  where: string,
): v.InferOutput<S> {
  const { output, wrong } = tryParse(schema, value);
  if (wrong) throw new TypeError(safe(`${where}: ${wrong}`));
  return output;
}

/** Like `parse` without throwing: returns the value, or the first fault as a sentence. */
export function tryParse<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): { output?: v.InferOutput<S>; wrong?: string } {
  // stops at the first fault: a list of all could take far more memory than the file
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return { output: result.output };
  const [issue] = result.issues;
  const { expected, received, type, message } = issue;
  const path = v.getDotPath(issue) ?? 'it';
  if (received === 'undefined' && expected !== 'never') return { wrong: `${path} must be given, got none` };
  // a check with a message of its own has no `expected` value
  if (type === 'check' || type === 'custom') return { wrong: `${path} ${message}` };
  const wanted = inWords[expected ?? type] ?? expected ?? 'a valid value';
  return { wrong: `${path} must be ${wanted}, got ${received}` };
}
