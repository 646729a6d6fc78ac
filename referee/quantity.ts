/** Recognizes mistakes from one gradient alone: sign, mean for sum, transpose, order of gates and axes, `=` for `+=`, clipping. */
import { declare } from '../core/equations/declare';
import { once } from '../core/once';
import { toFlat } from '../core/tensor';
import type { Cell } from '../cells/cell';
import type { Unroll } from '../bptt/unroll';
import type { Contributions } from './steps';
import type { Named } from './subject';

/** An explanation of one gradient, in words that follow `your dWx`: `is 1/3 of ours …`. */
export interface GradientExplanation {
  /** Continues `your dWx and db`, so it is in the plural. */
  words: string;
}

/** A given gradient, the right one, and the tolerance. */
export interface Comparison {
  quantity: string;
  given: readonly number[];
  /** The shape in which it was given, if known. */
  shape?: readonly number[];
  ours: readonly number[];
  tolerance: number;
}

/** The cell and unrolling that a gradient belongs to. */
export interface GradientOrigin {
  T: number;
  B: number;
  shape: readonly number[];
  /** Its name in the cell's equations, `dWx`; a network also has gradients that belong to no cell. */
  local: string;
  cell?: Cell;
  unroll?: Unroll;
  /** The contribution of each step and each row to the parameter gradients. */
  contributions?: () => Contributions;
}

/** Whether numbers are equal, each to within a tolerance. */
export const near = (a: readonly number[], b: readonly number[], tolerance: number): boolean =>
  a.length === b.length && a.every((v, k) => Math.abs(v - b[k]) <= tolerance);

const largest = (values: readonly number[]): number =>
  values.reduce((top, v) => Math.max(top, Math.abs(v)), 0);

/** All explanations of one gradient. */
export function readings(compared: Comparison, place: GradientOrigin, right: Named): GradientExplanation[] {
  const { quantity, given, ours, tolerance } = compared;
  const { cell } = place;
  const found = [...inTransposedShape(compared, place), ...batchFirst(compared, place)];
  if (given.length === ours.length) {
    found.push(...multiples(compared, place), ...transposed(compared, place));
    if (cell) found.push(...inGateOrder(compared, cell, place.shape));
    if (cell && found.length === 0) found.push(...withCopiedGates(compared, cell, place.shape));
    for (const [other, values] of Object.entries(right))
      if (other !== quantity && near(given, values, tolerance)) found.push(`are our ${other}`);
    if (quantity === 'dx') found.push(...inTime(compared, place));
    if (cell && Object.hasOwn(cell.parameters, place.local.slice(1)))
      found.push(...ofOnePart(compared, place), ...decayed(compared, place));
    if (found.length === 0) found.push(...clipped(compared));
  }
  return found.map((words) => ({ words }));
}

/** A matrix that was given in the shape of its transpose. */
function inTransposedShape({ given, shape, ours, tolerance }: Comparison, place: GradientOrigin): string[] {
  const [rows, columns] = place.shape;
  const other = shape && place.shape.length === 2 && shape[0] === columns && shape[1] === rows;
  return other && rows !== columns && near(transposedNumbers(given, columns, rows), ours, tolerance)
    ? [`are the transpose of ours: their shape must be [${rows}, ${columns}]`]
    : [];
}

/** Numbers [T, B, …] that were given as [B, T, …]. */
export function batchFirst(
  { given, shape, ours, tolerance }: Comparison,
  { shape: own }: Pick<GradientOrigin, 'shape'>,
): string[] {
  const [T, B, width] = own;
  const other = shape?.length === 3 && own.length === 3 && shape[0] === B && shape[1] === T && B !== T;
  if (!other || shape[2] !== width || given.length !== ours.length) return [];
  const timeFirst = ours.map((_, k) => {
    const [t, b] = [Math.floor(k / (B * width)), Math.floor(k / width) % B];
    return given[(b * T + t) * width + (k % width)];
  });
  return near(timeFirst, ours, tolerance)
    ? [`hold the rows before the steps: their shape must be [T, B, …], [${own.join(', ')}]`]
    : [];
}

/** A square matrix that was given as its transpose. */
function transposed({ given, ours, tolerance }: Comparison, { shape }: GradientOrigin): string[] {
  const [rows, columns] = shape;
  const square = rows === columns && shape.length === 2;
  return square && near(given, transposedNumbers(ours, rows, columns), tolerance)
    ? ['are the transpose of ours']
    : [];
}

/** The numbers of the transpose of a matrix [rows, columns], row-major. */
export const transposedNumbers = (numbers: readonly number[], rows: number, columns: number): number[] =>
  Array.from(numbers, (_, k) => numbers[(k % rows) * columns + Math.floor(k / rows)]);

/** Ours times a number, which may be 0. */
function multiples({ given, ours, tolerance }: Comparison, place: GradientOrigin): string[] {
  const zero = given.every((v) => v === 0) && largest(ours) > tolerance;
  const found = zero ? ['are 0 everywhere: nothing was written to them'] : [];
  const ratio = ratioOf(given, ours);
  if (ratio === undefined) return found;
  const scaled = ours.map((v) => ratio * v);
  return near(given, scaled, tolerance * Math.max(1, Math.abs(ratio)))
    ? [...found, ...factors(ratio, place, tolerance / (largest(ours) || 1))]
    : found;
}

/** Ours with its gates in another order. */
const inGateOrder = (
  { given, ours, tolerance }: Comparison,
  cell: Cell,
  shape: readonly number[],
): string[] =>
  gateOrders(cell).flatMap(({ names, of }) => {
    const values = of(ours, shape);
    return values && near(given, values, tolerance)
      ? [`hold the gates in the order ${names.join(' ')}; ours is ${gatesOf(cell).join(' ')}`]
      : [];
  });

/** Explanations by the contribution of one step or one row, which is the only one or missing. */
function ofOnePart(
  { quantity, given, ours, tolerance }: Comparison,
  { contributions }: GradientOrigin,
): string[] {
  if (!contributions) return [];
  const parts = (all: readonly Named[], what: string, first: string, last: string): string[] =>
    all.flatMap((part, k) => {
      if (all.length < 2) return [];
      const found: string[] = [];
      const values = part[quantity];
      const [edge, place] =
        k === 0
          ? [`, ${first}`, ', the first one']
          : k === all.length - 1
            ? [`, ${last}`, ', the last one']
            : ['', ''];
      if (near(given, values, tolerance)) found.push(`are what ${what} ${k} alone adds to ours${edge}`);
      const rest = ours.map((v, j) => v - values[j]);
      if (largest(values) > tolerance && near(given, rest, tolerance))
        found.push(`are ours without what ${what} ${k} adds${place}`);
      return found;
    });
  const { byStep, byRow } = contributions();
  return [
    ...parts(
      byStep,
      'step',
      'the last one to be taken: `=` stands where `+=` belongs',
      'the first one to be taken: the later ones are not added',
    ),
    ...parts(
      byRow,
      'row',
      'the first one: the others are not added',
      'the last one: `=` stands where `+=` belongs',
    ),
  ];
}

/** Numbers that agree by chance with this probability are taken to agree for a reason. */
const UNLIKELY = 1e-4;

/** Ours with a part of the weights added. */
function decayed({ given, ours, tolerance }: Comparison, { local, unroll }: GradientOrigin): string[] {
  const parameter = unroll?.options.parameters[local.slice(1)];
  if (!parameter) return [];
  const weights = toFlat(parameter);
  const rate = ratioOf(
    given.map((v, k) => v - ours[k]),
    weights,
  );
  if (rate === undefined) return [];
  // how likely other differences are as near to a multiple of the weights
  const share = tolerance / (Math.abs(rate) * largest(weights));
  const others = weights.filter((w) => w !== 0).length - 1;
  if (!(share < 1 / 8 && share ** others < UNLIKELY)) return [];
  const expected = ours.map((v, k) => v + rate * weights[k]);
  return near(given, expected, tolerance)
    ? [
        `are ours plus ${Number(rate.toPrecision(4))} times the weights: weight decay is no part of the gradient`,
      ]
    : [];
}

/** Whether a number has at most two digits, as a limit that somebody chose; PyTorch's clipping adds 1e-6 to a norm. */
export const isChosen = (limit: number): boolean =>
  Math.abs(limit - Number(limit.toPrecision(2))) <= 1e-5 * Math.abs(limit);

/** Ours with every number beyond a limit replaced by the limit; one number alone shows only a limit that is chosen. */
function clipped({ given, ours, tolerance }: Comparison): string[] {
  const limit = largest(given);
  const beyond = given.filter((_, k) => Math.abs(ours[k]) > limit + tolerance);
  const cut = ours.map((v) => Math.min(Math.max(v, -limit), limit));
  // a limit is the same number everywhere, whatever the format
  const isLimit = beyond.length > 1 || (beyond.length === 1 && isChosen(limit));
  if (limit === 0 || !isLimit || beyond.some((v) => Math.abs(v) !== limit) || !near(given, cut, tolerance))
    return [];
  return [`are ours clipped to ±${Number(limit.toPrecision(6))}: clipping is no part of the gradient`];
}

/** Gates that hold another gate of ours, each of them one of ours. */
function withCopiedGates(
  { given, ours, tolerance }: Comparison,
  cell: Cell,
  shape: readonly number[],
): string[] {
  const gates = gatesOf(cell);
  const { hidden: H } = cell;
  const width = shape[shape.length - 1];
  if (gates.length < 2 || width !== gates.length * H) return [];
  const block = (numbers: readonly number[], gate: number): number[] =>
    numbers.filter((_, k) => Math.floor((k % width) / H) === gate);
  const held = gates.map((_, k) => {
    const own = block(given, k);
    return gates.find((_gate, j) => near(own, block(ours, j), tolerance));
  });
  const all = held.every((gate) => gate !== undefined);
  return all && held.some((gate, k) => gate !== gates[k])
    ? [`hold the gates ${held.join(' ')}; ours are ${gates.join(' ')}`]
    : [];
}

/** The least-squares factor between two lists; undefined if ours is 0. */
function ratioOf(given: readonly number[], ours: readonly number[]): number | undefined {
  const square = ours.reduce((sum, v) => sum + v * v, 0);
  if (square === 0) return undefined;
  const ratio = given.reduce((sum, v, k) => sum + v * ours[k], 0) / square;
  return Number.isFinite(ratio) && ratio !== 0 ? ratio : undefined;
}

function factors(ratio: number, { T, B }: GradientOrigin, precision: number): string[] {
  const is = (value: number): boolean =>
    Math.abs(ratio - value) <= 8 * precision * Math.max(1, Math.abs(value));
  if (is(1)) return [];
  const known: [number, string][] = [
    [-1, 'are ours with the other sign'],
    [1 / B, `are 1/${B} of ours: a mean over the batch stands where a sum belongs (B = ${B})`],
    [1 / T, `are 1/${T} of ours: a mean over time stands where a sum belongs (T = ${T})`],
    [
      1 / (B * T),
      `are 1/${B * T} of ours: a mean over batch and time stands where a sum belongs (B T = ${B * T})`,
    ],
    [B, `are ${B} times ours: they are added up over the batch once too often (B = ${B})`],
    [T, `are ${T} times ours: they are added up over time once too often (T = ${T})`],
    [B * T, `are ${B * T} times ours: they are added up over batch and time once too often (B T = ${B * T})`],
    [2, 'are twice ours: they are added twice'],
    [0.5, 'are half of ours'],
  ];
  const named = known.filter(
    ([value, words]) => value !== 1 && is(value) && !(words.includes('(B = 1)') || words.includes('(T = 1)')),
  );
  return named.length > 0
    ? named.map(([, words]) => words)
    : [`are ${Number(ratio.toPrecision(6))} times ours`];
}

/** A permutation of a cell's gates. */
export interface GatePermutation {
  names: string[];
  /** Numbers of a shape with their gates in that order; undefined where the shape holds no gates. */
  of: (numbers: readonly number[], shape: readonly number[]) => number[] | undefined;
}

/** The names of a cell's gates, in the order in which they are stored. */
export const gatesOf = once(
  ({ equations }: Cell): readonly string[] =>
    (equations && declare(equations.shapes, ['states', 'parameters'], equations.name).gates?.names) ?? [],
);

/** Every order of the gates except the right one. */
export const gateOrders = once((cell: Cell): GatePermutation[] => {
  const gates = gatesOf(cell);
  const H = cell.hidden;
  return permutations(gates.map((_, k) => k))
    .filter((order) => order.some((gate, k) => gate !== k))
    .map((order) => ({
      names: order.map((k) => gates[k]),
      of: (numbers, shape) => {
        const width = shape[shape.length - 1];
        if (width !== gates.length * H) return undefined;
        return numbers.map((_, k) => {
          const column = k % width;
          return numbers[k - column + order[Math.floor(column / H)] * H + (column % H)];
        });
      },
    }));
});

const permutations = (items: readonly number[]): number[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item) =>
        permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
      );

/** Explanations of dx: another order of the steps, or values in the padding. */
function inTime({ given, ours, tolerance }: Comparison, { T, B, shape, unroll }: GradientOrigin): string[] {
  const width = shape[shape.length - 1];
  const block = B * width;
  const at = (t: number, k: number): number => (t >= 0 && t < T ? ours[t * block + k] : 0);
  /** Whether step t holds the values of step `time(t)`. */
  const holds = (time: (t: number) => number): boolean =>
    near(
      given,
      ours.map((_, k) => at(time(Math.floor(k / block)), k % block)),
      tolerance,
    );
  const found: string[] = [];
  if (T > 1) {
    if (holds((t) => t + 1)) found.push('are ours one step early: step t holds what belongs to t + 1');
    if (holds((t) => t - 1)) found.push('are ours one step late: step t holds what belongs to t − 1');
    if (holds((t) => T - 1 - t)) found.push('are ours with the steps in reverse');
  }
  const valid = unroll?.options.valid;
  if (valid) {
    const inside = (numbers: readonly number[]): number[] =>
      numbers.filter((_, k) => valid.get(Math.floor(k / width), 0) > 0);
    if (near(inside(given), inside(ours), tolerance))
      found.push('are right but for the padding, where they must be 0');
  }
  return found;
}
