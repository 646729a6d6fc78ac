/** Reads a test vector of a single cell (see `verify/`) as a case: what its authors computed are the answers. */
import { errorBounds } from '../bptt/check/bounds';
import { must } from '../core/check';
import { vectorSizes, tensorOf, zeroPadding } from '../verify/recurrent';
import type { TestVector, VectorTensor } from '../verify/vectors';
import { inOwnOrder, type DirectionAnswers, type FileCase } from './filecase';
import { nested, type LayerInputs, type DirectionInputs, type Flat } from './layer';
import { cellOfOperator, defaults, type Operator } from './operator';
import { NotExpressible } from './suite';
import { fromRowWeights, rowSizes, type RowWeights } from './weights';

const gru: Operator = { ...defaults.gru, reset: 'after' };
const operators: Readonly<Record<string, Operator>> = {
  RNN_TANH: defaults.elman,
  RNN_RELU: { ...defaults.elman, activations: ['relu'] },
  LSTM: defaults.lstm,
  LSTM_PACKED: defaults.lstm,
  GRU: gru,
  GRU_PACKED: gru,
  LSTM_PEEPHOLE: { ...defaults.lstm, peepholes: true },
  GRU_RESET_BEFORE: defaults.gru,
};

type Tensors = Record<string, VectorTensor>;

/** What the parts of a vector have in common. */
interface Sizes {
  /** Number of directions. */
  n: number;
  T: number;
  B: number;
  D: number;
  H: number;
  operator: Operator;
  states: readonly string[];
}

/**
 * The case of a vector. Where the gradients of PyTorch's two biases differ, the second is a case of its own, with nothing but it.
 * @throws NotExpressible when it is not one layer of one cell.
 */
export function casesOfVector(vector: TestVector): FileCase[] {
  const sizes = sizesIn(vector);
  const { n, T, B, D, H, operator } = sizes;
  const { name, inputs, hyper, grads } = vector;
  const directions = Array.from({ length: n }, (_, k) => directionOf(vector, sizes, k));
  const layer: LayerInputs = {
    ...{ T, B, D, H, x: inputs.x.data, directions },
    ...(hyper.lengths && { lengths: hyper.lengths }),
  };
  const dx = Object.hasOwn(grads, 'x')
    ? nested(numbersOf(grads.x, T * B * D, 'grads.x'), [T, B, D])
    : undefined;
  const answers = directions.map(({ reverse }, k) => {
    const { values, gradients } = answersOf(vector, sizes, k);
    return inOwnOrder({ values, gradients: { ...(n === 1 && dx && { dx }), ...gradients } }, layer, reverse);
  });
  const one: FileCase = {
    ...{
      name,
      cell: cellOfOperator(operator, { input: D, hidden: H }),
      layer,
      precision: 'float64',
      answers,
    },
    ...(n === 2 && dx && { dx }),
  };
  const seconds = directions.map((_, k) => gradientsOf(vector, sizes, k, true).b as Flat[string] | undefined);
  const same = seconds.every((b, k) => b === undefined || near(b, answers[k].gradients.db as number[]));
  if (same) return [one];
  const others = seconds.map((b = []) => ({ values: {}, gradients: { db: [...b] } }));
  return [one, { ...one, name: `${name}, bias_hh`, answers: others, dx: undefined }];
}

/** Whether numbers are equal within the bound of `backstep verify`. */
function near(a: readonly number[], b: readonly number[]): boolean {
  const scale = Math.max(...a.map(Math.abs), ...b.map(Math.abs));
  return a.every((v, j) => Math.abs(v - b[j]) <= errorBounds.vectors * scale);
}

function sizesIn(vector: TestVector): Sizes {
  const { kind, loss, inputs, params, hyper, sizes } = vector;
  const { L = 1, D: n = 1 } = sizes as { L?: number; D?: number };
  if (!Object.hasOwn(operators, kind) || L !== 1 || loss?.type !== 'weighted_sum')
    throw new NotExpressible('it is not one layer of one cell; `backstep verify` checks it');
  must(n === 1 || n === 2, 'vector', 'sizes.D must be 1 or 2', n, 'directions');
  const { input: D, hidden: H } = vectorSizes(vector);
  const { shape, data } = tensorOf(inputs, 'x', 'inputs');
  const isSequence = shape.length === 3 && shape[2] === D && data.length > 0;
  must(isSequence, 'vector', `inputs.x must be [T, B, ${D}]`, `[${shape.join(', ')}]`);
  const [T, B] = shape;
  const { lengths } = hyper;
  const legal = lengths === undefined || (lengths.length === B && lengths.every((steps) => steps <= T));
  must(legal, 'vector', `hyper.lengths must be ${B} whole numbers in 0…${T}`, lengths);
  const states = operators[kind].kind === 'lstm' ? ['h', 'c'] : ['h'];
  const known = [...outputNames, ...states.map((s) => `${s}_n`)];
  const stranger = Object.keys(loss.weights).find((name) => !known.includes(name));
  must(stranger === undefined, 'vector', `loss.weights must be among ${known.join(', ')}`, stranger);
  const bias = ['bias_ih_l0', 'bias', 'b_r'].some((name) => Object.hasOwn(params, name));
  return { n, T, B, D, H, operator: { ...operators[kind], bias }, states };
}

/** What a vector gives to one direction. */
function directionOf({ params, init, loss, hyper }: TestVector, sizes: Sizes, k: number): DirectionInputs {
  const { T, B } = sizes;
  const weights = loss?.type === 'weighted_sum' ? loss.weights : {};
  const above = outputOf(weights, sizes, k);
  return {
    reverse: k === 1,
    parameters: parametersOf(rowsOf(params, 'params', sizes, k), sizes),
    initial: statesOf(init, (s) => [s, `${s}_0`], sizes, k),
    dFinal: statesOf(weights, (s) => [s, `${s}_n`], sizes, k),
    ...(above && { dOutput: zeroPadding(above, hyper.lengths, T, B) }),
  };
}

/** What a vector expects of one direction, without dx; steps in order of time. */
function answersOf(vector: TestVector, sizes: Sizes, k: number): DirectionAnswers {
  const { T, B, H } = sizes;
  // a loss is a number, the others are tensors
  const expected = vector.expected as Tensors;
  const output = outputOf(expected, sizes, k);
  const derived = Object.entries(gradientsOf(vector, sizes, k)).map(
    ([p, numbers]) => [`d${p}`, numbers] as const,
  );
  return {
    values: {
      ...(output && { output: nested(output, [T, B, H]) }),
      ...statesOf(expected, (s) => [`${s}T`, `${s}_n`], sizes, k),
    },
    gradients: {
      ...Object.fromEntries(derived.map(([name, numbers]) => [name, [...numbers]])),
      ...statesOf(vector.grads, (s) => [`d${s}0`, `${s}_0`], sizes, k),
    },
  };
}

const parametersOf = (rows: RowWeights, { operator, D, H }: Sizes): Flat => {
  const gates = rowSizes(operator, { D, H }).bias / H;
  return fromRowWeights(
    operator,
    { D, H },
    rows,
    Array.from({ length: gates }, (_, gate) => gate),
  );
};

/** The gradients of one direction's weights. @param second take `b` from the second of PyTorch's biases. */
function gradientsOf({ grads }: TestVector, sizes: Sizes, k: number, second = false): Flat {
  const { operator, H } = sizes;
  const rows = rowsOf(grads, 'grads', sizes, k);
  const { inputBias, recurrentBias } = rows;
  if (!inputBias || !recurrentBias) return second ? {} : parametersOf(rows, sizes);
  // both biases are added to the same sum, but for the last gate of this GRU
  const inside = operator.kind === 'gru' && operator.reset === 'after' ? 2 * H : recurrentBias.length;
  const first = inputBias.map((v, j) => (second && j < inside ? recurrentBias[j] : v));
  const rest = recurrentBias.map((v, j) => (j < inside ? 0 : v));
  return parametersOf({ ...rows, inputBias: first, recurrentBias: rest }, sizes);
}

/** One direction of states [n, B, H]. @param names our name and theirs. */
function statesOf(
  all: Tensors,
  names: (s: string) => readonly [string, string],
  { states, n, B, H }: Sizes,
  k: number,
): Record<string, number[]> {
  const found = states.map(names).filter(([, theirs]) => Object.hasOwn(all, theirs));
  return Object.fromEntries(
    found.map(([ours, theirs]) => [
      ours,
      numbersOf(all[theirs], n * B * H, theirs).slice(k * B * H, (k + 1) * B * H),
    ]),
  );
}

/** The names of an output. */
const outputNames = ['output', 'hidden'];

/** One direction of an output [T, B, n·H]. */
function outputOf(all: Tensors, { n, T, B, H }: Sizes, k: number): number[] | undefined {
  const name = outputNames.find((one) => Object.hasOwn(all, one));
  if (name === undefined) return undefined;
  return numbersOf(all[name], T * B * n * H, name).filter((_, j) => Math.floor(j / H) % n === k);
}

function numbersOf(given: VectorTensor, size: number, name: string): number[] {
  const count = (given as Partial<VectorTensor>).data?.length;
  must(count === size, 'vector', `${name} must hold ${size} numbers`, count);
  return given.data;
}

/** The names of a vector's weights: PyTorch's, those of one cell, or those of each gate. */
function rowsOf(all: Tensors, group: string, { operator, D, H }: Sizes, k: number): RowWeights {
  const needed = rowSizes(operator, { D, H });
  const take = (size: number, ...names: string[]): number[] => {
    const data = names.flatMap((name) => tensorOf(all, name, group).data);
    must(
      data.length === size,
      'vector',
      `${group}.${names.join(', ')} must hold ${size} numbers`,
      data.length,
    );
    return data;
  };
  const { bias } = operator;
  if (Object.hasOwn(all, 'W_r')) {
    const gates = (letter: string): string[] => ['r', 'z', 'h'].map((gate) => `${letter}_${gate}`);
    return {
      W: take(needed.W, ...gates('W')),
      R: take(needed.R, ...gates('U')),
      ...(bias && { inputBias: take(needed.bias, ...gates('b')) }),
    };
  }
  const single = Object.hasOwn(all, 'weight_ih');
  const end = single ? '' : `_l0${k === 1 ? '_reverse' : ''}`;
  return {
    W: take(needed.W, `weight_ih${end}`),
    R: take(needed.R, `weight_hh${end}`),
    ...(bias && { inputBias: take(needed.bias, single ? 'bias' : `bias_ih${end}`) }),
    ...(bias && !single && { recurrentBias: take(needed.bias, `bias_hh${end}`) }),
    ...(operator.peepholes && { P: take(needed.P, 'p_i', 'p_o', 'p_f') }),
  };
}
