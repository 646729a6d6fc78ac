/** The JSON in a checkpoint's metadata, and what it must look like. */
import * as v from 'valibot';
import type { OptimizerOptions } from '../bptt/optimizers';
import { scores } from '../bptt/attention';
import { topologies } from '../bptt/topology';
import { mustBe } from '../core/check';

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const word = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));
const list = v.array(v.union([v.number(), v.record(v.string(), v.number())]));
const plainValue = v.union([v.string(), v.number(), v.boolean(), list]);

const cellNote = { cell: v.string(), options: v.record(v.string(), plainValue) };
/** A layer is a cell; a bidirectional one has a second cell, which reads in reverse. */
const layerNote = v.strictObject({ ...cellNote, reverse: v.optional(v.strictObject(cellNote)) });

const embeddingNote = v.strictObject({
  input: size,
  width: size,
  deviation: v.pipe(v.number(), v.minValue(0)),
});
const stack = v.pipe(v.array(layerNote), v.minLength(1));

const networkNote = v.strictObject({
  topology: v.picklist(topologies),
  embedding: v.optional(embeddingNote),
  layers: stack,
  encoderEmbedding: v.optional(embeddingNote),
  encoder: v.optional(stack),
  feed: v.optional(v.picklist(['given', 'nothing', 'output'])),
  attention: v.optional(v.picklist(scores)),
  start: v.optional(count),
  output: v.optional(size),
  loss: v.optional(v.picklist(['softmax', 'bernoulli', 'squared'])),
  reduction: v.picklist(['mean', 'sum']),
  dropout: v.pipe(v.number(), v.minValue(0), v.ltValue(1)),
  trainInitial: v.union([v.boolean(), v.literal('shared')]),
  dtype: v.picklist(['float32', 'float64']),
});

export type LayerNote = v.InferOutput<typeof layerNote>;
/** A network without its weights. */
export type NetworkNote = v.InferOutput<typeof networkNote>;

const parts = {
  network: networkNote,
  random: v.strictTuple([word, word, word, word]),
  // the optimiser itself checks its options: their names differ from one to the next
  optimizer: v.optional(v.strictObject({ options: v.record(v.string(), plainValue), steps: count })),
  vocabulary: v.optional(v.string()),
  training: v.optional(v.unknown()),
};
/** Entries that are text as they stand; all others are JSON. */
const TEXT = new Set(['vocabulary']);

/** A checkpoint's metadata, read and checked. */
export interface Metadata {
  network: NetworkNote;
  random: [number, number, number, number];
  optimizer?: { options: OptimizerOptions; steps: number };
  vocabulary?: string;
  training?: unknown;
}

/**
 * Reads the entries of a file's metadata that a checkpoint is made of.
 * @throws TypeError naming the entry that is missing or wrong, and where in it.
 */
export function readMetadata(metadata: Readonly<Record<string, string>>): Metadata {
  const read = Object.entries(parts).map(([name, schema]) => {
    const text = metadata[name] as string | undefined;
    let value: unknown = text;
    try {
      if (text !== undefined && !TEXT.has(name)) value = JSON.parse(text);
    } catch (error) {
      mustBe(false, 'metadata', `${name} must be JSON`, (error as Error).message);
    }
    return [name, parse(schema, value, `metadata ${name}`)] as const;
  });
  return Object.fromEntries(read) as unknown as Metadata;
}

/** What the schemas' package says less clearly, or not at all. */
const inWords: Partial<Record<string, string>> = {
  never: 'absent',
  integer: 'a whole number',
  safe_integer: 'a whole number',
};

/**
 * Checks a value that came from outside against a schema.
 * @throws TypeError with the first thing that is wrong and where it is.
 */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown, where: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const expected = inWords[issue.expected ?? issue.type] ?? issue.expected ?? 'a value that fits';
  throw new TypeError(`${where}: ${path ?? 'it'} must be ${expected}, got ${issue.received}`);
}
