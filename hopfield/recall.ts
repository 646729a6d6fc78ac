/** Recall: a Hopfield network's state, updated until it settles. */
import { mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import { Random } from '../core/random';
import type { Fields } from './fields';
import type { HopfieldState } from './patterns';

/** Whether units are updated one at a time, each on what the others have become, or all at once. */
export type RecallMode = 'asynchronous' | 'synchronous';
export const modes: readonly RecallMode[] = ['asynchronous', 'synchronous'];

/** How a recall is run, and when it stops. */
export interface RecallOptions {
  /** One unit at a time (default), or all at once. */
  mode?: RecallMode;
  /** Draws the order of asynchronous updates; default a generator of seed 0. */
  random?: Random;
  /** Stops after so many sweeps over all units; default when the state has settled, which it always does. */
  sweeps?: number;
}

/** What is to be seen of a recall at one moment. */
export interface RecallStep {
  /** Sweeps begun: 0 for the probe. */
  sweep: number;
  /** The units that have just changed. */
  flipped: readonly number[];
  /** E of this state; asynchronous updates never raise it. */
  energy: number;
  /** The network's own state, which the next moment changes. */
  state: HopfieldState;
}

/** Where a recall ended. */
export interface RecallEnd {
  /** Where it ended, [N]. */
  state: HopfieldState;
  /**
   * `fixed point`: no update changes the state. `2-cycle`: synchronous updates go to and fro between this and `other`.
   * `stopped`: neither, yet.
   */
  outcome: 'fixed point' | '2-cycle' | 'stopped';
  other?: HopfieldState;
  /** E of the state. */
  energy: number;
  /** Sweeps made, with the one in which nothing changed. */
  sweeps: number;
}

/** How a recall ended, and what came of it. */
export interface RecallResult extends RecallEnd {
  /** The stored pattern that is nearest to the state or to its mirror image. */
  pattern: number;
  /** How far they agree: 1 is the pattern itself, −1 its mirror image. */
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
    for (const unit of random.shuffle(order)) {
      const { h, next } = fields.unit(unit);
      if (next[0] === state[unit]) continue;
      still = false;
      state[unit] *= -1;
      fields.flip(unit);
      // the terms that hold this unit, s_i h_i, were −|h| and are |h| now
      energy -= 2 * Math.abs(h[0]);
      yield { sweep, flipped: [unit], energy, state };
    }
    if (still) return { state, outcome: 'fixed point', energy, sweeps: sweep };
  }
  return { state, outcome: 'stopped', energy, sweeps };
}

/**
 * All units at once. Two states ago is as far back as one has to look: Σ_i s_i(t) h_i(t − 1) never falls, and where it
 * stays the same every unit that does not keep its state at a tie returns to where it was two steps before. So one that
 * changes in a cycle is never tied, and is back after two steps.
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
    // what changed comes back: the state after this one is the one before it
    if (flipped.length === last.length && flipped.every((unit, k) => unit === last[k]))
      return { state, outcome: '2-cycle', other, energy, sweeps: sweep + 1 };
    state.set(other);
  }
}
