/** Recall in a Hopfield network: updates the state until it is a fixed point or a 2-cycle. */
import { mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import { Random } from '../core/random';
import type { Fields } from './fields';
import type { HopfieldState } from './patterns';

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
   * `stopped`: the maximum number of sweeps was reached before either.
   */
  outcome: 'fixed point' | '2-cycle' | 'stopped';
  other?: HopfieldState;
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

export function recall(fields: Fields, state: HopfieldState, options: RecallOptions): RecallResult {
  const moments = steps(fields, state, options);
  for (;;) {
    const { value, done } = moments.next();
    if (done) return value;
  }
}

export function* steps(
  fields: Fields,
  state: HopfieldState,
  options: RecallOptions,
): Generator<RecallStep, RecallResult, void> {
  const where = 'hopfield.recall';
  mustKnowKeys(options, ['mode', 'random', 'sweeps'], where);
  const { random = new Random(), sweeps = Infinity } = options;
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
  fields: Fields,
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
 * Updates all units at once. Only 2-cycles are possible, so it suffices to compare with the state two steps ago:
 * Σ_i s_i(t) h_i(t − 1) never decreases, and if it stays the same, every unit without a tie (h_i = 0) has returned to its
 * state of two steps ago. A unit that changes within a cycle is therefore never tied, and returns after two steps.
 */
function* synchronous(
  fields: Fields,
  state: HopfieldState,
  sweeps: number,
): Generator<RecallStep, RecallEnd, void> {
  const units = Array.from(state.keys());
  let flipped: number[] = [];
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
  }
}
