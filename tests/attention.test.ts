/** Attention over the encoder's outputs: its weights, on every executor, and access to them. */
import type { Batch } from '../bptt/network/batch/batch';
import {
  attentionParameters,
  attentionStatements,
  attentionScores,
  type AttentionScore,
} from '../bptt/network/layers/attention';
import { decode } from '../bptt/decode/decode';
import { checkStatements } from '../bptt/check/duals';
import { fit } from '../bptt/train/fit';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { planOf } from '../bptt/network/passes/pass';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { toFlat } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { decodeSafetensors } from '../io/safetensors';
import { testErrors } from './errors';
import { distance, settings } from './executors';

const [S, T, B, D, H, O] = [5, 3, 3, 4, 5, 6];
const lengths = [5, 2, 4];
const random = new Random(1);
const randomArray = (shape: number[]) => ({
  shape,
  numbers: Array.from({ length: shape.reduce((n, k) => n * k, 1) }, () => random.normal()),
});
const x = randomArray([S, B, D]);
const targets = { shape: [T, B], numbers: Array.from({ length: T * B }, () => random.below(O)) };
const batch: Batch = { x, lengths, targets, targetLengths: [1, 3, 2] };

const options = { topology: 'encoder-decoder', output: O, loss: 'softmax', seed: 3 } as const;
const make = (attention: AttentionScore, more: Partial<NetworkOptions> = {}): Network =>
  network({
    ...options,
    encoder: [gru({ input: D, hidden: H })],
    layers: [gru({ input: O, hidden: H })],
    attention,
    ...more,
  });
/** Loss, attention, and all gradients. */
function pass(net: Network, given = batch) {
  net.parameters.zeroGradients();
  const made = net.forward(given);
  const { loss, attention } = made;
  const weights = toFlat(attention!);
  const { x: dx } = made.backward();
  const gradients = Object.entries(net.parameters.gradients).map(([name, t]) => [name, toFlat(t)] as const);
  return { made, loss, weights, dx: toFlat(dx), gradients: Object.fromEntries(gradients) };
}

describe('backward statements against the duals of their forward statements', () => {
  const { combineForward, combineBackward, additiveForward, additiveBackward } = attentionStatements();
  test('what combines context and state', () => {
    const [{ error }] = checkStatements({ forward: combineForward, backward: combineBackward });
    expect(error).toBeLessThan(1e-12);
  });

  test('additive scores: what comes back to u is dscore v', () => {
    const spread = statement(({ keys, q, v }) => ({ score: mul(additiveForward({ keys, q }).u, v) }));
    const back = statement(({ keys, q, v, dscore }) =>
      additiveBackward({ ...additiveForward({ keys, q }), v, dscore }),
    );
    const checks = checkStatements({ forward: spread, backward: back });
    expect(checks.map(({ name }) => name)).toEqual(['dkeys']);
    expect(checks[0].error).toBeLessThan(1e-12);
  });
});

describe.each(settings)('$name', ({ dtype, executorName: executor, rounding }) => {
  const run = { dtype, executor };

  test.each(attentionScores)('%s: weights are a distribution over the valid steps of the source', (score) => {
    const { weights } = pass(make(score, run));
    for (let t = 0; t < T; t++)
      for (let b = 0; b < B; b++) {
        const own = weights.slice((t * B + b) * S, (t * B + b + 1) * S);
        expect(own.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, dtype === 'float64' ? 12 : 5);
        expect(own.slice(lengths[b])).toEqual(Array(S - lengths[b]).fill(0));
        expect(Math.min(...own.slice(0, lengths[b]))).toBeGreaterThan(0);
      }
  });

  test.each(attentionScores)('%s: a row in a batch is what it is alone; padding has no effect', (score) => {
    const net = make(score, { ...run, reduction: 'sum' });
    const together = pass(net);
    const spoilt = x.numbers.map((v, k) =>
      Math.floor(k / (B * D)) < lengths[Math.floor(k / D) % B] ? v : NaN,
    );
    const { made: _, ...numbers } = together;
    expect(pass(net, { ...batch, x: { ...x, numbers: spoilt } })).toMatchObject(numbers);
    let loss = 0;
    const sums: Record<string, number[]> = {};
    lengths.forEach((length, b) => {
      const steps = [1, 3, 2][b];
      const part = (numbers: readonly number[], width: number, count: number) =>
        Array.from({ length: count }, (_, t) =>
          numbers.slice((t * B + b) * width, (t * B + b + 1) * width),
        ).flat();
      const alone = pass(net, {
        x: { shape: [length, 1, D], numbers: part(x.numbers, D, length) },
        targets: { shape: [steps, 1], numbers: part(targets.numbers, 1, steps) },
      });
      loss += alone.loss;
      for (const [name, g] of Object.entries(alone.gradients))
        sums[name] = g.map((v, k) => v + (sums[name]?.[k] ?? 0));
      expect(distance(part(together.dx, D, length), alone.dx)).toBeLessThan(20 * rounding);
    });
    expect(together.loss).toBeCloseTo(loss, dtype === 'float64' ? 12 : 4);
    for (const [name, g] of Object.entries(together.gradients))
      expect(distance(g, sums[name])).toBeLessThan(20 * rounding);
  });
});

test('dot: the weights are the softmax of products of states', () => {
  const net = make('dot');
  const { made, weights } = pass(net);
  const { source, main } = planOf(made);
  for (const [t, b] of [
    [0, 0],
    [2, 1],
    [1, 2],
  ]) {
    const score = Array.from({ length: lengths[b] }, (_, s) => {
      let sum = 0;
      for (let u = 0; u < H; u++)
        sum += main.output.value.get(t * B + b, u) * source!.output.value.get(s * B + b, u);
      return Math.exp(sum);
    });
    const total = score.reduce((sum, v) => sum + v, 0);
    score.forEach((v, s) => expect(weights[(t * B + b) * S + s]).toBeCloseTo(v / total, 12));
  }
});

test('decoding attends as a pass with teacher forcing does', () => {
  for (const attention of attentionScores) {
    const net = make(attention);
    for (const [name, t] of Object.entries(net.parameters.values))
      net.parameters.set(
        name,
        toFlat(t).map((v) => 2 * v),
      );
    const written = decode(net, { x, lengths }, { method: 'beam', width: 3, steps: 4 });
    written.forEach(([{ classes, logProbability }], b) => {
      const numbers = classes.flatMap((c) => Array<number>(B).fill(c));
      const y = toFlat(net.forward({ x, lengths, targets: { shape: [4, B], numbers } }).output);
      const log = classes.reduce((sum, c, t) => {
        const row = y.slice((t * B + b) * O, (t * B + b + 1) * O);
        return sum + row[c] - Math.log(row.reduce((s, v) => s + Math.exp(v), 0));
      }, 0);
      expect(logProbability).toBeCloseTo(log, 10);
    });
  }
});

test('a checkpoint holds it under names of linear layers, and gives it back', () => {
  const net = make('additive');
  const bytes = encodeCheckpoint({ network: net });
  const { tensors } = decodeSafetensors(bytes);
  expect(tensors.get('attention.Wc.weight')?.shape).toEqual([H, 2 * H]);
  expect([...tensors.keys()]).toEqual(
    expect.arrayContaining(['attention.Wq.weight', 'attention.Wk.weight', 'attention.v.weight']),
  );
  expect(pass(decodeCheckpoint(bytes).network)).toEqual(pass(net));
});

test('it learns where to look: copying a source backwards, the weights lie on the other diagonal', async () => {
  const [V, N] = [6, 3];
  const draw = new Random(5);
  function* batches() {
    for (;;) {
      const numbers = Array.from({ length: N * 16 }, () => 1 + draw.below(V - 1));
      const reversed = Array.from({ length: N }, (_, t) =>
        numbers.slice((N - 1 - t) * 16, (N - t) * 16),
      ).flat();
      yield { x: { shape: [N, 16], numbers }, targets: { shape: [N, 16], numbers: reversed } };
    }
  }
  const net = make('general', {
    encoder: [bidirectional(gru({ input: V, hidden: 8 }))],
    layers: [gru({ input: V, hidden: 16 })],
    output: V,
    dtype: 'float32',
  });
  await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 0.02 }, steps: 250, threads: 1 });
  const { loss, attention } = net.forward(batches().next().value as Batch);
  expect(loss).toBeLessThan(0.1);
  expect(attention?.shape).toEqual([N, 16, N]);
  const mean = (t: number, s: number): number =>
    Array.from({ length: 16 }, (_, b) => attention!.get(t, b, s)).reduce((sum, w) => sum + w / 16, 0);
  for (let t = 0; t < N; t++) expect(mean(t, N - 1 - t)).toBeGreaterThan(0.6);
});

describe('errors', () => {
  testErrors(TypeError, [
    [
      () => make('cosine' as AttentionScore),
      'network: attention must be one of dot, general, additive, got cosine',
    ],
    [
      () => network({ layers: [gru({ input: D, hidden: H })], attention: 'dot' }),
      'network: attention must be left out, got dot (the topology is many-to-many)',
    ],
  ]);
  testErrors(RangeError, [
    [
      () => attentionParameters('dot', 5, 3),
      "network: attention 'dot' needs an encoder output 5 wide, got 3 (the widths of the last layers",
    ],
  ]);
});
