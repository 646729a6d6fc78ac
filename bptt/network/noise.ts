/**
 * The noise of training that a network's options ask for: dropout, variational dropout and zoneout.
 *
 * Variational dropout has one mask for a whole sequence (the T steps of a batch), at the input of every layer, at the output
 * layer, and at the recurrent connections of every cell.
 */
import { parse, type Expression } from '../../core/equations/parse';
import { isNumber, must, mustBe, mustBeSwitch } from '../../core/check';
import type { Dtype } from '../../core/memory';
import { zeros, type Tensors } from '../../core/tensor';
import type { Cell } from '../../cells/cell';
import type { StateMasks } from '../statenoise';
import { dropoutMask, zoneoutMask, type Mask } from './mask';

/** The noise that training adds within the recurrence. */
export interface NoiseOptions {
  /**
   * Dropout with one mask for all steps of a batch, also at the numbers of the input and at the recurrent connections; default
   * false. `dropout` must then be one number. Source: Gal & Ghahramani 2016.
   */
  variational?: boolean;
  /**
   * Probability that a unit keeps its state in a step while training, for all states or by their names: `{ h: 0.05, c: 0.5 }`;
   * in evaluation, old and new states are mixed in that proportion. The output of a layer is the mixed h, that of a residual
   * layer h + x. Default 0. Source: Krueger et al. 2017.
   */
  zoneout?: number | Readonly<Record<string, number>>;
}
type Zoneout = NonNullable<NoiseOptions['zoneout']>;
type Dropout = number | readonly number[];

/** The same with defaults filled in. */
export interface Noise {
  isVariational: boolean;
  /** The probability of dropping a recurrent connection. */
  drop: number;
  zoneout: Zoneout;
}

export const noiseOf = ({
  dropout,
  variational = false,
  zoneout = 0,
}: NoiseOptions & { dropout: Dropout }): Noise => ({
  isVariational: variational,
  drop: variational && typeof dropout === 'number' ? dropout : 0,
  zoneout,
});

/** The masks of a cell's states: by their place, and in the order in which they are drawn. */
export function stateMasks(
  cell: Cell,
  { drop, zoneout }: Noise,
  { T, B, dtype }: { T: number; B: number; dtype: Dtype },
): { masks: StateMasks; all: Mask[] } {
  const zones: Tensors = {};
  const all: Mask[] = [];
  for (const [s, width] of Object.entries(cell.states)) {
    const p = typeof zoneout === 'number' ? zoneout : (zoneout[s] ?? 0);
    if (p === 0 || !remembers(cell, s)) continue;
    zones[s] = zeros([T * B, width], dtype);
    all.push(zoneoutMask(zones[s], p));
  }
  const state = recurrentState(cell);
  if (drop === 0 || state === undefined) return { masks: { zones }, all };
  const keep = zeros([B, cell.states[state]], dtype);
  return { masks: { zones, dropped: { state, keep } }, all: [...all, dropoutMask(keep, drop)] };
}

/** The state whose recurrent connections are dropped: the first that a step reads; none of a dense layer. */
const recurrentState = (cell: Cell): string | undefined =>
  Object.keys(cell.states).find((s) => remembers(cell, s));

/** Whether a step reads a state of the step before; that of a dense or a residual layer is only its output. */
const remembers = ({ equations }: Cell, s: string): boolean =>
  equations === undefined || new RegExp(`\\b${s}Prev\\b`).test(equations.forward);

/**
 * Checks the options of noise for the cells of a network, and returns those that are set.
 * @throws RangeError for a probability outside 0 ≤ p < 1, or a state that no step reads; TypeError for variational dropout of
 *   a cell whose recurrent connections are not products of its state alone.
 */
export function noiseOptions(
  { dropout = 0, variational = false, zoneout = 0 }: NoiseOptions & { dropout?: Dropout },
  cells: readonly Cell[],
  where: string,
): NoiseOptions {
  mustBeSwitch({ variational }, 'variational', where);
  if (variational) {
    const got = typeof dropout === 'number' ? dropout : 'a list';
    must(
      typeof dropout === 'number' && dropout > 0,
      where,
      'dropout must be a number > 0 if variational',
      got,
    );
    for (const cell of cells) {
      const state = recurrentState(cell);
      const what = `variational must be left out for ${cell.name}`;
      const why = `its ${state}Prev is read outside of products too`;
      mustBe(state === undefined || entersByProducts(cell, state), where, what, variational, why);
    }
  }
  const isZoned = mustBeZoneout(zoneout, cells, where);
  return { ...(variational && { variational }), ...(isZoned && { zoneout }) };
}

function mustBeProbability(p: unknown, name: string, where: string): void {
  must(isNumber(p) && p >= 0 && p < 1, where, `${name} must be in 0 ≤ p < 1`, p);
}

/** Checks zoneout; false if it is 0 everywhere. */
function mustBeZoneout(zoneout: Zoneout, cells: readonly Cell[], where: string): boolean {
  if (typeof zoneout !== 'object' || zoneout === null) {
    mustBeProbability(zoneout, 'zoneout', where);
    return zoneout > 0;
  }
  const read = (cell: Cell): string[] => Object.keys(cell.states).filter((s) => remembers(cell, s));
  const states = [...new Set(cells.flatMap(read))];
  for (const [s, p] of Object.entries(zoneout)) {
    must(states.includes(s), where, `zoneout must name states of the cells (${states.join(', ')})`, s);
    mustBeProbability(p, `zoneout of ${s}`, where);
  }
  return Object.values(zoneout).some((p) => p > 0);
}

/** Whether a cell reads a previous state only as the left factor of matrix products. */
function entersByProducts({ name, equations }: Cell, state: string): boolean {
  const before = `${state}Prev`;
  if (equations === undefined) return false;
  const isInside = (e: Expression): boolean => {
    if (e.kind === 'name') return e.name !== before;
    if (e.kind === 'number') return true;
    if (e.kind === 'transpose') return isInside(e.of);
    const [first, ...rest] = e.args;
    const isFactor = e.kind === 'product' && first.kind === 'name' && first.name === before;
    return (isFactor ? rest : e.args).every(isInside);
  };
  return parse(equations.forward, name).every(({ expression }) => isInside(expression));
}
