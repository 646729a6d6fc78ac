/** Reads test vectors: JSON files with parameters, inputs and expected results of an independent implementation. */
import * as v from 'valibot';
import { must } from '../core/check';
import { safe } from '../core/safe';
import { sizeOf } from '../core/tensor';
import { parseJson } from '../io/json';
import { tryParse } from '../io/metadata';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const tensorSchema = v.pipe(
  v.object({ shape: v.array(count), data: v.array(finite), dtype: v.optional(v.string()) }),
  v.check(
    ({ shape, data }) => sizeOf(shape) === data.length,
    ({ input }) => {
      const { shape, data } = input as { shape: number[]; data: number[] };
      return `must hold ${sizeOf(shape)} numbers for shape [${shape.join(', ')}], got ${data.length}`;
    },
  ),
);
const named = <S extends v.GenericSchema>(schema: S) => v.record(v.string(), schema);

const lossSchema = v.variant('type', [
  v.object({ type: v.literal('weighted_sum'), weights: named(tensorSchema) }),
  v.object({
    type: v.literal('cross_entropy'),
    reduction: v.optional(v.picklist(['mean', 'sum']), 'mean'),
    logits: v.optional(v.string(), 'logits'),
    targets: tensorSchema,
  }),
  v.object({ type: v.literal('named'), name: v.string(), outputs: v.string(), targets: tensorSchema }),
]);

/** The settings that the kinds read; options of an optimizer are checked by the optimizer. */
const hyperSchema = v.looseObject({
  lengths: v.optional(v.array(count)),
  chunk: v.optional(count),
  periods: v.optional(v.array(count)),
  t_first: v.optional(count),
});

const vectorSchema = v.looseObject({
  name: v.string(),
  kind: v.string(),
  sizes: v.optional(named(v.union([finite, v.boolean()])), {}),
  hyper: v.optional(hyperSchema, {}),
  params: v.optional(named(tensorSchema), {}),
  inputs: v.optional(named(tensorSchema), {}),
  init: v.optional(named(tensorSchema), {}),
  loss: v.optional(lossSchema),
  expected: v.optional(named(v.union([tensorSchema, finite])), {}),
  grads: v.optional(named(tensorSchema), {}),
  grads_full_bptt: v.optional(named(tensorSchema)),
  clip: v.optional(
    v.object({ max_norm: finite, total_norm: finite, coef: finite, grads_after: named(tensorSchema) }),
  ),
  steps: v.optional(
    v.array(v.looseObject({ grads: named(tensorSchema), params_after: named(tensorSchema) })),
  ),
});

export type VectorTensor = v.InferOutput<typeof tensorSchema>;
export type TestVector = v.InferOutput<typeof vectorSchema>;

/** The results for a vector: values and gradients under the vector's own names, row-major. */
export interface Computed {
  values: Record<string, ArrayLike<number>>;
  gradients: Record<string, ArrayLike<number>>;
}

/**
 * Reads a test vector and checks its form.
 *
 * Numbers must be finite and every tensor's data must fit its shape.
 * @throws RangeError with the reason and the place in the file.
 */
export function parseVector(text: string): TestVector {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    must(false, 'vector', 'the file must be JSON', text.split('\n')[0], (error as Error).message);
  }
  const { output, wrong } = tryParse(vectorSchema, json);
  if (output === undefined) throw new RangeError(safe(`vector: ${wrong}`));
  return output;
}
