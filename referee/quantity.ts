/** Recognizes mistakes from one gradient alone: sign, mean for sum, transpose, order of gates, `=` for `+=`. */
import { declare } from '../core/equations/declare';
import { once } from '../core/once';
import type { Cell } from '../cells/cell';
import type { Unroll } from '../bptt/unroll';
import type { Contributions } from './steps';
import type { Named } from './subject';

/** An explanation of one gradient, in words that follow `your dWx`: `is 1/3 of ours …`. */
export interface Reading {
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
export interface Place {
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
export function readings(
  { quantity, given, shape, ours, tolerance }: Comparison,
  place: Place,
  right: Named,
): Reading[] {
  const found: Reading[] = [];
  const add = (words: string): void => void found.push({ words });
  const { shape: own, cell } = place;
  const [rows, columns] = own;
  if (shape && own.length === 2 && shape[0] === columns && shape[1] === rows && rows !== columns) {
    const turned = ours.map((_, k) => given[(k % columns) * rows + Math.floor(k / columns)]);
    if (near(turned, ours, tolerance))
      add(`are the transpose of ours: their shape must be [${own.join(', ')}]`);
  }
  if (given.length !== ours.length) return found;

  if (given.every((v) => v === 0) && largest(ours) > tolerance)
    add('are 0 everywhere: nothing was written to them');
  const ratio = ratioOf(given, ours);
  if (
    ratio !== undefined &&
    near(
      given,
      ours.map((v) => ratio * v),
      tolerance * Math.max(1, Math.abs(ratio)),
    )
  )
    for (const words of factors(ratio, place, tolerance / (largest(ours) || 1))) add(words);

  if (rows === columns && own.length === 2) {
    const turned = ours.map((_, k) => ours[(k % columns) * rows + Math.floor(k / columns)]);
    if (near(given, turned, tolerance)) add('are the transpose of ours');
  }
  for (const { names, of } of cell ? gateOrders(cell) : []) {
    const values = of(ours, own);
    if (cell && values && near(given, values, tolerance))
      add(`hold the gates in the order ${names.join(' ')}; ours is ${gatesOf(cell).join(' ')}`);
  }
  if (cell && found.length === 0) {
    const copied = copiedGates(given, ours, cell, own, tolerance);
    if (copied) add(`hold the gates ${copied.join(' ')}; ours are ${gatesOf(cell).join(' ')}`);
  }
  for (const [other, values] of Object.entries(right))
    if (other !== quantity && near(given, values, tolerance)) add(`are our ${other}`);
  if (quantity === 'dx') for (const words of inTime(given, ours, tolerance, place)) add(words);

  if (cell && place.contributions && Object.hasOwn(cell.parameters, place.local.slice(1))) {
    const { byStep, byRow } = place.contributions();
    const parts = (all: Named[], what: string, first: string, last: string): void =>
      all.forEach((part, k) => {
        if (all.length < 2) return;
        const values = part[quantity];
        const edge = k === 0 ? `, ${first}` : k === all.length - 1 ? `, ${last}` : '';
        if (near(given, values, tolerance)) add(`are what ${what} ${k} alone adds to ours${edge}`);
        const rest = ours.map((v, j) => v - values[j]);
        if (largest(values) > tolerance && near(given, rest, tolerance))
          add(
            `are ours without what ${what} ${k} adds${edge === '' ? '' : `, the ${k === 0 ? 'first' : 'last'} one`}`,
          );
      });
    parts(
      byStep,
      'step',
      'the last one to be taken: `=` stands where `+=` belongs',
      'the first one to be taken: the later ones are not added',
    );
    parts(
      byRow,
      'row',
      'the first one: the others are not added',
      'the last one: `=` stands where `+=` belongs',
    );
  }
  return found;
}

/** The gate of ours that each gate equals, if some equal another's; undefined if a gate equals none of them. */
function copiedGates(
  given: readonly number[],
  ours: readonly number[],
  cell: Cell,
  shape: readonly number[],
  tolerance: number,
): string[] | undefined {
  const gates = gatesOf(cell);
  const { hidden: H } = cell;
  const width = shape[shape.length - 1];
  if (gates.length < 2 || width !== gates.length * H) return undefined;
  const block = (numbers: readonly number[], gate: number): number[] =>
    numbers.filter((_, k) => Math.floor((k % width) / H) === gate);
  const held = gates.map((_, k) => {
    const own = block(given, k);
    return gates.find((_gate, j) => near(own, block(ours, j), tolerance));
  });
  const all = held.every((gate) => gate !== undefined);
  return all && held.some((gate, k) => gate !== gates[k]) ? held : undefined;
}

/** The least-squares factor between two lists; undefined if ours is 0. */
function ratioOf(given: readonly number[], ours: readonly number[]): number | undefined {
  const square = ours.reduce((sum, v) => sum + v * v, 0);
  if (square === 0) return undefined;
  const ratio = given.reduce((sum, v, k) => sum + v * ours[k], 0) / square;
  return Number.isFinite(ratio) && ratio !== 0 ? ratio : undefined;
}

function factors(ratio: number, { T, B }: Place, precision: number): string[] {
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
export interface GateOrder {
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
export const gateOrders = once((cell: Cell): GateOrder[] => {
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
function inTime(
  given: readonly number[],
  ours: readonly number[],
  tolerance: number,
  { T, B, shape, unroll }: Place,
): string[] {
  const width = shape[shape.length - 1];
  const block = B * width;
  const at = (t: number, k: number): number => (t >= 0 && t < T ? ours[t * block + k] : 0);
  const moved = (time: (t: number) => number): number[] =>
    ours.map((_, k) => at(time(Math.floor(k / block)), k % block));
  const found: string[] = [];
  if (T > 1) {
    if (
      near(
        given,
        moved((t) => t + 1),
        tolerance,
      )
    )
      found.push('are ours one step early: step t holds what belongs to t + 1');
    if (
      near(
        given,
        moved((t) => t - 1),
        tolerance,
      )
    )
      found.push('are ours one step late: step t holds what belongs to t − 1');
    if (
      near(
        given,
        moved((t) => T - 1 - t),
        tolerance,
      )
    )
      found.push('are ours with the steps in reverse');
  }
  const valid = unroll?.options.valid;
  if (valid) {
    const live = (k: number): boolean => valid.get(Math.floor(k / width), 0) > 0;
    if (
      near(
        given.filter((_, k) => live(k)),
        ours.filter((_, k) => live(k)),
        tolerance,
      )
    )
      found.push('are right but for the padding, where they must be 0');
  }
  return found;
}
