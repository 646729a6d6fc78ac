/** What all associative memories of ±1 units share: patterns, energies, overlaps and recall. */
import type { Tensor } from '../core/tensor';
import { readState, type HopfieldState } from './patterns';
import {
  recall,
  steps,
  type RecallOptions,
  type RecallResult,
  type RecallStep,
  type StateFields,
} from './recall';

/**
 * An associative memory of N units of ±1: stored patterns are minima of its energy, and recall descends from a probe to a
 * minimum near it. Created by `hopfield` or `denseHopfield`.
 *
 *   patterns [P, N]   state [N] of ±1
 *
 * @example
 * const anyOrder = [hopfield({ patterns: [[1, -1]] }), denseHopfield({ patterns: [[1, -1]] })];
 * anyOrder.map((one) => one.overlaps([1, -1])[0]); // [1, 1]
 */
export class AssociativeMemory {
  private known: StateFields | undefined;

  /**
   * @param patterns [P, N]
   * @param maker the function that made it, for error messages.
   * @param makeFields makes what computes fields, energies and overlaps; a recall by steps has one of its own.
   */
  constructor(
    readonly patterns: Tensor,
    private readonly maker: string,
    private readonly makeFields: (memory: never) => StateFields,
  ) {}

  private get fields(): StateFields {
    return (this.known ??= this.makeFields(this as never));
  }

  /** N */
  get units(): number {
    return this.patterns.shape[1];
  }

  /**
   * h_i, half the drop of the energy when unit i changes from −1 to +1: its update sets it to the sign of h_i. Exactly zero
   * if it is zero up to rounding.
   */
  field(state: HopfieldState, unit: number): number {
    return this.fields.of(state).units([unit]).h[0];
  }

  /**
   * E of a state; asynchronous recall never raises it.
   * @throws RangeError unless the state is N values of ±1.
   */
  energy(state: ArrayLike<number>): number {
    return this.fields.of(this.read(state, 'energy')).all().E[0];
  }

  /**
   * The overlap of a state with each pattern, Σ_i ξ_i s_i / N: 1 for the pattern itself, −1 for its negative, about 0 for a
   * random state.
   * @throws RangeError unless the state is N values of ±1.
   */
  overlaps(state: ArrayLike<number>): number[] {
    return this.fields.of(this.read(state, 'overlaps')).overlaps();
  }

  /**
   * Recalls a pattern from a probe: updates units until the state is a fixed point or part of a cycle.
   *
   * Asynchronous recall updates one unit at a time, in a new random order for each sweep over all units; every change
   * lowers the energy, so it always ends in a fixed point. Synchronous recall updates all units at once, and may also end in
   * a cycle: of two states if the energy is quadratic (Goles, Fogelman & Pellegrin 1985), else also a longer one. Where the
   * energy is even, recall may also end in the negative of a stored pattern, which has the same energy.
   *
   * @throws RangeError unless the probe is N values of ±1; TypeError for an unknown option.
   * @example
   * const memory = hopfield({ patterns: [[1, 1, 1, 1], [1, -1, 1, -1]] });
   * memory.recall([1, 1, 1, -1], { mode: 'asynchronous' }).outcome // 'fixed point'
   */
  recall(probe: ArrayLike<number>, options: RecallOptions = {}): RecallResult {
    return recall(this.fields, this.read(probe, 'recall', 'the probe'), options, `${this.maker}.recall`);
  }

  /**
   * As `recall`, but yields intermediate states: first the probe, then the state after each flip (asynchronous) or each
   * sweep (synchronous).
   * @example for (const { state, energy } of memory.steps(probe)) draw(state, energy);
   */
  steps(probe: ArrayLike<number>, options: RecallOptions = {}): Generator<RecallStep, RecallResult, void> {
    const state = this.read(probe, 'steps', 'the probe');
    return steps(this.makeFields(this as never), state, options, `${this.maker}.steps`);
  }

  private read(state: ArrayLike<number>, method: string, name = 'the state'): HopfieldState {
    const { units, maker } = this;
    return readState(state, units, `${maker}.${method}`, name, `N = ${units} is fixed by the patterns`);
  }
}
