/** A small network and a batch with class weights, and the loss and gradient they give. */
import { network, type Network } from '../bptt/network/network';
import type { Batch } from '../bptt/network/batch/batch';
import { gru } from '../cells/gru';
import { toFlat } from '../core/tensor';

export const make = (options: Partial<Parameters<typeof network>[0]> = {}): Network =>
  network({ layers: [gru({ input: 4, hidden: 3 })], output: 3, loss: 'softmax', seed: 5, ...options });
export const x = { shape: [3, 2], numbers: [0, 1, 2, 3, 1, 0] };
export const numbers = [0, 1, 2, 2, 1, 0];
export const targets = { shape: [3, 2], numbers };
/** Of the classes. */
export const each = [0.5, 2, 3];
export const weighted: Batch = {
  x,
  targets,
  weights: { shape: [3, 2], numbers: numbers.map((k) => each[k]) },
};

/** Loss and gradient of the output's bias, which is the sum of dL/dy over all rows. */
export function measured(net: Network, batch: Batch): { loss: number; dby: number[] } {
  net.parameters.zeroGradients();
  const pass = net.forward(batch);
  pass.backward();
  return { loss: pass.loss, dby: toFlat(net.parameters.gradients['head.by']) };
}
