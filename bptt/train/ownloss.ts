/** A loss of one's own in training: a function of the outputs that also gives the gradient. */
import { mustBe } from '../../core/check';
import type { Network } from '../network/network';
import type { Pass } from '../network/passes/pass';
import type { Upstream } from '../network/batch/upstream';
import type { StreamBatch } from './source';

/** The loss of a batch, dL/doutput, and, if it depends on them, dL/dfinal states. */
export interface LossResult extends Required<Pick<Upstream, 'output'>>, Pick<Upstream, 'states'> {
  loss: number;
}

/**
 * A loss of one's own, for `fit`: reads the outputs of a pass (`pass.output`, `pass.states`) and whatever the batch holds, and
 * returns the loss with its gradient.
 * @example
 * // half the sum of the squared errors
 * const half: LossFunction = ({ output }, { targets }) => {
 *   const error = toFlat(output).map((y, k) => y - (targets as number[][][]).flat(2)[k]);
 *   const loss = error.reduce((sum, e) => sum + (e * e) / 2, 0);
 *   return { loss, output: { shape: output.shape, numbers: error } };
 * };
 */
export interface LossFunction {
  (pass: Pass, batch: StreamBatch): LossResult;
  /** Throws for a network that it does not fit, before training begins. */
  check?: (network: Network) => void;
}

/**
 * The loss of a pass.
 * @throws TypeError for a result without a loss or a gradient, such as the promise of one.
 */
export function resultOf(lossOf: LossFunction, pass: Pass, batch: StreamBatch): LossResult {
  const result: unknown = lossOf(pass, batch);
  const isResult = typeof result === 'object' && result !== null && 'loss' in result && 'output' in result;
  mustBe(isResult, 'loss', 'the function must return { loss, output }', result, 'output is dL/doutput');
  return result as LossResult;
}

/** Throws unless a network can be trained with a loss of one's own and these options. */
export function mustTakeOwn(
  network: Network,
  lossOf: LossFunction,
  { chunk, threads }: { chunk: unknown; threads: unknown },
): void {
  const where = 'fit';
  const { loss } = network.architecture;
  mustBe(loss === undefined, where, 'the network must be without a loss', loss, 'fit is given another one');
  const one = threads === undefined || threads === 1;
  mustBe(one, where, 'threads must be 1', threads, 'a function cannot be sent to other threads');
  const why = 'a loss of your own is of whole batches; divide them yourself';
  mustBe(chunk === undefined, where, 'chunk must be left out', chunk, why);
  lossOf.check?.(network);
}
