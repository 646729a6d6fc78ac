/** Weights of targets in chunks, on threads and in accumulated steps. */
import { join } from 'node:path';
import type { Batch } from '../bptt/network/batch/batch';
import { sizeOfPass } from '../bptt/network/passes/pass';
import { fit } from '../bptt/train/fit';
import { evaluate } from '../bptt/train/learner';
import { truncated } from '../bptt/truncated';
import { toFlat } from '../core/tensor';
import { parallel } from '../bptt/parallel/parallel';
import { each, make, measured, numbers, weighted, x } from './weightedbatch';

const register = join(__dirname, '..', 'scripts', 'register.js');
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
