/** Recall in a Hopfield network: updates the state until it is a fixed point or a 2-cycle. */
import { mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import { mustBeRandom, Random } from '../core/random/random';
import type { Data } from '../core/memory';
import type { HopfieldState } from './patterns';

/** The fields, updates, energy and overlaps of a state that may change between calls. */
export interface StateFields {
  /** Sets the state. */
  of(state: HopfieldState): this;
  /** Flips one unit. */
  flip(unit: number): void;
  /**
   * The fields of `count` of the given units from the k-th on, and their next states, in buffers that the next call
   * overwrites. If the state changes, only those up to the change are valid.
   */
  units(units: readonly number[], k?: number): { h: Data; next: Data; count: number };
  /** The fields of all units, their next states and the energy, in buffers that the next call overwrites. */
  all(): { h: Data; next: Data; E: Data };
  overlaps(): number[];
}

/** Whether units are updated one at a time, each from the current states of the others, or all at once. */
export type RecallMode = 'asynchronous' | 'synchronous';
export const modes: readonly RecallMode[] = ['asynchronous', 'synchronous'];

/** Options of a recall. */
export interface RecallOptions {
  /** One unit at a time (default), or all at once. */
  mode?: RecallMode;
  /** Generator of the order of asynchronous updates; default one of seed 0. */
  random?: Random;
  /** Maximum number of sweeps over all units; default unlimited, because recall always ends. */
  sweeps?: number;
}

/** An intermediate state of a recall. */
export interface RecallStep {
  /** Number of the current sweep; 0 for the probe. */
  sweep: number;
  /** The units that have just been flipped. */
  flipped: readonly number[];
  /** E of this state; asynchronous updates never raise it. */
  energy: number;
  /** The current state itself, not a copy: the next step changes it. */
  state: HopfieldState;
}

/** Where a recall ended. */
export interface RecallEnd {
  /** The final state [N]. */
  state: HopfieldState;
  /**
   * `fixed point`: no update changes the state. `2-cycle`: synchronous updates alternate between this state and `other`.
   * `longer cycle`: they return to this state after `period` sweeps, which only energies of an order above 2 allow.
   * `stopped`: the maximum number of sweeps was reached before any of these.
   */
  outcome: 'fixed point' | '2-cycle' | 'longer cycle' | 'stopped';
  other?: HopfieldState;
  period?: number;
  /** E of the state. */
  energy: number;
  /** Number of sweeps, including the last one without a change. */
  sweeps: number;
}

/** Where a recall ended, and the nearest stored pattern. */
export interface RecallResult extends RecallEnd {
  /** The index of the stored pattern with the largest absolute overlap. */
  pattern: number;
  /** The overlap with it: 1 for the pattern itself, −1 for its negative. */
  overlap: number;
}

export function recall(...given: Parameters<typeof steps>): RecallResult {
  const moments = steps(...given);
  for (;;) {
    const { value, done } = moments.next();
    if (done) return value;
  }
}

export function* steps(
  fields: StateFields,
  state: HopfieldState,
  options: RecallOptions,
  where: string,
): Generator<RecallStep, RecallResult, void> {
  mustKnowKeys(options, ['mode', 'random', 'sweeps'], where);
  const { random = new Random(), sweeps = Infinity } = options;
  mustBeRandom(random, where);
  const mode = mustBeOneOf(options.mode ?? 'asynchronous', modes, where, 'mode');
  if (sweeps !== Infinity) mustCount(sweeps, where, 'sweeps');
  const ending = yield* mode === 'synchronous'
    ? synchronous(fields, state, sweeps)
    : asynchronous(fields, state, sweeps, random);
  const overlaps = fields.of(ending.state).overlaps();
  const pattern = overlaps.reduce((best, m, k) => (Math.abs(m) > Math.abs(overlaps[best]) ? k : best), 0);
  return { ...ending, pattern, overlap: overlaps[pattern] };
}

/** A recall to its end, with the energy of every state on the way. */
export function followed(moments: Generator<RecallStep, RecallResult, void>): {
  energies: number[];
  end: RecallResult;
} {
  const energies: number[] = [];
  for (;;) {
    const { value, done } = moments.next();
    if (done) return { energies, end: value };
    energies.push(value.energy);
  }
}

/** Number of units that differ from the nearest pattern, or from its mirror image if that is nearer. */
export const unitsOff = ({ overlap, state }: RecallResult): number =>
  Math.round(((1 - Math.abs(overlap)) / 2) * state.length);

function* asynchronous(
  fields: StateFields,
  state: HopfieldState,
  sweeps: number,
  random: Random,
): Generator<RecallStep, RecallEnd, void> {
  const order = Array.from(state.keys());
  let [energy] = fields.of(state).all().E;
  yield { sweep: 0, flipped: [], energy, state };
  for (let sweep = 1; sweep <= sweeps; sweep++) {
    let still = true;
    random.shuffle(order);
    for (let k = 0; k < order.length;) {
      const { h, next, count } = fields.units(order, k);
      let same = 0;
      while (same < count && next[same] === state[order[k + same]]) same++;
      k += same;
      if (same === count) continue;
      const unit = order[k++];
      still = false;
      state[unit] *= -1;
      fields.flip(unit);
      // the unit's term s_i h_i was −|h| and is now |h|
      energy -= 2 * Math.abs(h[same]);
      yield { sweep, flipped: [unit], energy, state };
    }
    if (still) return { state, outcome: 'fixed point', energy, sweeps: sweep };
  }
  return { state, outcome: 'stopped', energy, sweeps };
}

/**
 * Updates all units at once. With an energy of order 2, only 2-cycles are possible: Σ_i s_i(t) h_i(t − 1) never decreases,
 * and if it stays the same, every unit without a tie (h_i = 0) has returned to its state of two steps ago. A unit that
 * changes within a cycle is therefore never tied, and returns after two steps. Energies of a higher order also have longer
 * cycles, which are found by comparison with an earlier state, renewed at every power of two (Brent 1980).
 */
function* synchronous(
  fields: StateFields,
  state: HopfieldState,
  sweeps: number,
): Generator<RecallStep, RecallEnd, void> {
  const units = Array.from(state.keys());
  let flipped: number[] = [];
  let earlier = { sweep: 0, state: state.slice() };
  for (let sweep = 0; ; sweep++) {
    const { next, E } = fields.of(state).all();
    const [energy] = E;
    yield { sweep, flipped, energy, state };
    if (sweep === sweeps) return { state, outcome: 'stopped', energy, sweeps };
    const last = flipped;
    flipped = units.filter((i) => next[i] !== state[i]);
    if (flipped.length === 0) return { state, outcome: 'fixed point', energy, sweeps: sweep + 1 };
    const other = state.slice();
    for (const i of flipped) other[i] *= -1;
    // the same units flip back: the next state is the previous one
    if (flipped.length === last.length && flipped.every((unit, k) => unit === last[k]))
      return { state, outcome: '2-cycle', other, energy, sweeps: sweep + 1 };
    state.set(other);
    if (units.every((i) => state[i] === earlier.state[i])) {
      const period = sweep + 1 - earlier.sweep;
      return {
        state,
        outcome: 'longer cycle',
        period,
        energy: fields.of(state).all().E[0],
        sweeps: sweep + 1,
      };
    }
    if (sweep + 1 >= 2 * earlier.sweep) earlier = { sweep: sweep + 1, state: state.slice() };
  }
}
