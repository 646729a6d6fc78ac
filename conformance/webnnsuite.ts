/**
 * Reads WebNN's conformance tests: `lstm.https.any.js` and similar files of the web platform tests, or the same list of
 * tests as JSON. The list is parsed; no code of the file runs.
 *
 * The web platform tests allow 1 ULP for an LSTM and 3 for a GRU; a list may override this by `tolerance`.
 * Source: https://www.w3.org/TR/webnn, lstm, gru, lstmCell, gruCell.
 */
import * as v from 'valibot';
import { must, mustBe } from '../core/check';
import { parseWith } from '../io/metadata';
import type { DirectionInputs, RecurrentLayer } from './layer';
import { literalAt } from './literal';
import { activationNames, type Activation } from '../cells/parts/activation';
import { defaults, type Operator } from './operator';
import { found, NotExpressible, type Found, type SuiteCase, type Tolerance } from './suite';
import { fromRowWeights, rowSizes } from './weights';
import { layouts } from './webnnwrite';

const operand = v.object({
  data: v.array(v.number()),
  descriptor: v.object({
    shape: v.optional(v.array(v.number())),
    // the former name of shapes
    dimensions: v.optional(v.array(v.number())),
  }),
});

const testSchema = v.object({
  name: v.string(),
  graph: v.object({
    inputs: v.record(v.string(), operand),
    operators: v.array(
      v.object({
        name: v.string(),
        arguments: v.array(v.record(v.string(), v.unknown())),
        outputs: v.union([v.string(), v.array(v.string())]),
      }),
    ),
    expectedOutputs: v.record(v.string(), operand),
  }),
  tolerance: v.optional(v.object({ metricType: v.picklist(['ULP', 'ATOL']), value: v.number() })),
});
type WebnnTest = v.InferOutput<typeof testSchema>;

const optionSchema = v.object({
  ...Object.fromEntries(
    ['bias', 'recurrentBias', 'peepholeWeight', 'initialHiddenState', 'initialCellState'].map((name) => [
      name,
      v.optional(v.string()),
    ]),
  ),
  returnSequence: v.optional(v.boolean()),
  resetAfter: v.optional(v.boolean()),
  direction: v.optional(v.picklist(['forward', 'backward', 'both'])),
  layout: v.optional(v.string()),
  activations: v.optional(v.array(v.string())),
});

/** Units in the last place that the web platform tests allow. */
const ULPS: Readonly<Record<Operator['kind'], number>> = { lstm: 1, gru: 3, elman: 1 };

/** The tests of a file. */
export function readWebnn(file: string, read: () => string): Found[] {
  let tests: unknown;
  try {
    const source = read();
    const start = source.search(/^\s*\[/) === 0 ? source.indexOf('[') : listStart(source);
    tests = literalAt(source, start);
    mustBe(Array.isArray(tests), 'webnn', 'the file must hold a list of tests', typeof tests);
  } catch (error) {
    return [{ name: file, verdict: 'unreadable', reason: (error as Error).message }];
  }
  return tests.map((one: unknown, k) => {
    const { name } = (one ?? {}) as { name?: unknown };
    const called = typeof name === 'string' ? `${file} ${k}: ${name}` : `${file} ${k}`;
    return found(called, () => readTest(called, parseWith(testSchema, one, 'webnn')));
  });
}

/** Finds the start of the list: `const lstmTests = [`. */
function listStart(source: string): number {
  const [whole = ''] = /\bconst\s+\w+Tests\s*=\s*\[/.exec(source) ?? [];
  mustBe(whole !== '', 'webnn', 'the file must hold a list such as const lstmTests = […]', 'none');
  return source.indexOf(whole) + whole.length - 1;
}

function readTest(name: string, { graph, tolerance }: WebnnTest): SuiteCase {
  const [one] = graph.operators;
  const kind = /^(lstm|gru)(Cell)?$/.exec(one?.name ?? '')?.[1] as 'lstm' | 'gru' | undefined;
  if (graph.operators.length !== 1 || !kind)
    throw new NotExpressible(
      `operators must be one lstm or gru, got ${graph.operators.map((each) => each.name).join(', ')}`,
    );
  const isCell = one.name.endsWith('Cell');
  const given = Object.assign({}, ...one.arguments) as Record<string, unknown>;
  const options = parseWith(optionSchema, given.options ?? {}, 'webnn') as Record<
    string,
    string | undefined
  > &
    v.InferOutput<typeof optionSchema>;
  const take = (reference: unknown): v.InferOutput<typeof operand> | undefined => {
    if (reference === undefined) return undefined;
    const there = typeof reference === 'string' && Object.hasOwn(graph.inputs, reference);
    mustBe(there, 'webnn', 'an argument must name an input', JSON.stringify(reference));
    return graph.inputs[reference];
  };
  const n = options.direction === 'both' ? 2 : 1;
  const input = take(given.input);
  mustBe(input !== undefined, 'webnn', 'input must be given', 'none');
  const shape = input.descriptor.shape ?? input.descriptor.dimensions ?? [];
  must(shape.length === (isCell ? 2 : 3), 'webnn', `input must be ${isCell ? '[B, D]' : '[T, B, D]'}`, shape);
  const [T, B, D] = isCell ? [1, ...shape] : shape;
  const H = Number(given.hiddenSize);
  const sizes = [T, B, D, H];
  must(
    sizes.every((size) => Number.isSafeInteger(size) && size > 0 && size < 2 ** 20),
    'webnn',
    'sizes must be whole numbers above 0',
    sizes,
  );

  const operator = operatorOf(kind, options);
  const own: Readonly<Record<string, readonly number[]>> = layouts[kind];
  const layout = options.layout ?? Object.keys(own)[0];
  mustBe(Object.hasOwn(own, layout), 'webnn', `layout must be one of ${Object.keys(own).join(', ')}`, layout);
  const needed = rowSizes(operator, { D, H });
  /** One direction's part of an argument. */
  const side = (what: string, reference: unknown, size: number, k: number): number[] | undefined => {
    const data = take(reference)?.data;
    if (!data) return undefined;
    must(data.length === n * size, 'webnn', `${what} must have ${n * size} numbers`, data.length);
    return data.slice(k * size, (k + 1) * size);
  };
  const directions = Array.from({ length: n }, (_, k): DirectionInputs => {
    const W = side('weight', given.weight, needed.W, k);
    const R = side('recurrentWeight', given.recurrentWeight, needed.R, k);
    mustBe(W !== undefined && R !== undefined, 'webnn', 'weight and recurrentWeight must be given', 'none');
    const inputBias = side('bias', options.bias, needed.bias, k);
    const recurrentBias = side('recurrentBias', options.recurrentBias, needed.bias, k);
    const P = side('peepholeWeight', options.peepholeWeight, needed.P, k);
    const h = side('initialHiddenState', options.initialHiddenState ?? given.hiddenState, B * H, k);
    const c = side('initialCellState', options.initialCellState ?? given.cellState, B * H, k);
    return {
      reverse: k === 1 || options.direction === 'backward',
      parameters: fromRowWeights(operator, { D, H }, { W, R, inputBias, recurrentBias, P }, own[layout]),
      initial: { ...(h && { h }), ...(c && { c }) },
    };
  });
  must(input.data.length === T * B * D, 'webnn', `input must have ${T * B * D} numbers`, input.data.length);
  const layer: RecurrentLayer = { operator, T, B, D, H, x: input.data, directions };

  const names = typeof one.outputs === 'string' ? [one.outputs] : one.outputs;
  const places = kind === 'lstm' ? ['hT', 'cT', 'output'] : ['hT', 'output'];
  const expected = directions.map((): Record<string, number[]> => ({}));
  names.forEach((output, place) => {
    const values = Object.hasOwn(graph.expectedOutputs, output)
      ? graph.expectedOutputs[output].data
      : undefined;
    const quantity = places[place];
    if (!values || quantity === undefined) return;
    const size = quantity === 'output' ? T * n * B * H : n * B * H;
    must(values.length === size, 'webnn', `${output} must have ${size} numbers`, values.length);
    expected.forEach((each, k) => {
      // all of them are [T, n, B, H], the last ones [n, B, H]
      each[quantity] = values.filter((_, j) => Math.floor(j / (B * H)) % n === k);
    });
  });
  must(Object.keys(expected[0]).length > 0, 'webnn', 'a test must expect an output', 'none');
  return {
    name,
    layer,
    expected,
    tolerance: toleranceOf(tolerance ?? { metricType: 'ULP', value: ULPS[kind] }),
  };
}

function operatorOf(kind: 'lstm' | 'gru', options: Record<string, unknown>): Operator {
  const usual = defaults[kind];
  const names = (options.activations as string[] | undefined) ?? usual.activations;
  const unknown = names.find((one) => !activationNames.some((each) => each === one));
  if (unknown !== undefined) throw new NotExpressible(`the activation ${unknown}`);
  must(
    names.length === usual.activations.length,
    'webnn',
    `activations must be ${usual.activations.length}`,
    names.length,
  );
  return {
    ...usual,
    activations: names as Activation[],
    bias: options.bias !== undefined || options.recurrentBias !== undefined,
    peepholes: options.peepholeWeight !== undefined,
    // WebNN's default
    reset: kind === 'gru' && options.resetAfter !== false ? 'after' : 'before',
  };
}

function toleranceOf({ metricType, value }: { metricType: 'ULP' | 'ATOL'; value: number }): Tolerance {
  if (metricType === 'ATOL') return { words: String(value), allowed: () => value };
  return { words: `${value} ULP`, allowed: (expected) => value * ulpOf(expected) };
}

/** The distance between adjacent float32 numbers at a value. */
const ulpOf = (value: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value) || 2 ** -126))) - 23);
