import { fit } from '../bptt/train/fit';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { optimizer } from '../bptt/train/optimizers';
import { randomNormals, fillRandom } from '../bptt/check/problem';
import { truncated } from '../bptt/truncated';
import { clockwork, type ClockworkOptions } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { clockworkCounts, modulesOf, runsAt } from '../cells/parts/modules';
import { Random } from '../core/random/random';
import { toFlat, toNested, type Tensor } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { stepKinds } from '../measure/clockwork';
import { describeCell, runCell, sigmoid, type Reference } from './cellsuite';
import { testErrors } from './errors';
import { settings } from './executors';
import { planOf } from '../bptt/network/passes/pass';
import { clockOf, type States } from '../bptt/network/batch/states';
import { runnerOf } from '../bptt/network/network';

const activations = { tanh: Math.tanh, sigmoid, relu: (z: number) => Math.max(z, 0) };
type Activation = keyof typeof activations;
// five units in three modules, of which the second is a single one
const modules = [
  { units: 2, period: 1 },
  { units: 1, period: 2 },
  { units: 2, period: 3 },
];

/** A unit is computed when it fires, from units of at least its own period; all others are copied. */
const reference =
  (activation: Activation, offset: number): Reference =>
  (x, { h: hPrev }, { Wx, Wh, b }, t) => {
    const period = modules.flatMap(({ units, period }) => Array<number>(units).fill(period));
    const h = hPrev.map((old, u) => {
      if ((t + offset) % period[u] !== 0) return old;
      let z = b ? b[0][u] : 0;
      x.forEach((v, d) => (z += v * Wx[d][u]));
      hPrev.forEach((v, from) => (z += period[from] >= period[u] ? v * Wh[from][u] : 0));
      return activations[activation](z);
    });
    return { h };
  };

describeCell(
  (
    [
      ['tanh', 0, true],
      ['sigmoid', 1, true],
      ['relu', 0, false],
    ] as const
  ).map(([activation, offset, bias]) => ({
    name: `${activation}, offset ${offset}${bias ? '' : ', no bias'}`,
    make: ({ input }) => clockwork({ input, modules, activation, offset, bias }),
    reference: reference(activation, offset),
  })),
);

const [T, B, D] = [9, 2, 3];
const flat = (tensors: Record<string, Tensor>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]));
const randomArray = (shape: number[], seed = 1) => ({
  shape,
  numbers: randomNormals(
    shape.reduce((product, n) => product * n, 1),
    new Random(seed),
  ),
});
/** One clockwork layer with random weights. */
const make = (
  options: Omit<ClockworkOptions, 'input'> = { hidden: 6, periods: [1, 2, 4] },
  rest: Partial<NetworkOptions> = {},
): Network => {
  const net = network({ ...rest, layers: [clockwork({ input: D, ...options })] });
  const random = new Random(4);
  for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
  return net;
};
/** h [T][H] of the first row. */
const run = (net: Network, batch: Parameters<Network['forward']>[0]): number[][] => {
  const { output } = net.forward(batch);
  return (toNested(output) as number[][][]).map(([row]) => row);
};
/** At which steps a unit changes. */
const changes = (h: number[][], start: number[]): boolean[][] =>
  h.map((now, t) => now.map((v, u) => v !== (t === 0 ? start : h[t - 1])[u]));

describe.each(settings)('by hand, $name', (setting) => {
  test('two units of periods 1 and 2 over three steps, relu, in whole numbers', () => {
    // Wh: rows are who is heard. The fast unit hears itself (1) and the slow one (2); the slow one hears itself (3);
    // the 99 would be the slow one hearing the fast one
    // t = 0, both fire:  fast = 1 + 1·1 + 2·1 = 4     slow = 1 + 3·1 = 4
    // t = 1, the slow one holds:  fast = 2 + 4 + 8 = 14    slow = 4
    // t = 2, both fire:  fast = 1 + 14 + 8 = 23       slow = 1 + 12 = 13
    const cell = clockwork({ input: 1, hidden: 2, periods: [1, 2], activation: 'relu', bias: false });
    const weights = { Wx: [1, 1], Wh: [1, 99, 2, 3] };
    const given = { x: [[[1]], [[2]], [[1]]], initial: { h: [1, 1] } };
    // back from dh_2 = [1 1]: dz = [1 1]   dh_1 = [1·1, 2·1 + 3·1] = [1 5]   dWh += [14 ·; 4 4]
    // dh_1 + [0 10] = [1 15]: only the fast one fires, dz = [1 ·]   dh_0 = [1, 15 + 2] = [1 17]   dWh += [4 ·; 4 ·]
    // dz_0 = [1 17]   dh = [1, 2 + 51]   dWh += [1 ·; 1 17]   dx = 18, 1, 2   dWx = [1 + 2 + 1, 17 + 1]
    const upstream = { output: [0, 0, 0, 10, 1, 1], states: { h: [0, 0] } };
    const { output, gradients } = runCell(cell, setting, weights, given, upstream);
    expect(output).toEqual([4, 4, 14, 4, 23, 13]);
    expect(gradients).toEqual({ x: [18, 1, 2], h0: [1, 53], Wx: [4, 18], Wh: [19, 0, 9, 21] });
  });
});

describe('the schedule', () => {
  const start = Array<number>(6).fill(0);
  const fired = (offset: number, periods: number[]): string[] => {
    const h = run(make({ hidden: 6, periods, offset }), { x: randomArray([T, B, D]) });
    return changes(h, start).map((units) => units.map((changed) => (changed ? 'x' : '.')).join(''));
  };

  test('at t = 0 all fire, at t = 1 only period 1; with offset 1 the clock starts at 1', () => {
    expect(fired(0, [1, 2, 4])).toEqual(
      'xxxxxx xx.... xxxx.. xx.... xxxxxx xx.... xxxx.. xx.... xxxxxx'.split(' '),
    );
    expect(fired(1, [1, 2, 4])).toEqual(
      'xx.... xxxx.. xx.... xxxxxx xx.... xxxx.. xx.... xxxxxx xx....'.split(' '),
    );
  });

  test('periods need not be nested: at t = 3 module 3 fires and module 2 holds', () => {
    expect(fired(0, [1, 2, 3])[3]).toBe('xx..xx');
    expect(fired(0, [2, 3, 5])).toEqual(
      'xxxxxx ...... xx.... ..xx.. xx.... ....xx xxxx.. ...... xx....'.split(' '),
    );
  });

  test('neighbors that do the same are taken together', () => {
    const all = modulesOf({ hidden: 8, periods: [1, 2, 3, 4] }, 'test');
    const shown = (time: number): string[] =>
      runsAt(all, time).map(({ from, to, fires, modules }) => `${from}-${to} ${fires} ${modules.length}`);
    expect(shown(0)).toEqual(['0-8 true 4']);
    expect(shown(1)).toEqual(['0-2 true 1', '2-8 false 3']);
    expect(shown(4)).toEqual(['0-4 true 2', '4-6 false 1', '6-8 true 1']);
  });
});

describe('who hears whom', () => {
  const periods = [1, 2, 4];
  const x = { shape: [5, 1, D], numbers: new Float64Array(5 * D) };
  /** Which units differ at each step when one unit of the initial state does. */
  const reached = (unit: number): string[] => {
    const net = make({ hidden: 6, periods });
    const base = new Float64Array(6).fill(0.1);
    const before = run(net, { x, initial: { 'l0.h': base } });
    const after = run(net, { x, initial: { 'l0.h': base.map((v, u) => (u === unit ? v + 1 : v)) } });
    return after.map((h, t) => h.map((v, u) => (v === before[t][u] ? '.' : 'x')).join(''));
  };

  test('a fast unit never reaches a slow one, a slow one reaches the fast ones at the next step', () => {
    for (const step of reached(0)) expect(step).toMatch(/^xx\.\.\.\.$/);
    expect(reached(2)[0]).toBe('xxxx..');
    for (const step of reached(2)) expect(step.slice(4)).toBe('..');
    expect(reached(4)[0]).toBe('xxxxxx');
  });

  test('within a module all hear all, and the rest of Wh is zero: k² g(g+1)/2 weights are left', () => {
    const [g, k] = [3, 2];
    for (const recurrentInit of ['glorot', 'orthogonal', 'uniform', 'normal'] as const) {
      const net = network({
        layers: [clockwork({ input: D, hidden: g * k, periods, recurrentInit })],
        seed: 3,
      });
      const Wh = toNested(net.parameters.values['l0.Wh']) as number[][];
      const nonzero = Wh.map((row) => row.map((w) => (w === 0 ? '.' : 'x')).join(''));
      expect(nonzero).toEqual(['xx....', 'xx....', 'xxxx..', 'xxxx..', 'xxxxxx', 'xxxxxx']);
      expect(nonzero.join('').replaceAll('.', '')).toHaveLength((k * k * g * (g + 1)) / 2);
    }
    const identity = network({
      layers: [clockwork({ input: D, hidden: 3, periods, recurrentInit: 'identity' })],
    });
    expect(toFlat(identity.parameters.values['l0.Wh'])).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test.each(['sgd', 'adam', 'adamw', 'rmsprop', 'adagrad'] as const)(
    'masked weights are exactly 0 after 100 steps of %s with weight decay',
    (name) => {
      const cell = clockwork({ input: D, hidden: 6, periods });
      const net = network({ layers: [cell], output: 2, loss: 'squared' });
      const start = toFlat(net.parameters.values['l0.Wh']);
      const update = optimizer(net, { name, learningRate: 0.01, weightDecay: 0.1 });
      const batch = { x: randomArray([T, B, D]), targets: randomArray([T, B, 2], 2) };
      for (let step = 0; step < 100; step++) {
        net.parameters.zeroGradients();
        const pass = net.forward(batch);
        pass.backward();
        update.step();
      }
      const Wh = toFlat(net.parameters.values['l0.Wh']);
      const dWh = toFlat(net.parameters.gradients['l0.Wh']);
      for (let r = 0; r < 6; r++)
        for (let c = 0; c < 6; c++) {
          const masked = Math.floor(r / 2) < Math.floor(c / 2);
          expect([r, c, Wh[r * 6 + c] === 0, dWh[r * 6 + c] === 0]).toEqual([r, c, masked, masked]);
        }
      expect(Wh).not.toEqual(start);
      for (const [slot, t] of Object.entries(update.state()))
        if (slot.endsWith('l0.Wh')) expect([t.get(0, 2), t.get(1, 5), t.get(3, 4)]).toEqual([0, 0, 0]);
    },
  );

  test('masked weights are not even read', () => {
    const net = make();
    const x = randomArray([T, B, D]);
    const before = toFlat(net.forward({ x }).output);
    for (const [r, c] of [
      [0, 2],
      [1, 5],
      [3, 4],
    ])
      net.parameters.values['l0.Wh'].set(r, c, NaN);
    expect(toFlat(net.forward({ x }).output)).toEqual(before);
  });
});

describe('the clock belongs to the sequence', () => {
  const x = randomArray([T, B, D]);
  const part = (from: number, to: number) => ({
    shape: [to - from, B, D],
    numbers: x.numbers.slice(from * B * D, to * B * D),
  });

  test('the same input twice gives the same output', () => {
    const net = make();
    const first = toFlat(net.forward({ x }).output);
    expect(toFlat(net.forward({ x }).output)).toEqual(first);
    net.forward({ x: part(0, 3) });
    expect(toFlat(net.forward({ x }).output)).toEqual(first);
  });

  test.each([[[1, 1, 1, 1, 1, 1, 1, 1, 1]], [[3, 3, 3]], [[2, 5, 1, 1]], [[7, 2]]])(
    'chunks of %j that carry on are one pass, to the bit',
    (chunks) => {
      const net = make({ hidden: 6, periods: [1, 2, 3] });
      const whole = toFlat(net.forward({ x }).output);
      let from = 0;
      let states: States | undefined;
      const pieces = chunks.flatMap((length) => {
        const pass = net.forward({ x: part(from, from + length) }, { from: states });
        ({ states } = pass);
        from += length;
        expect(clockOf(states, 'test')).toBe(from);
        return toFlat(pass.output);
      });
      expect(pieces).toEqual(whole);
    },
  );

  test('steps of a batch, and a clock that the caller sets', () => {
    const net = make();
    const whole = toFlat(net.forward({ x }).output);
    net.forward({ x: part(0, 3) });
    const h = toFlat(net.forward({ x }, { steps: [0, 3] }).states['l0.h']);
    const rest = whole.slice(3 * B * 6);
    expect(toFlat(net.forward({ x, initial: { 'l0.h': h } }, { steps: [3, T] }).output)).toEqual(rest);
    const late = { x: part(3, T), initial: { 'l0.h': h }, clock: 3 };
    const { output, states } = net.forward(late);
    expect(toFlat(output)).toEqual(rest);
    expect(clockOf(states, 'test')).toBe(T);
    expect(toFlat(net.forward({ ...late, clock: 4 * 5 + 3 }).output)).toEqual(rest);
    expect(toFlat(net.forward({ ...late, clock: 0 }).output)).not.toEqual(rest);
  });

  test('truncated backpropagation: outputs are those of one pass, a chunk of T all of it', () => {
    const net = make({ hidden: 6, periods: [1, 2, 3] }, { output: 2, loss: 'squared' });
    const batch = { x, targets: randomArray([T, B, 2], 2) };
    const pass = net.forward(batch);
    const { loss, output } = pass;
    const expected = { loss, output: toFlat(output) };
    net.parameters.zeroGradients();
    pass.backward();
    const full = flat(net.parameters.gradients);
    const cut = truncated(net, batch, { chunk: 4 });
    expect(toFlat(cut.output)).toEqual(expected.output);
    expect(cut.loss).toBeCloseTo(expected.loss, 14);
    // and again from a later time on, at another phase of the clock
    const later = truncated(net, { ...batch, clock: 5 }, { chunk: 4 });
    expect(toFlat(later.output)).toEqual(toFlat(net.forward({ ...batch, clock: 5 }).output));
    net.parameters.zeroGradients();
    truncated(net, batch, { chunk: T });
    expect(flat(net.parameters.gradients)).toEqual(full);
  });

  test('training carries the clock over validation in between', async () => {
    const options = { output: 2, loss: 'squared' } as const;
    const targets = randomArray([T, B, 2], 2);
    const piece = (from: number, to: number) => ({
      x: part(from, to),
      targets: { shape: [to - from, B, 2], numbers: targets.numbers.slice(from * B * 2, to * B * 2) },
      initial: from === 0 ? ('zero' as const) : ('carry' as const),
    });
    const still = { name: 'sgd', learningRate: 1e-300 } as const; // weights stay as they are
    const losses: number[] = [];
    await fit(make(undefined, options), [piece(0, 3), piece(3, 4), piece(4, T)], {
      optimizer: still,
      validation: { batches: () => [{ x: part(0, 7), targets: randomArray([7, B, 2], 3) }], every: 1 },
      onStep: ({ loss }) => void losses.push(loss),
    });
    const net = make(undefined, options);
    const sum = 3 * losses[0] + losses[1] + (T - 4) * losses[2];
    expect(sum / T).toBeCloseTo(net.forward({ x, targets }).loss, 14);
  });

  test('one step at a time needs one plan for each thing a step can do', () => {
    const net = make({ hidden: 6, periods: [1, 2, 4] });
    const plans = new Set<unknown>();
    let from: States | undefined;
    for (let t = 0; t < 32; t++) {
      const pass = net.forward({ x: part(t % T, (t % T) + 1) }, { from });
      from = pass.states;
      plans.add(planOf(pass));
    }
    expect(plans.size).toBe(3);
  });
});

describe('what it costs', () => {
  // k units in each of g modules
  test.each([
    [1, 5],
    [3, 2],
    [8, 4],
    [9, 3],
  ])('%i modules of %i units: the formulas of the paper', (g, k) => {
    const n = g * k;
    const periods = Array.from({ length: g }, (_, i) => 2 ** i);
    const counts = clockworkCounts({ hidden: n, periods });
    expect(counts).toMatchObject({ units: n, vanilla: n * n });
    expect(counts.weights).toBe((k * k * g * (g + 1)) / 2);
    expect(counts.weights).toBe((n * n) / 2 + (n * k) / 2);
    expect(counts.ratio).toBeCloseTo((g + 1) / (2 * g), 15);
    expect(counts.operations).toBeCloseTo(k * k * (2 * g - 2 + 2 ** (1 - g)), 9);
    expect(counts.operations).toBeLessThanOrEqual(2 * n * k);
    expect(counts.speedup).toBeCloseTo((n * n) / counts.operations, 12);
  });

  test('8 modules keep 36 of 64 blocks', () => {
    const { ratio } = clockworkCounts({ hidden: 8, periods: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect(ratio).toBe(36 / 64);
  });

  /** Multiplications recorded for one pass, by purpose. */
  const recorded = (net: Network, steps: number) => {
    const { forward, backward } = runnerOf(net).plan({ T: steps, B, masked: false });
    const of = (program: typeof forward): number =>
      program.operations.reduce(
        (sum, op) => (op.kind === 'product' ? sum + op.a.shape[0] * op.a.shape[1] * op.b.shape[1] : sum),
        0,
      );
    return { forward: of(forward), backward: of(backward), operations: forward.operations.length };
  };

  test.each([
    ['equal modules', { hidden: 12, periods: [1, 2, 4, 8] }, 8],
    ['unequal modules, periods that are not nested', { modules }, 6],
  ] as [string, Omit<ClockworkOptions, 'input'>, number][])(
    'the recorded products are exactly those of the formula: %s',
    (_name, options, cycle) => {
      const net = make(options);
      const all = modulesOf(options, 'test');
      const { operations } = clockworkCounts(options);
      // the input projection: every unit as often as it fires
      const inputs = all.reduce((sum, { units, period }) => sum + (units * D) / period, 0);
      const { forward, backward } = recorded(net, cycle);
      expect(forward).toBeCloseTo(cycle * B * (operations + inputs), 9);
      expect(backward).toBeCloseTo(2 * cycle * B * (operations + inputs), 9);
    },
  );

  test('the program grows with the modules that fire, not with those there are', () => {
    const periods = Array.from({ length: 9 }, (_, i) => 2 ** i);
    const steps = 512;
    const { operations } = recorded(make({ hidden: 18, periods }), steps);
    // on average under two modules fire: two products each, and a statement for each run of modules
    expect(operations / steps).toBeLessThan(2 * 2 + 2);
  });
});

test('checkpoints keep the modules', () => {
  const net = make({ modules, offset: 1, activation: 'sigmoid' });
  const { network: back } = decodeCheckpoint(encodeCheckpoint({ network: net }));
  const x = randomArray([T, B, D]);
  expect(toFlat(back.forward({ x }).output)).toEqual(toFlat(net.forward({ x }).output));
});

test('one module of period 1 is a vanilla network', () => {
  const net = make({ hidden: 5, periods: [1] });
  const vanilla = network({ layers: [elman({ input: D, hidden: 5 })] });
  for (const [name, t] of Object.entries(net.parameters.values)) vanilla.parameters.set(name, toFlat(t));
  const x = randomArray([T, B, D]);
  expect(toFlat(net.forward({ x }).output)).toEqual(toFlat(vanilla.forward({ x }).output));
});

test('parameters and options', () => {
  const cell = clockwork({ input: 3, modules, bias: false });
  const { parameters, options, hidden } = cell;
  expect(hidden).toBe(5);
  expect(Object.entries(parameters).map(([name, { shape }]) => [name, shape])).toEqual([
    ['Wx', [3, 5]],
    ['Wh', [5, 5]],
  ]);
  expect(options).toMatchObject({ input: 3, hidden: 5, modules, offset: 0, activation: 'tanh', bias: false });
  expect([0, 1, 2, 3].map((t) => cell.phase?.(t))).toEqual(['111', '100', '110', '101']);
});

test.each<[object, string, ErrorConstructor]>([
  [{ hidden: 6 }, 'clockwork: either modules or hidden and periods must be lists, got undefined', TypeError],
  [
    { modules, periods: [1] },
    'clockwork: either modules or hidden and periods must be lists, got [',
    TypeError,
  ],
  [{ periods: [1, 2] }, 'clockwork: hidden must be a whole number >= 1, got undefined', RangeError],
  [
    { hidden: 6, periods: [1, 2, 2] },
    'clockwork: periods must increase from module to module, got 1, 2, 2',
    RangeError,
  ],
  [{ hidden: 6, periods: [4, 2, 1] }, 'clockwork: periods must increase from module to module', RangeError],
  [{ hidden: 6, periods: [0, 2] }, 'clockwork: period 0 must be a whole number >= 1, got 0', RangeError],
  [{ hidden: 6, periods: [-1, 2] }, 'clockwork: period 0 must be a whole number >= 1, got -1', RangeError],
  [{ hidden: 6, periods: [1, 2.5] }, 'clockwork: period 1 must be a whole number >= 1, got 2.5', RangeError],
  [{ hidden: 6, periods: [] }, 'clockwork: there must be at least one module, got none', RangeError],
  [
    { hidden: 7, periods: [1, 2, 4] },
    'clockwork: hidden must be a multiple of 3, got 7 (one equal part for each period)',
    RangeError,
  ],
  [{ hidden: 6, modules }, 'clockwork: hidden must be 5, got 6 (the sum of all units)', RangeError],
  [
    { modules: [{ units: 0, period: 1 }] },
    'clockwork: units of module 0 must be a whole number >= 1, got 0',
    RangeError,
  ],
  [{ modules, offset: -1 }, 'clockwork: offset must be a whole number >= 0, got -1', RangeError],
  [{ modules, period: 3 }, 'clockwork: options must be among', TypeError],
  [
    { modules, activation: 'exp' },
    'clockwork: activation must be one of tanh, sigmoid, relu, got exp',
    TypeError,
  ],
])('%j: %s', (options, message, kind) => {
  const make = (): unknown => clockwork({ input: 3, ...options });
  expect(make).toThrow(message);
  expect(make).toThrow(kind);
});

test('a clock must be a time', () => {
  const net = make();
  for (const clock of [-1, 0.5])
    expect(() => net.forward({ x: randomArray([1, B, D]), clock })).toThrow(
      `network.forward: clock must be a whole number >= 0, got ${clock}`,
    );
});

describe('the kinds of step', () => {
  const kinds = (hidden: number, periods: number[]) => stepKinds(modulesOf({ hidden, periods }, 'clockwork'));

  test('each with its multiplications, which add up to the operations', () => {
    const { span, kinds: all } = kinds(12, [1, 2, 3]);
    expect(span).toBe(6);
    expect(all).toEqual([
      { firing: [1, 2, 3], count: 1, multiplications: 4 * 12 + 4 * 8 + 4 * 4, first: 0 },
      { firing: [1], count: 2, multiplications: 4 * 12, first: 1 },
      { firing: [1, 2], count: 2, multiplications: 4 * 12 + 4 * 8, first: 2 },
      { firing: [1, 3], count: 1, multiplications: 4 * 12 + 4 * 4, first: 3 },
    ]);
    const mean = all.reduce((sum, { count, multiplications }) => sum + count * multiplications, 0) / span;
    expect(mean).toBe(clockworkCounts({ hidden: 12, periods: [1, 2, 3] }).operations);
  });

  testErrors(RangeError, [
    [
      () => kinds(3, [1, 9973, 9974]),
      'clockwork: periods must have a common multiple of at most 1000000 steps, got 99470702',
    ],
    [
      () => kinds(6, [1, 2, 3, 5, 7, 11]),
      'clockwork: periods must give at most 24 different sets of active modules, got 32',
    ],
  ]);
});
