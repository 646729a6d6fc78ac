/** How the biases of an LSTM start: at 0 with a forget bias, or for dependencies of up to a number of steps. */
import { must } from '../../core/check';
import { chrono, constant, gates, type Initializer } from '../../core/random/init';

/** Options of `lstm` about its biases. */
export interface LstmBiasOptions {
  /** Initial bias of the forget gate; default 1, so that a new network remembers. */
  forgetBias?: number;
  /**
   * Starts the biases for dependencies of up to this many steps, a number above 2, instead of `forgetBias`: `init.chrono`; default
   * 0, which means not.
   */
  chrono?: number;
}

/**
 * The initial biases [4H] of the gates i f g o, and the options that a checkpoint holds about them.
 *
 * @throws RangeError for a forget bias or `chrono` without biases, both together, or a `chrono` of 2 or less.
 * @example lstmBias({}, true).options // { chrono: 0, forgetBias: 1 }
 */
export function lstmBias(
  { forgetBias, chrono: longest = 0 }: LstmBiasOptions,
  bias: boolean,
): { init: Initializer; options: LstmBiasOptions } {
  if (longest === 0) {
    const start = forgetBias ?? (bias ? 1 : 0);
    must(bias || start === 0, 'lstm', 'forgetBias must be 0 without biases', start);
    return { init: gates(4, [0, start, 0, 0].map(constant)), options: { chrono: 0, forgetBias: start } };
  }
  must(bias, 'lstm', 'chrono must be 0 without biases', longest);
  must(longest > 2, 'lstm', 'chrono must be 0 or a number > 2', longest);
  must(forgetBias === undefined, 'lstm', 'forgetBias must be left out with chrono', forgetBias);
  return { init: chrono(longest), options: { chrono: longest } };
}
