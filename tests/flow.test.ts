/** Gradient flow through time: against independently computed Jacobians and gradients, and known exact cases. */
import {
  bidirectional,
  clockwork,
  elman,
  flow,
  gru,
  jacobiansOf,
  jordan,
  lstm,
  network,
  Random,
  trendOf,
  type Batch,
  type FlatNumbers,
  type Cell,
  type Layer,
  type Network,
} from '../index';
import { randomNormals, fillRandom } from '../bptt/check/problem';
import { toFlat } from '../core/tensor';
import { planOf } from '../bptt/network/passes/pass';

const D = 3;

/** A network that answers after the last step, with random weights. */
function makeNet(layers: Layer[], dtype: 'float64' | 'float32' = 'float64'): Network {
  const net = network({ layers, output: 4, loss: 'softmax', topology: 'many-to-one', dtype });
  const random = new Random(5);
  for (const t of Object.values(net.parameters.values)) fillRandom(t, random, 0.4);
  return net;
}

function makeBatch(T: number, B: number, lengths?: number[]): Batch {
  const random = new Random(7);
  const targets = Array.from({ length: B }, () => random.below(4));
  return {
    x: { shape: [T, B, D], numbers: randomNormals(T * B * D, random) },
    targets,
    ...(lengths && { lengths }),
  };
}

/** A vanilla cell whose units all stay above 0, so that it is linear: h = x Wx + hPrev Wh. */
function linear(Wh: number[], H: number): Network {
  const net = network({ layers: [elman({ input: 1, hidden: H, activation: 'relu' })] });
  net.parameters.set('l0.Wh', Wh);
  net.parameters.set('l0.Wx', Array<number>(H).fill(1));
  return net;
}
const ones = (T: number): number[][][] => Array.from({ length: T }, () => [[1]]);
const upstream = (H: number): { states: Record<string, number[]> } => ({
  states: { 'l0.h': Array<number>(H).fill(1) },
});

describe('a linear network: every step has the Jacobian Whᵀ', () => {
  it('diagonal: one direction vanishes, the other explodes', () => {
    const net = linear([0.5, 0, 0, 2], 2);
    const { back, steps, gradients, initial } = flow(net, { x: ones(6) }, { upstream: upstream(2) })
      .layers[0];
    expect(steps).toHaveLength(6);
    for (const step of steps) expect(step).toBeCloseTo(2, 14);
    back.forEach(({ d, norm, bound, singular }, k) => {
      expect(d).toBe(k);
      expect([norm / 2 ** k, bound / 2 ** k, singular[1] / 0.5 ** k].map((v) => v.toFixed(13))).toEqual(
        Array(3).fill((1).toFixed(13)),
      );
    });
    // ∂L/∂h_t = (2⁻ᵈ, 2ᵈ) after d steps back
    gradients.h.forEach((norm, t) => expect(norm).toBeCloseTo(Math.hypot(0.5 ** (5 - t), 2 ** (5 - t)), 12));
    expect(initial.h).toBeCloseTo(Math.hypot(0.5 ** 6, 2 ** 6), 12);
  });

  it('the bound is not reached where the strongest directions of the steps differ', () => {
    // a rotation by 90° with a stretch: W² = −½ I, while each step stretches by 1 and by ½
    const net = linear([0, 0.5, 1, 0], 2);
    const { back } = flow(net, { x: ones(4) }, { upstream: upstream(2) }).layers[0];
    expect(back.map(({ norm }) => norm)).toEqual(
      [1, 1, 0.5, 0.5, 0.25].map((v) => expect.closeTo(v, 14) as number),
    );
    expect(back.map(({ bound }) => bound)).toEqual(
      [1, 1, 1, 1, 1].map((v) => expect.closeTo(v, 14) as number),
    );
  });

  it('norms below the squares of float64 are still told, and 0 at last', () => {
    const norms = flow(linear([1e-3], 1), { x: ones(120) }, { upstream: upstream(1) }).layers[0].back.map(
      ({ norm }) => norm,
    );
    expect(norms[90] / 1e-270).toBeCloseTo(1, 10);
    expect(norms[120]).toBe(0);
    expect(trendOf(norms)).toMatchObject({ rate: expect.closeTo(1e-3, 4) as number, vanished: 3 });
  });
});

describe('any cell', () => {
  const cells: [string, Cell][] = [
    ['elman', elman({ input: D, hidden: 5 })],
    ['lstm', lstm({ input: D, hidden: 5 })],
    ['lstm peepholes', lstm({ input: D, hidden: 5, peepholes: true })],
    ['gru', gru({ input: D, hidden: 5 })],
    ['gru before', gru({ input: D, hidden: 5, reset: 'before' })],
    ['jordan', jordan({ input: D, hidden: 5, output: 4, feedback: 'p' })],
    ['clockwork', clockwork({ input: D, hidden: 6, periods: [1, 2, 4] })],
    ['a cell without a Jacobian', { ...lstm({ input: D, hidden: 5 }), jacobian: undefined }],
  ];

  it.each(cells)('the gradient of each state is that of the last times the Jacobians: %s', (_name, cell) => {
    const [T, B] = [7, 2];
    const net = makeNet([cell]);
    const batch = makeBatch(T, B);
    const pass = net.forward(batch);
    pass.backward();
    const [unroll] = planOf(pass).unrolls ?? [];
    const states = Object.keys(cell.states);
    const jacobian = jacobiansOf(unroll);
    const squares = states.map(() => Array<number>(T + 1).fill(0));
    for (let row = 0; row < B; row++) {
      let line = states.flatMap((s) => toFlat(unroll.after(T, unroll.dStates[s]).pick(row)));
      for (let k = T; k >= 0; k--) {
        let from = 0;
        states.forEach((s, j) => {
          squares[j][k] += line.slice(from, from + cell.states[s]).reduce((sum, v) => sum + v * v, 0);
          from += cell.states[s];
        });
        if (k === 0) break;
        const J = jacobian(k - 1, row);
        line = J[0].map((_, c) => line.reduce((sum, v, r) => sum + v * J[r][c], 0));
      }
    }
    const { gradients, initial, back, steps } = flow(net, batch, { row: 1 }).layers[0];
    states.forEach((s, j) => {
      const norms = squares[j].map(Math.sqrt);
      const largest = Math.max(...norms);
      [initial[s], ...gradients[s]].forEach((norm, k) =>
        expect(Math.abs(norm - norms[k])).toBeLessThan(1e-13 * largest),
      );
    });
    for (const { d, norm, bound, singular, states: own } of back) {
      expect(norm).toBe(singular[0]);
      expect(norm).toBeLessThanOrEqual(bound * (1 + 1e-12));
      expect(Math.max(...Object.values(own))).toBeLessThanOrEqual(norm * (1 + 1e-12));
      expect(singular).toEqual([...singular].sort((p, q) => q - p));
      if (d === 1) expect(norm).toBeCloseTo(steps[T - 1], 14);
    }
    expect(back).toHaveLength(T + 1);
  });

  // the theorem of docs/book/vanishing.md: |f'| ≤ γ, and orthogonal weights times c have the norm c
  it.each([
    ['tanh', 1],
    ['relu', 1],
    ['sigmoid', 0.25],
  ] as const)('%s: a norm of Wh below 1/γ makes every gradient vanish', (activation, slope) => {
    const [T, H, share] = [30, 6, 0.9];
    const net = network({ layers: [elman({ input: D, hidden: H, activation })], topology: 'many-to-one' });
    const Wh = net.parameters.values['l0.Wh'];
    for (let k = 0; k < H * H; k++) Wh.data[Wh.offset + k] *= share / slope;
    const [{ back }] = flow(net, makeBatch(T, 1), { upstream: upstream(H) }).layers;
    expect(back).toHaveLength(T + 1);
    for (const { d, norm } of back) expect(norm).toBeLessThanOrEqual(share ** d * (1 + 1e-12));
  });

  it('the memory of an lstm without recurrent weights fades as its forget gates say', () => {
    const norms = [0, 2, 5].map((forgetBias) => {
      const cell = lstm({ input: D, hidden: 4, recurrentInit: 'zeros', inputInit: 'zeros', forgetBias });
      const net = network({ layers: [cell], output: 4, loss: 'softmax', topology: 'many-to-one' });
      return flow(net, makeBatch(20, 1)).layers[0].back[20].states.c;
    });
    const forget = [0, 2, 5].map((b) => (1 / (1 + Math.exp(-b))) ** 20);
    norms.forEach((norm, k) => expect(norm / forget[k]).toBeCloseTo(1, 12));
  });
});

describe('any network', () => {
  it('every direction of every layer, deep ones and shallow ones', () => {
    const layers = [
      bidirectional(lstm({ input: D, hidden: 2 }), gru({ input: D, hidden: 3 })),
      elman({ input: 5, hidden: 4 }),
    ];
    const { layers: found } = flow(makeNet(layers), makeBatch(5, 2));
    expect(found.map(({ name, cell, reverse }) => [name, cell, reverse])).toEqual([
      ['l0', 'lstm', false],
      ['l0r', 'gru', true],
      ['l1', 'elman', false],
    ]);
    expect(found[0].back[0].states).toEqual({ h: 1, c: 1 });
    for (const { gradients } of found) expect(Math.min(...gradients.h)).toBeGreaterThan(0);
    // c reaches the answer through the h of the same step, or through the step that follows: after the last one, none
    expect(found[0].gradients.c.map((norm) => norm > 0)).toEqual([true, true, true, true, false]);
  });

  it('a shorter row flows as it does alone, in both directions', () => {
    const [T, lengths] = [6, [6, 3]];
    const net = makeNet([bidirectional(lstm({ input: D, hidden: 2 }))]);
    const both = makeBatch(T, 2, lengths);
    const { numbers } = both.x as FlatNumbers & { numbers: Float64Array };
    const x = Array.from({ length: 3 }, (_, t) => [
      Array.from(numbers.subarray((2 * t + 1) * D, (2 * t + 2) * D)),
    ]);
    const alone = flow(net, { x, targets: [(both.targets as number[])[1]] });
    const together = flow(net, both, { row: 1 });
    expect(together.layers.map(({ steps }) => steps.length)).toEqual([3, 3]);
    together.layers.forEach(({ back, steps }, k) => {
      expect(back).toEqual(alone.layers[k].back);
      expect(steps).toEqual(alone.layers[k].steps);
    });
    // the loss is a mean over two rows; after its end only the other row has gradients
    const longer = flow(net, { ...both, targets: both.targets }, { row: 0 }).layers[0].gradients.h;
    expect(longer[5]).toBeGreaterThan(0);
  });

  it('an encoder and a decoder, each over its own steps: the decoder starts from what the encoder ends with', () => {
    const net = network({
      topology: 'encoder-decoder',
      encoder: [gru({ input: D, hidden: 4 })],
      layers: [gru({ input: 3, hidden: 4 })],
      output: 3,
      loss: 'softmax',
      feed: 'nothing',
    });
    const random = new Random(1);
    const batch = {
      x: { shape: [6, 2, D], numbers: randomNormals(36, random) },
      targets: [
        [0, 1],
        [2, 0],
        [1, 1],
      ],
    };
    const [encoder, decoder] = flow(net, batch).layers;
    expect([encoder.back.length, decoder.back.length]).toEqual([7, 4]);
    expect(encoder.gradients.h[5]).toBeCloseTo(decoder.initial.h, 14);
  });

  it('trained in float32 or float64, with gradients of its own: nothing of it changes', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const net = makeNet([gru({ input: D, hidden: 4 })], dtype);
      const batch = makeBatch(4, 2);
      const pass = net.forward(batch);
      pass.backward();
      const before = [toFlat(net.parameters.flat), toFlat(net.parameters.flatGradients), net.random.state];
      expect(flow(net, batch).layers[0].back).toHaveLength(5);
      expect([toFlat(net.parameters.flat), toFlat(net.parameters.flatGradients), net.random.state]).toEqual(
        before,
      );
    }
  });

  it('a loss at every step reaches every state directly', () => {
    const net = network({ layers: [elman({ input: D, hidden: 3, recurrentInit: 'zeros' })] });
    const { gradients, initial, back } = flow(
      net,
      { x: { shape: [3, 1, D], numbers: new Float64Array(3 * D) } },
      { upstream: { output: [3, 0, 4, 0, 0, 0, 1, 0, 0] } },
    ).layers[0];
    expect(gradients.h).toEqual([5, 0, 1]);
    expect(initial.h).toBe(0);
    expect(back.map(({ norm }) => norm)).toEqual([1, 0, 0, 0]);
  });
});

describe('trends', () => {
  it.each([
    [[1, 0.5, 0.25], { rate: 0.5, halfLife: 1 }],
    [[2, 4, 8, 16], { rate: 2, halfLife: -1 }],
    [[3, 3], { rate: 1, halfLife: Infinity }],
    [[1], { rate: 1, halfLife: Infinity }],
    [[1, 0], { rate: 0, halfLife: 0, vanished: 1 }],
    [[1, 1e-9, 1, 1e-9], { vanished: 3 }],
    [[1, 1e9, 1e8, 1e9], { exploded: 1 }],
  ])('%j', (norms, expected) => {
    const trend = trendOf(norms);
    for (const [key, value] of Object.entries(expected))
      expect([key, trend[key as keyof typeof trend]]).toEqual([key, expect.closeTo(value, 12)]);
    expect(trend.vanished).toBe((expected as typeof trend).vanished);
  });
});

describe('errors', () => {
  const net = (): Network => makeNet([elman({ input: D, hidden: 2 })]);

  it.each([
    [
      'a row that there is not',
      () => flow(net(), makeBatch(2, 2), { row: 2 }),
      'flow: the row must be in 0…1, got 2 (B = 2)',
    ],
    ['no loss', () => flow(linear([1], 1), { x: ones(2) }), 'flow: upstream must be given, got undefined'],
    [
      'an unknown option',
      () => flow(net(), makeBatch(2, 2), { rows: 1 } as never),
      'options must be among row, upstream',
    ],
    [
      'an explosion beyond float64',
      () => flow(linear([1e20], 1), { x: ones(12) }, { upstream: upstream(1) }),
      /flow: gradients must be finite, got Infinity at l0.h after t = \d/,
    ],
    ['no norms', () => trendOf([]), 'trendOf: there must be at least one norm'],
    ['a first norm of 0', () => trendOf([0, 1]), 'trendOf: the first norm must be > 0, got 0'],
  ])('%s', (_what, act, message) => expect(act).toThrow(message));
});
