/**
 * Reads TensorFlow Lite's kernel tests of an LSTM or a GRU: `lstm_test.cc`, `unidirectional_sequence_lstm_test.cc`,
 * `unidirectional_sequence_gru_test.cc`. The lists of numbers in the text are parsed; nothing is compiled or run.
 *
 *   input_to_*_weights_ [H, D]   recurrent_to_*_weights_ [H, H]   cell_to_*_weights_, *_bias_ [H]   for each gate
 *   lstm_input_, lstm_golden_output_ [T, B, ·] or [B, T · ·]      GRU: SetGateWeight [2H, D + H], SetCandidateWeight
 *
 * A coupled input gate (CIFG) is 1 - f. Because 1 - sigmoid(a) = sigmoid(-a), it is a gate with the negated weights of f.
 * Source: tensorflow/lite/kernels; the tests allow 1e-5 unless they say otherwise.
 */
import { must, mustBe } from '../core/check';
import type { RecurrentLayer } from './layer';
import { literalAt } from './literal';
import { defaults } from './operator';
import { found, NotExpressible, type Found, type SuiteCase, type Tolerance } from './suite';
import { fromRowWeights, type RowWeights } from './weights';

/** Numbers that a test states, by the names of the file without the last underscore, flat; and the axes of the lists. */
type Data = Readonly<Record<string, { numbers: number[]; axes: number[] }>>;

/** A class or a test of the file. */
interface Block {
  /** The class that it extends or uses. */
  base: string;
  name: string;
  body: string;
}

const FIXTURE = /\bclass\s+(?<name>\w+)\s*:\s*public\s+(?<base>[\w:]+)[^{};]*\{/g;
const TEST = /\bTEST(?:_[FP])?\(\s*(?<base>\w+)\s*,\s*(?<name>\w+)\s*\)\s*\{/g;

/** The tests of a file. */
export function readTflite(file: string, read: () => string): Found[] {
  try {
    const source = withoutComments(read());
    const fixtures = new Map(blocks(source, FIXTURE).map((one) => [one.name, one]));
    const tests = blocks(source, TEST);
    mustBe(
      tests.length > 0,
      'tflite',
      'the file must hold tests such as TEST_F(LstmTest, Name) { … }',
      'none',
    );
    return tests.map((test) => {
      const name = `${test.base}.${test.name}`;
      return found(name, () => readTest(name, test, dataOf(test, fixtures)));
    });
  } catch (error) {
    return [{ name: file, verdict: 'unreadable', reason: (error as Error).message }];
  }
}

/** Removes comments, but for names of arguments: `/*use_cifg=*\/`. */
const withoutComments = (source: string): string =>
  source.replace(/\/\/[^\n]*|\/\*[^]*?\*\//g, (comment) =>
    /^\/\*\s*\w+=\s*\*\/$/.test(comment) ? comment : ' ',
  );

function blocks(source: string, pattern: RegExp): Block[] {
  return Array.from(source.matchAll(pattern), ({ 0: head, index, groups = {} }) => {
    const start = index + head.length - 1;
    return { base: groups.base, name: groups.name, body: source.slice(start, endOf(source, start)) };
  });
}

/** The position after the brace that closes the one at `start`. */
function endOf(source: string, start: number): number {
  const brace = /[{}]/g;
  brace.lastIndex = start;
  for (let depth = 0, found = brace.exec(source); found; found = brace.exec(source)) {
    depth += found[0] === '{' ? 1 : -1;
    if (depth === 0) return brace.lastIndex;
  }
  throw new SyntaxError('tflite: every { must be closed');
}

/** The lists that a test states, and those of the classes it extends. */
function dataOf({ base, body }: Block, fixtures: ReadonlyMap<string, Block>, depth = 0): Data {
  const parent = fixtures.get(base);
  const inherited = parent && depth < 8 ? dataOf(parent, fixtures, depth + 1) : {};
  const own: Record<string, Data[string]> = Object.create(null) as Data;
  for (const { 0: head, index, groups = {} } of body.matchAll(
    /\b(?<variable>\w+)_\s*=\s*\{|\bm\.Set(?<part>\w+)\(\s*\{|\b(?<expected>ArrayFloatNear)\(\s*\{/g,
  )) {
    const start = index + head.length - 1;
    own[groups.variable ?? groups.part ?? groups.expected] = listAt(body.slice(start, endOf(body, start)));
  }
  return { ...inherited, ...own };
}

/** A list in braces, as C++ writes it. */
function listAt(text: string): Data[string] {
  const brackets = text
    .replaceAll('{', '[')
    .replaceAll('}', ']')
    .replace(/(?<=[\d.])f\b/g, '');
  const axes: number[] = [];
  const flat = (value: unknown, axis: number): number[] => {
    if (typeof value === 'number') return [value];
    mustBe(Array.isArray(value), 'tflite', 'a list must hold numbers', JSON.stringify(value));
    axes[axis] ??= value.length;
    must(axes[axis] === value.length, 'tflite', 'lists of one axis must be equally long', value.length);
    return value.flatMap((one: unknown) => flat(one, axis + 1));
  };
  return { numbers: flat(literalAt(brackets, 0), 0), axes };
}

function readTest(name: string, { body }: Block, data: Data): SuiteCase {
  const quantized = /Hybrid|Integer|Sparse/.test(body) || /TensorType_U?INT\d+/.test(body);
  if (quantized && !body.includes('TensorType_FLOAT32')) throw new NotExpressible('quantized weights');
  const named = new Map(
    Array.from(body.matchAll(/\/\*\s*(\w+)=\s*\*\/\s*([\w.+-]+)/g), ([, option, value]) => [option, value]),
  );
  const sizes = Object.fromEntries(
    Array.from(body.matchAll(/\bconst\s+int\s+(\w+)\s*=\s*(\d+)\s*;/g), ([, size, n]) => [size, Number(n)]),
  );
  if (data.lstm_golden_output) return readLstm(name, body, { data, named, sizes });
  if (data.GateWeight && data.ArrayFloatNear) return readGru(name, { data, sizes });
  throw new NotExpressible('a test that states no numbers in a form known here');
}

interface Stated {
  data: Data;
  sizes: Readonly<Record<string, number>>;
}

/** Takes a list with this number of entries. */
function take({ data }: Pick<Stated, 'data'>, name: string, size: number): number[] {
  mustBe(data[name] !== undefined, 'tflite', `${name} must be given`, 'none');
  const { numbers } = data[name];
  must(numbers.length === size, 'tflite', `${name} must have ${size} numbers`, numbers.length);
  return numbers;
}

function sizesOf({ sizes }: Stated, names: readonly string[]): number[] {
  return names.map((name) => {
    const size = sizes[name];
    must(Number.isSafeInteger(size) && size > 0 && size < 2 ** 20, 'tflite', `${name} must be a size`, size);
    return size;
  });
}

function readLstm(
  name: string,
  body: string,
  stated: Stated & { named: ReadonlyMap<string, string> },
): SuiteCase {
  const { data, named } = stated;
  if (named.get('is_layer_norm') !== 'false' && data.cell_layer_norm_coefficients)
    throw new NotExpressible('layer normalization in the gates');
  if (data.projection_weights) throw new NotExpressible('a projection');
  for (const clip of ['cell_clip', 'proj_clip'])
    if (Number(named.get(clip) ?? 0) !== 0) throw new NotExpressible(`${clip}: bounds on states`);
  const [B, D, H] = sizesOf(stated, ['n_batch', 'n_input', 'n_cell']);
  const coupled = named.get('use_cifg') === 'true';
  const peepholes = named.get('use_peephole') === 'true';
  /** One kind of weights for all gates, in the order given. */
  const each = (gates: string, size: number, of: (gate: string) => string): number[] =>
    [...gates].flatMap((gate) => {
      const forget = take(stated, of(words[gate === 'i' && coupled ? 'f' : gate]), size);
      return gate === 'i' && coupled ? forget.map((v) => -v) : forget;
    });
  const weights: RowWeights = {
    W: each('ifgo', H * D, (gate) => `input_to_${gate}_weights`),
    R: each('ifgo', H * H, (gate) => `recurrent_to_${gate}_weights`),
    inputBias: each('ifgo', H, (gate) => `${gate}_gate_bias`),
    ...(peepholes && { P: each('iof', H, (gate) => `cell_to_${gate}_weights`) }),
  };
  const T = data.lstm_input?.numbers.length / (B * D);
  must(Number.isInteger(T) && T > 0, 'tflite', 'lstm_input must hold whole steps', T);
  const inTime = (list: string, width: number): number[] => {
    const numbers = take(stated, list, T * B * width);
    if (data[list].axes.length === 3) return numbers;
    return Array.from(numbers, (_, k) => {
      const [t, b] = [Math.floor(k / (B * width)), Math.floor(k / width) % B];
      return numbers[(b * T + t) * width + (k % width)];
    });
  };
  const operator = { ...defaults.lstm, bias: true, peepholes };
  const parameters = fromRowWeights(operator, { D, H }, weights, [0, 1, 2, 3]);
  const layer: RecurrentLayer = {
    ...{ operator, T, B, D, H, x: inTime('lstm_input', D) },
    directions: [{ reverse: false, parameters, initial: {} }],
  };
  const expected = [{ output: inTime('lstm_golden_output', H) }];
  return { name, layer, expected, tolerance: toleranceOf(body, named) };
}

const words: Readonly<Record<string, string>> = { i: 'input', f: 'forget', g: 'cell', o: 'output' };

function readGru(name: string, stated: Stated): SuiteCase {
  const [T, B, D, H] = sizesOf(stated, ['n_time', 'n_batch', 'n_input', 'n_output']);
  const rows = [
    ...take(stated, 'GateWeight', 2 * H * (D + H)),
    ...take(stated, 'CandidateWeight', H * (D + H)),
  ];
  const columns = (from: number, to: number): number[] =>
    rows.filter((_, k) => k % (D + H) >= from && k % (D + H) < to);
  const weights: RowWeights = {
    ...{ W: columns(0, D), R: columns(D, D + H) },
    inputBias: [...take(stated, 'GateBias', 2 * H), ...take(stated, 'CandidateBias', H)],
  };
  const operator = { ...defaults.gru, bias: true };
  const parameters = fromRowWeights(operator, { D, H }, weights, [0, 1, 2]);
  const initial = { h: take(stated, 'InputState', B * H) };
  const layer: RecurrentLayer = {
    ...{ operator, T, B, D, H, x: take(stated, 'Input', T * B * D) },
    directions: [{ reverse: false, parameters, initial }],
  };
  const expected = [{ output: take(stated, 'ArrayFloatNear', T * B * H) }];
  return { name, layer, expected, tolerance: absolute(1e-5) };
}

function toleranceOf(body: string, named: ReadonlyMap<string, string>): Tolerance {
  const ofType = /TensorType_FLOAT32,\s*([\d.e-]+)f?\s*\}/.exec(body)?.[1];
  return absolute(Number(ofType ?? named.get('tolerance') ?? 1e-5));
}

function absolute(value: number): Tolerance {
  must(value > 0, 'tflite', 'the tolerance must be above 0', value);
  return { words: String(value), allowed: () => value };
}
