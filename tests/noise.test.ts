/** Zoneout and variational dropout: what a step computes, which masks are drawn, and what is refused. */
import { gradcheck } from '../bptt/check/gradcheck';
import { randomNormals } from '../bptt/check/problem';
import type { Batch } from '../bptt/network/batch/batch';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, runnerOf, type Network, type NetworkOptions } from '../bptt/network/network';
import { Writer } from '../bptt/decode/writer';
import { diagonal } from '../cells/diagonal';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { cellFromText } from '../cells/text';
import { Random } from '../core/random/random';
import { toFlat, toNested } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { encodeOnnx } from '../io/onnx/model';
import { distance } from './executors';

const [T, B, D, H, O] = [16, 3, 2, 4, 3];
const sizes = { input: D, hidden: H };
const x = { shape: [T, B, D], numbers: randomNormals(T * B * D, new Random(1)) };
const make = (options: Partial<NetworkOptions>): Network =>
  network({ layers: [lstm(sizes)], seed: 3, ...options });

describe('zoneout', () => {
  /** The states of an LSTM by plain loops: the cell of its own weights, then old and new states mixed. */
  function byHand(net: Network, zones: Record<string, (t: number, b: number, u: number) => number>) {
    const { values } = net.parameters;
    const [Wx, Wh] = [values['l0.Wx'], values['l0.Wh']].map((t) => toNested(t) as number[][]);
    const bias = toFlat(values['l0.b']);
    const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));
    const outputs: number[] = [];
    let [h, c] = [0, 1].map(() => Array.from({ length: B }, () => Array<number>(H).fill(0)));
    for (let t = 0; t < T; t++) {
      const [hPrev, cPrev] = [h, c];
      [h, c] = [h, c].map((s) => s.map((row) => [...row]));
      for (let b = 0; b < B; b++)
        for (let u = 0; u < H; u++) {
          const [i, f, g, o] = [0, 1, 2, 3].map((gate) => {
            const k = gate * H + u;
            let a = bias[k];
            for (let d = 0; d < D; d++) a += x.numbers[(t * B + b) * D + d] * Wx[d][k];
            for (let v = 0; v < H; v++) a += hPrev[b][v] * Wh[v][k];
            return gate === 2 ? Math.tanh(a) : sigmoid(a);
          });
          const cNew = f * cPrev[b][u] + i * g;
          // the output is that of the new content, also where c keeps the old one
          const hNew = o * Math.tanh(cNew);
          const [zh, zc] = [zones.h(t, b, u), zones.c(t, b, u)];
          h[b][u] = zh * hPrev[b][u] + (1 - zh) * hNew;
          c[b][u] = zc * cPrev[b][u] + (1 - zc) * cNew;
        }
      outputs.push(...h.flat());
    }
    return outputs;
  }

  test('in evaluation, mixes old and new states of h and c, and draws nothing', () => {
    const net = make({ zoneout: { h: 0.1, c: 0.5 } });
    const { state } = net.random;
    const expected = byHand(net, { h: () => 0.1, c: () => 0.5 });
    expect(distance(toFlat(net.forward({ x }).output), expected)).toBeLessThan(1e-14);
    expect(net.random.state).toEqual(state);
  });

  test('in training, keeps the state where the mask is 1', () => {
    const net = make({ zoneout: { h: 0.3, c: 0.5 } });
    const { state } = net.random;
    const [h, c] = runnerOf(net)
      .lay({ x }, { training: true })
      .masks.map(({ values }) => toFlat(values));
    expect(new Set([...h, ...c])).toEqual(new Set([0, 1]));
    const at = (mask: number[]) => (t: number, b: number, u: number) => mask[(t * B + b) * H + u];
    net.random.state = state; // the same masks again
    const pass = net.forward({ x }, { training: true });
    expect(distance(toFlat(pass.output), byHand(net, { h: at(h), c: at(c) }))).toBeLessThan(1e-14);
  });

  test('draws 1 with its probability, for each state its own', () => {
    const net = make({ zoneout: { h: 0.05, c: 0.5 } });
    const big = { x: { shape: [400, B, D], numbers: new Float64Array(400 * B * D) } };
    const [h, c] = runnerOf(net)
      .lay(big, { training: true })
      .masks.map(({ values }) => toFlat(values));
    for (const [mask, p] of [
      [h, 0.05],
      [c, 0.5],
    ] as const) {
      const mean = mask.reduce((sum, v) => sum + v, 0) / mask.length;
      // four standard deviations
      expect(Math.abs(mean - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / mask.length));
    }
  });

  test('has the right gradient in evaluation too, where masks are fractions', () => {
    const net = make({
      zoneout: 0.4,
      layers: [elman(sizes), lstm({ input: H, hidden: 3, peepholes: true })],
    });
    const upstream = randomNormals(T * B * 3, new Random(5));
    const loss = (): number =>
      toFlat(net.forward({ x }).output).reduce((sum, y, k) => sum + y * upstream[k], 0);
    net.forward({ x }).backward({ output: upstream });
    for (const [name, t] of Object.entries(net.parameters.values)) {
      const [k, h] = [t.offset, 1e-6];
      const w = t.data[k];
      const [up, down] = [h, -h].map((step) => ((t.data[k] = w + step), loss()));
      t.data[k] = w;
      const slope = (up - down) / (2 * h);
      const { data, offset } = net.parameters.gradients[name];
      expect(Math.abs(data[offset] - slope)).toBeLessThan(1e-7 * Math.max(1, Math.abs(slope)));
    }
  });
});

describe('zoneout of a residual layer', () => {
  const wide = { input: H, hidden: H };
  const numbers = randomNormals(T * B * H, new Random(7));
  const batch: Batch = { x: { shape: [T, B, H], numbers } };

  test('adds the input to the state that the layer remembers', () => {
    for (const training of [false, true]) {
      const [residual, plain] = [true, false].map((residual) => {
        const net = make({ layers: [lstm({ ...wide, residual })], zoneout: { h: 0.4, c: 0.2 } });
        return toFlat(net.forward(batch, { training }).output);
      });
      expect(residual).toEqual(plain.map((h, k) => h + numbers[k]));
    }
  });

  test.each<[string, Partial<NetworkOptions>]>([
    ['of h and c', { layers: [lstm({ ...wide, residual: true })], zoneout: { h: 0.4, c: 0.2 } }],
    ['of c alone', { layers: [lstm({ ...wide, residual: true })], zoneout: { c: 0.2 } }],
    [
      'in both directions, normalized, in the last state',
      {
        layers: [bidirectional(gru({ ...wide, residual: true, layerNorm: true }))],
        ...{ zoneout: 0.3, topology: 'many-to-one' },
      },
    ],
  ])('%s: gradients pass all oracles', (_name, options) => {
    const net = make({ output: O, loss: 'softmax', ...options });
    const axes = options.topology ? [B] : [5, B];
    const size = axes.reduce((n, k) => n * k);
    const targets = { shape: axes, numbers: Array.from({ length: size }, (_, k) => k % O) };
    const x = { shape: [5, B, H], numbers: numbers.slice(0, 5 * B * H) };
    const { ok, rows } = gradcheck(net, { batch: { x, targets, lengths: [5, 3, 4] } });
    expect(rows.length).toBeGreaterThan(5);
    expect(ok).toBe(true);
  });
});

describe('variational dropout', () => {
  const options = { dropout: 0.5, variational: true, output: O };

  test('has one mask for all steps: of the input, of the recurrent connections, of the output layer', () => {
    const net = make(options);
    const masks = runnerOf(net).lay({ x }, { training: true }).masks;
    expect(masks.map(({ values }) => values.shape)).toEqual([
      [B, D],
      [B, H],
      [B, H],
    ]);
    expect(new Set(masks.flatMap(({ values }) => toFlat(values)))).toEqual(new Set([0, 2]));
  });

  test('a unit whose recurrent connections are dropped has no influence on later steps', () => {
    const net = make({ ...options, output: undefined, layers: [elman(sizes)] });
    const plan = runnerOf(net).lay({ x }, { training: true });
    const [, keep] = plan.masks.map(({ values }) => toNested(values) as number[][]);
    const u = keep[0].indexOf(0);
    expect(u).toBeGreaterThanOrEqual(0);
    const outputs = [0, 5].map((start) => {
      plan.initial.states['l0.h'].set(0, u, start);
      plan.forward.bind(net.executor)();
      return toFlat(plan.main.output.value);
    });
    expect(outputs[0]).toEqual(outputs[1]);
  });

  test('drops what a residual layer remembers, not its output', () => {
    const wide = { input: H, hidden: H, residual: true };
    const net = make({ ...options, output: undefined, layers: [elman(wide)] });
    const steady = { shape: [T, B, H], numbers: new Float64Array(T * B * H) };
    const plan = runnerOf(net).lay({ x: steady }, { training: true });
    const [, keep] = plan.masks.map(({ values }) => toNested(values) as number[][]);
    const outputs = Array.from({ length: H }, (_, u) => {
      plan.initial.states['l0.h'].data.fill(0);
      plan.initial.states['l0.h'].set(0, u, 5);
      plan.forward.bind(net.executor)();
      return toFlat(plan.main.output.value).some((y) => y !== 0);
    });
    expect(outputs).toEqual(keep[0].map((k) => k !== 0));
    expect(new Set(outputs)).toEqual(new Set([true, false]));
  });

  test('is off in evaluation', () => {
    const [net, plain] = [make(options), make({ output: O })];
    expect(toFlat(net.forward({ x }).output)).toEqual(toFlat(plain.forward({ x }).output));
  });

  test('does not drop class numbers, but their embedding', () => {
    const net = make({ ...options, layers: [lstm({ input: O, hidden: H })] });
    const classes: Batch = { x: Array.from({ length: T }, () => [0, 1, 2]) };
    const shapes = runnerOf(net)
      .lay(classes, { training: true })
      .masks.map(({ values }) => values.shape);
    expect(shapes).toEqual([
      [B, H],
      [B, H],
    ]);
  });
});

const noisy: [string, Partial<NetworkOptions>][] = [
  ['zoneout', { zoneout: { h: 0.2, c: 0.5 } }],
  ['variational dropout', { dropout: 0.4, variational: true }],
  [
    'both, in both directions',
    { ...{ dropout: 0.4, variational: true, zoneout: 0.2 }, layers: [bidirectional(lstm(sizes))] },
  ],
  ['both, in float32', { dropout: 0.4, variational: true, zoneout: 0.2, dtype: 'float32' }],
];

describe.each(noisy)('%s', (_name, options) => {
  const given = { output: O, loss: 'softmax', ...options };
  const targets = { shape: [T, B], numbers: Array.from({ length: T * B }, (_, k) => k % O) };
  const batch: Batch = { x, targets, lengths: [16, 9, 12] };

  test('the same seed gives the same training, to the bit, and another seed another', () => {
    const gradients = (seed: number): number[] => {
      const net = make({ ...given, seed: 3 });
      net.random.state = new Random(seed).state;
      net.forward(batch, { training: true }).backward();
      return Array.from(net.parameters.flatGradients.data);
    };
    expect(gradients(1)).toEqual(gradients(1));
    expect(gradients(2)).not.toEqual(gradients(1));
  });

  test('rows that are run apart have the masks of the whole batch', () => {
    const [whole, first, last] = [0, 1, 2].map(() => make(given));
    const pass = whole.forward(batch, { training: true });
    const parts = [
      first.forward(batch, { training: true, rows: [0, 1] }),
      last.forward(batch, { training: true, rows: [1, B] }),
    ];
    const rowsOf = (all: number[], low: number, high: number): number[] =>
      all.filter((_, k) => Math.floor(k / O) % B >= low && Math.floor(k / O) % B < high);
    expect(toFlat(parts[0].output)).toEqual(rowsOf(toFlat(pass.output), 0, 1));
    expect(toFlat(parts[1].output)).toEqual(rowsOf(toFlat(pass.output), 1, B));
    expect(first.random.state).toEqual(whole.random.state);
  });

  test('a checkpoint keeps it, and the state of the generator', () => {
    const net = make(given);
    net.forward(batch, { training: true });
    const again = decodeCheckpoint(encodeCheckpoint({ network: net })).network;
    expect(again.architecture).toMatchObject({ dropout: 0, ...options, layers: {} });
    const losses = [net, again].map((one) => one.forward(batch, { training: true }).loss);
    expect(losses[1]).toBe(losses[0]);
    // without training, zoneout stays: it changes what the network computes
    const used = decodeCheckpoint(encodeCheckpoint({ network: net }), { inference: true }).network;
    const outputs = [used, net].map((one) => toFlat(one.forward({ x }, { predict: true }).output));
    expect(outputs[0]).toEqual(outputs[1]);
  });
});

test.each(noisy.filter(([, { layers }]) => layers === undefined))(
  '%s: a pass in segments is the whole one, to the bit',
  (_name, options) => {
    const results = [undefined, 5].map((checkpointEvery) => {
      const net = make({ output: O, ...options });
      const pass = net.forward({ x }, { training: true, ...(checkpointEvery && { checkpointEvery }) });
      pass.backward({ output: Array.from({ length: T * B * O }, (_, k) => Math.sin(k)) });
      return [toFlat(pass.output), Array.from(net.parameters.flatGradients.data)];
    });
    expect(results[1]).toEqual(results[0]);
  },
);

test('decoding step by step computes what evaluation does', () => {
  const net = make({ layers: [lstm({ input: O, hidden: H })], output: O, loss: 'softmax', zoneout: 0.3 });
  const classes = Array.from({ length: T }, (_, t) => [t % O]);
  const logits = net.forward({ x: classes }, { predict: true }).output;
  const writer = new Writer(net, { x: [[0]] }, 1);
  classes.forEach(([k], t) => {
    const row = Array.from({ length: O }, (_, o) => logits.get(t, 0, o));
    const sum = Math.log(row.reduce((all, v) => all + Math.exp(v), 0));
    expect(
      distance(
        [...writer.step([k])],
        row.map((v) => v - sum),
      ),
    ).toBeLessThan(1e-14);
  });
});

describe('is refused', () => {
  const coupled = cellFromText({
    ...sizes,
    equations: `cell coupled
shapes
  x [D]   states h [H]   parameters Wx [D, H]
forward
  h = 0.9 * hPrev + x @ Wx
backward
  dh = dhOut + dhNext
  dhPrev = 0.9 * dh
  dx = dh @ Wx.T
  dWx += x.T @ dh`,
  });
  const outside = (name: string) =>
    `network: variational must be left out for ${name}, got true (its hPrev is read outside of products too)`;
  test.each<[string, Partial<NetworkOptions>, string]>([
    ['zoneout 1', { zoneout: 1 }, 'network: zoneout must be in 0 ≤ p < 1, got 1'],
    [
      'zoneout in words',
      { zoneout: '0.1' as never },
      "network: zoneout must be in 0 ≤ p < 1, got the string '0.1'",
    ],
    ['zoneout of h below 0', { zoneout: { h: -1 } }, 'network: zoneout of h must be in 0 ≤ p < 1, got -1'],
    [
      'an unknown state',
      { zoneout: { m: 0.1 } },
      'network: zoneout must name states of the cells (h, c), got m',
    ],
    [
      'variational without dropout',
      { variational: true },
      'network: dropout must be a number > 0 if variational, got 0',
    ],
    [
      'variational in words',
      { dropout: 0.1, variational: 'yes' as never },
      'network: variational must be true or false, got yes',
    ],
    [
      'a state that no step reads',
      { layers: [lstm({ input: H, hidden: H, residual: true })], zoneout: { y: 0.1 } },
      'network: zoneout must name states of the cells (h, c), got y',
    ],
    ...[gru(sizes), gru({ input: H, hidden: H, residual: true }), diagonal(sizes), coupled].map(
      (cell): [string, Partial<NetworkOptions>, string] => [
        `variational ${cell.name}`,
        { layers: [cell], dropout: 0.1, variational: true },
        outside(cell.name),
      ],
    ),
  ])('%s', (_name, options, message) => expect(() => make(options)).toThrow(message));

  test('by formats that cannot hold it, by name', () => {
    const net = make({ output: O, zoneout: 0.1, dtype: 'float32' });
    expect(() => encodeOnnx(net)).toThrow(/^onnx: the network must be made of .*, got zoneout$/);
  });
});
