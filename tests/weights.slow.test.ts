/** Weights of targets in chunks, on threads and in accumulated steps. */
import { join } from 'node:path';
import { network, type Network } from '../bptt/network/network';
import type { Batch } from '../bptt/network/batch';
import { sizeOfPass } from '../bptt/network/pass';
import { fit } from '../bptt/train/fit';
import { evaluate } from '../bptt/train/learner';
import { truncated } from '../bptt/truncated';
import { gru } from '../cells/gru';
import { toFlat } from '../core/tensor';
import { parallel } from '../bptt/parallel/parallel';

const register = join(__dirname, '..', 'scripts', 'register.js');
const make = (options: Partial<Parameters<typeof network>[0]> = {}): Network =>
  network({ layers: [gru({ input: 4, hidden: 3 })], output: 3, loss: 'softmax', seed: 5, ...options });
const x = { shape: [3, 2], numbers: [0, 1, 2, 3, 1, 0] };
const numbers = [0, 1, 2, 2, 1, 0];
const targets = { shape: [3, 2], numbers };
/** Of the classes. */
const each = [0.5, 2, 3];
const weighted: Batch = { x, targets, weights: { shape: [3, 2], numbers: numbers.map((k) => each[k]) } };

/** Loss and gradient of the output's bias, which is the sum of dL/dy over all rows. */
function measured(net: Network, batch: Batch): { loss: number; dby: number[] } {
  net.parameters.zeroGradients();
  const pass = net.forward(batch);
  pass.backward();
  return { loss: pass.loss, dby: toFlat(net.parameters.gradients['head.by']) };
}

test('in chunks, by threads and in accumulated steps it is the same mean', async () => {
  const net = make();
  const { loss, dby } = measured(net, weighted);
  net.parameters.zeroGradients();
  expect(truncated(net, weighted, { chunk: 3 }).loss).toBe(loss);
  const inSegments = make();
  const pass = inSegments.forward(weighted, { checkpointEvery: 2 });
  pass.backward();
  expect(pass.loss).toBe(loss);
  expect(toFlat(inSegments.parameters.gradients['head.by'])).toEqual(dby);
  expect(sizeOfPass(pass)).toEqual({ rows: 11, tokens: 6 });
  // the sum over both chunks: each weight counts in the mean of the whole
  expect(truncated(make(), weighted, { chunk: 2 }).loss).toBeCloseTo(loss, 14);
  const shared = make();
  const team = await parallel(shared, { threads: 2, execArgv: ['-r', register] });
  try {
    shared.parameters.zeroGradients();
    const { loss: sum, rows } = await team.forwardBackward(weighted);
    expect(sum).toBeCloseTo(loss, 14);
    expect(rows).toBe(11);
    toFlat(shared.parameters.gradients['head.by']).forEach((value, k) =>
      expect(value).toBeCloseTo(dby[k], 14),
    );
  } finally {
    team.close();
  }
  expect(evaluate(net, weighted)).toEqual({ loss: loss * 11, rows: 11 });
  const row = (b: number): Batch => ({
    x: { shape: [3, 1], numbers: [0, 1, 2].map((t) => x.numbers[2 * t + b]) },
    targets: { shape: [3, 1], numbers: [0, 1, 2].map((t) => numbers[2 * t + b]) },
    weights: { shape: [3, 1], numbers: [0, 1, 2].map((t) => each[numbers[2 * t + b]]) },
  });
  const losses: number[] = [];
  await fit(make(), [row(0), row(1)], {
    ...{ optimizer: { name: 'sgd', learningRate: 0.1 }, accumulate: 2, steps: 1, threads: 1 },
    onStep: (info) => void losses.push(info.loss),
  });
  expect(losses[0]).toBeCloseTo(loss, 14);
});
