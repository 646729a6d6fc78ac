/** States that are carried from one pass over a sequence to the next. */
import { mustBe } from '../../../core/check';
import type { Tensor } from '../../../core/tensor';

let timeOf: (states: object) => number | undefined;

/**
 * States by name, `l0.h` [B, H], after the last step of a pass, and the time of that step; the next pass takes them as
 * `from`.
 * @example
 * const first = net.forward(batch);
 * const second = net.forward(batch, { from: first.states }); // goes on where the first pass ended
 */
export class States<V = Tensor> {
  readonly [name: string]: V;
  readonly #clock: number;

  static {
    timeOf = (states) => (#clock in states ? states.#clock : undefined);
  }

  /** @internal a pass makes them */
  constructor(clock: number, states: Readonly<Record<string, V>>) {
    this.#clock = clock;
    Object.assign(this, states);
  }
}

/**
 * The time of states on the sequence's clock, which clockwork cells use.
 * @throws TypeError for values that are not the states of a pass.
 */
export function clockOf(states: object, where: string): number {
  const clock = timeOf(Object(states) as object);
  const why = 'pass.states; values by name are handed in with the batch, as initial';
  if (clock === undefined) mustBe(false, where, 'from must be the states of a pass', states, why);
  return clock;
}
