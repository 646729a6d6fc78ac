import { copyNetwork, network, type Network, type NetworkOptions } from '../bptt/network/network';
import { randomNormals, fillRandom } from '../bptt/check/problem';
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { engineMemory } from '../core/memory';
import { Random } from '../core/random/random';
import { tensor, toFlat, toNested, type Tensor } from '../core/tensor';
import { testErrors } from './errors';
import { distance, rounded, settings } from './executors';
import type { States } from '../bptt/network/batch/states';
import { planOf } from '../bptt/network/passes/pass';
import { runnerOf } from '../bptt/network/network';

const [T, B, D, H, O] = [4, 3, 2, 5, 3];

const flat = (tensors: Record<string, Tensor>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]));

describe.each(settings)('$name', ({ dtype, executorName, rounding }) => {
  const make = (options: NetworkOptions): Network => network({ dtype, executor: executorName, ...options });
  const random = new Random(9);
  const x = { shape: [T, B, D], numbers: randomNormals(T * B * D, random) };
  const deep = (options: Partial<NetworkOptions> = {}): Network => {
    const layers = [
      lstm({ input: D, hidden: 4 }),
      gru({ input: 4, hidden: 3 }),
      elman({ input: 3, hidden: H }),
    ];
    const net = make({ layers, ...options });
    const weights = new Random(5);
    for (const t of Object.values(net.parameters.values)) fillRandom(t, weights);
    return net;
  };

  test('two layers and a head by hand, in whole numbers', () => {
    const layers = [
      elman({ input: 1, hidden: 2, activation: 'relu', bias: false }),
      elman({ input: 2, hidden: 1, activation: 'relu' }),
    ];
    const net = make({ layers, output: 2, loss: 'squared', reduction: 'sum' });
    const weights = { 'l0.Wx': [1, 2], 'l0.Wh': [0, 1, 1, 0], 'l1.Wx': [1, -1], 'l1.Wh': [2], 'l1.b': [10] };
    for (const [name, values] of Object.entries({ ...weights, 'head.Wy': [1, -1], 'head.by': [0, 5] }))
      net.parameters.set(name, values);
    // l0: z_0 = 1 [1 2] = [1 2];       z_1 = 3 [1 2] + [2 1] = [5 7]
    // l1: z_0 = 1 − 2 + 10 = 9;        z_1 = 5 − 7 + 18 + 10 = 26
    // y:  [9, −9 + 5], [26, −26 + 5]
    const targets = [[[8, -4]], [[26, -20]]];
    const pass = net.forward({ x: [[[1]], [[3]]], targets });
    const { output, loss, states } = pass;
    expect(toNested(output)).toEqual([[[9, -4]], [[26, -21]]]);
    // (1² + 0²)/2 + (0² + 1²)/2
    expect(loss).toBe(1);
    expect(flat(states)).toEqual({ 'l0.h': [5, 7], 'l1.h': [26] });
    // dy = [1 0], [0 −1];   dWy = 9 [1 0] + 26 [0 −1];   dh from above: 1 and 1 (0 · 1 + −1 · −1)
    // l1: dz_1 = 1, dz_0 = 1 + 2 = 3;  db = 4;  dWh = 9 · 1;  dWx = [5 7] · 1 + [1 2] · 3
    // l0: above: dz_1 Wxᵀ = [1 −1], dz_0: [3 −3] + [1 −1] Whᵀ = [3 −3] + [−1 1] = [2 −2]
    //     dWx = 3 [1 −1] + 1 [2 −2];  dWh = [1 2]ᵀ [1 −1];  dx_1 = 1 − 2, dx_0 = 2 − 4;  dh0 = [2 −2] Whᵀ
    const back = pass.backward();
    expect(flat(net.parameters.gradients)).toEqual({
      'l0.Wx': [5, -5],
      'l0.Wh': [1, -1, 2, -2],
      'l1.Wx': [8, 13],
      'l1.Wh': [9],
      'l1.b': [4],
      'head.Wy': [9, -26],
      'head.by': [1, -1],
    });
    expect(toNested(back.x)).toEqual([[[-2]], [[-1]]]);
    expect(flat(back.initial)).toEqual({ 'l0.h': [-2, 2], 'l1.h': [6] });

    // all of it is exact: twice without zeroing is exactly twice, and zeroed it is as before
    const once = flat(net.parameters.gradients);
    pass.backward();
    for (const [name, values] of Object.entries(once))
      expect(toFlat(net.parameters.gradients[name])).toEqual(values.map((v) => 2 * v));
    net.parameters.zeroGradients();
    pass.backward();
    expect(flat(net.parameters.gradients)).toEqual(once);
  });

  test('two networks of one seed are equal to the bit, of another seed not', () => {
    const run = (seed: number): unknown => {
      const net = make({
        layers: [lstm({ input: D, hidden: H })],
        output: O,
        loss: 'softmax',
        dropout: 0.3,
        seed,
      });
      const batch = { x, targets: { shape: [T, B], numbers: Array<number>(T * B).fill(1) } };
      const pass = net.forward(batch, { training: true });
      const { loss } = pass;
      pass.backward();
      return [loss, flat(net.parameters.gradients)];
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  test('zero upstream gives exactly zero; what is left out is zero', () => {
    const net = deep();
    const pass = net.forward({ x });
    for (const upstream of [undefined, {}, { output: new Float64Array(T * B * H) }]) {
      const { x: dx, initial } = pass.backward(upstream);
      for (const values of Object.values(flat({ ...net.parameters.gradients, dx, ...initial })))
        expect(values.every((v) => v === 0)).toBe(true);
    }
  });

  test('upstream gradients add up: to the outputs, and to the final states of every layer', () => {
    const net = deep();
    const output = randomNormals(T * B * H, random);
    const states = {
      'l0.c': randomNormals(B * 4, random),
      'l1.h': randomNormals(B * 3, random),
      'l2.h': randomNormals(B * H, random),
    };
    const run = (upstream: object): number[] => {
      net.parameters.zeroGradients();
      const pass = net.forward({ x });
      pass.backward(upstream);
      return Object.values(flat(net.parameters.gradients)).flat();
    };
    const parts = [
      run({ output }),
      ...Object.entries(states).map(([name, d]) => run({ states: { [name]: d } })),
    ];
    const sum = parts[0].map((_, k) => parts.reduce((total, part) => total + part[k], 0));
    expect(distance(run({ output, states }), sum)).toBeLessThanOrEqual(rounding);
    for (const part of parts) expect(part.some((v) => v !== 0)).toBe(true);
  });

  test('many to one, without a head, the output is a state: both gradients reach it', () => {
    const last = deep({ topology: 'many-to-one' });
    const every = deep();
    const d = randomNormals(B * H, random);
    const run = (net: Network, upstream: object): number[] => {
      const pass = net.forward({ x, lengths: [4, 2, 3] });
      pass.backward(upstream);
      return Object.values(flat(net.parameters.gradients)).flat();
    };
    const expected = run(every, { states: { 'l2.h': d.map((v) => 2 * v) } });
    expect(run(last, { output: d, states: { 'l2.h': d } })).toEqual(expected);
    expect(last.forward({ x, lengths: [4, 2, 3] }).output.shape).toEqual([B, H]);
    // and none is left over from one backward to the next
    last.parameters.zeroGradients();
    expect(run(last, { states: {} }).every((v) => v === 0)).toBe(true);
    last.parameters.zeroGradients();
    expect(run(last, { output: d.map((v) => 2 * v) })).toEqual(expected);
  });

  test('classes stand for one-hot rows', () => {
    const net = deep();
    const classes = [0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0];
    const oneHot = { shape: [T, B, D], numbers: classes.flatMap((k) => [k === 0 ? 1 : 0, k === 1 ? 1 : 0]) };
    const expected = toFlat(net.forward({ x: oneHot }).output);
    expect(toFlat(net.forward({ x: { shape: [T, B], numbers: classes } }).output)).toEqual(expected);
  });

  test('nested lists, tensors and boxes of numbers are the same batch', () => {
    const net = deep();
    const nested = Array.from({ length: T }, (_, t) =>
      Array.from({ length: B }, (_, b) =>
        Array.from({ length: D }, (_, d) => x.numbers[(t * B + b) * D + d]),
      ),
    );
    const expected = toFlat(net.forward({ x }).output);
    expect(toFlat(net.forward({ x: nested }).output)).toEqual(expected);
    expect(toFlat(net.forward({ x: tensor(nested) }).output)).toEqual(expected);
  });

  describe('initial states', () => {
    test('are zero unless given, and given ones stay as they are', () => {
      const net = deep();
      const zero = toFlat(net.forward({ x }).output);
      const initial = {
        'l0.h': randomNormals(B * 4, random),
        'l0.c': randomNormals(B * 4, random),
        'l1.h': randomNormals(B * 3, random),
        'l2.h': randomNormals(B * H, random),
      };
      const given = toFlat(net.forward({ x, initial }).output);
      expect(distance(given, zero)).toBeGreaterThan(0.01);
      expect(toFlat(net.forward({ x, initial: 'zero' }).output)).toEqual(zero);
      expect(toFlat(net.forward({ x, initial }).output)).toEqual(given);
    });

    test('forward over carried chunks equals one pass; the gradient is cut, exactly', () => {
      const net = deep();
      const whole = net.forward({ x });
      const [output, states] = [toFlat(whole.output), flat(whole.states)];
      const part = (from: number, to: number): Batch['x'] => ({
        shape: [to - from, B, D],
        numbers: x.numbers.slice(from * B * D, to * B * D),
      });
      const first = net.forward({ x: part(0, 1) });
      const before = toFlat(first.output);
      const second = net.forward({ x: part(1, T) }, { from: first.states });
      expect(distance([...before, ...toFlat(second.output)], output)).toBeLessThanOrEqual(rounding);
      for (const [name, t] of Object.entries(second.states))
        expect(distance(toFlat(t), states[name])).toBeLessThanOrEqual(rounding);
      // backward sees the second chunk alone: as if its initial states had been given
      second.backward({ output: new Float64Array((T - 1) * B * H).fill(1) });
      const cut = Object.values(flat(net.parameters.gradients)).flat();
      net.parameters.zeroGradients();
      net.forward({ x: part(0, 1) });
      const carried = flat(net.forward({ x: part(0, 1) }).states);
      const pass = net.forward({ x: part(1, T), initial: carried });
      pass.backward({ output: new Float64Array((T - 1) * B * H).fill(1) });
      expect(Object.values(flat(net.parameters.gradients)).flat()).toEqual(cut);
    });

    test('a new sequence does not remember the one before', () => {
      const net = deep();
      const before = toFlat(net.forward({ x }).output);
      net.forward({ x }, { from: net.forward({ x }).states });
      expect(toFlat(net.forward({ x }).output)).toEqual(before);
    });

    test('when trained, one row starts every sequence, and its gradient is the sum over the rows', () => {
      const net = deep({ trainInitial: true });
      expect(net.parameters.values['l0.c0'].shape).toEqual([1, 4]);
      const spread = (name: string, width: number): number[] => {
        const row = toFlat(net.parameters.values[name]);
        return Array.from({ length: B * width }, (_, k) => row[k % width]);
      };
      const initial = {
        'l0.h': spread('l0.h0', 4),
        'l0.c': spread('l0.c0', 4),
        'l1.h': spread('l1.h0', 3),
        'l2.h': spread('l2.h0', H),
      };
      const pass = net.forward({ x });
      const learnt = toFlat(pass.output);
      pass.backward({ output: new Float64Array(T * B * H).fill(1) });
      const d0 = toFlat(net.parameters.gradients['l0.c0']);
      const again = net.forward({ x, initial });
      expect(toFlat(again.output)).toEqual(learnt);
      net.parameters.zeroGradients();
      const back = again.backward({ output: new Float64Array(T * B * H).fill(1) });
      const rows = toFlat(back.initial['l0.c']);
      const sum = [0, 1, 2, 3].map((u) => rows[u] + rows[4 + u] + rows[8 + u]);
      expect(distance(d0, sum)).toBeLessThanOrEqual(rounding);
      // a sequence that started from given states teaches the trainable ones nothing
      expect(toFlat(net.parameters.gradients['l0.c0'])).toEqual([0, 0, 0, 0]);
    });
  });

  describe('dropout', () => {
    const layers = [elman({ input: D, hidden: 64 })];
    const batch = { x: { shape: [T, 40, D], numbers: randomNormals(T * 40 * D, random) } };

    test('is off in evaluation, which draws no random number', () => {
      const net = make({ layers, dropout: 0.5, seed: 1 });
      const without = make({ layers, seed: 1 });
      const { state } = net.random;
      const expected = toFlat(without.forward(batch).output);
      expect(toFlat(net.forward(batch).output)).toEqual(expected);
      expect(net.random.state).toEqual(state);
      net.forward(batch, { training: true });
      expect(net.random.state).not.toEqual(state);
      expect(toFlat(net.forward(batch).output)).toEqual(expected);
    });

    test('drops with its probability, and scales what stays by 1 / (1 − p)', () => {
      const net = make({ layers, dropout: 0.25, seed: 1 });
      const whole = toFlat(net.forward(batch).output);
      const dropped = toFlat(net.forward(batch, { training: true }).output);
      const keptFraction = dropped.filter((v) => v !== 0).length / dropped.length;
      // 10240 units: four standard errors are 0.017
      expect(Math.abs(keptFraction - 0.75)).toBeLessThan(0.017);
      const wrong = dropped.filter((v, k) => v !== 0 && !(Math.abs(v - whole[k] / 0.75) <= rounding));
      expect(wrong).toEqual([]);
      const again = toFlat(net.forward(batch, { training: true }).output);
      expect(again).not.toEqual(dropped); // drawn anew every time
    });

    test('backward drops the units that forward dropped', () => {
      const net = make({ layers, dropout: 0.5, seed: 1 });
      const pass = net.forward(batch, { training: true });
      const { output } = pass;
      const gone = toFlat(output).map((v) => v === 0);
      // a gradient for dropped units alone reaches nothing
      const { x: dx } = pass.backward({ output: gone.map((v) => (v ? 1 : 0)) });
      for (const values of Object.values(flat({ ...net.parameters.gradients, dx })))
        expect(values.every((v) => v === 0)).toBe(true);
    });
  });

  describe('plans', () => {
    const of = (steps: number): Batch => ({
      x: { shape: [steps, B, D], numbers: randomNormals(steps * B * D, random) },
    });
    const fresh = (): Network => make({ layers: [elman({ input: D, hidden: H })] });

    test('are kept: a shape that comes back has its plan again', () => {
      const net = fresh();
      net.forward(of(40));
      const first = planOf(net.forward(of(1)));
      for (let steps = 2; steps <= 40; steps++) net.forward(of(steps));
      const again = net.forward(of(1));
      expect(planOf(again)).toBe(first);
      expect(runnerOf(net).plan({ T: 1, B, masked: false })).toBe(first);
      expect(runnerOf(net).plan({ T: 1, B, masked: true })).not.toBe(first);
    });

    test('share their memory: any length after the longest needs next to none, and has the bits of a network of its own', () => {
      const net = fresh();
      const batches = [40, 3, 17, 40, 1, 9].map(of);
      const result = (one: Network, batch: Batch): number[][] => {
        one.parameters.zeroGradients();
        const pass = one.forward(batch);
        const steps = (batch.x as FlatNumbers).shape[0];
        const { x } = pass.backward({ output: new Float64Array(steps * B * H).fill(1) });
        return [pass.output, x, one.parameters.flatGradients].map(toFlat);
      };
      const used = batches.map((batch) => {
        const alone = fresh();
        alone.parameters.flat.data.set(net.parameters.flat.data);
        const expected = result(alone, batch);
        const before = engineMemory().used();
        expect(result(net, batch)).toEqual(expected);
        return engineMemory().used() - before;
      });
      // without WebAssembly there is nothing to be shared
      for (const more of used.slice(1)) expect(more).toBeLessThan(0.2 * used[0]);
    });

    test('that grow give the old memory back, and a pass that was there says so', () => {
      const [alone, net] = [fresh(), fresh()];
      const start = engineMemory().used();
      alone.forward(of(200));
      const longest = engineMemory().used() - start;
      const pass = net.forward(of(2));
      for (let steps = 3; steps <= 200; steps += 7) net.forward(of(steps));
      expect(engineMemory().used() - start - longest).toBeLessThan(1.3 * longest);
      expect(() => pass.output).toThrow('output must be read before the next pass');
      expect(() => pass.backward()).toThrow('a pass must be run backward before the next pass');
    });
  });

  describe('results', () => {
    const of = (value: number, steps = 2): Batch => ({
      x: { shape: [steps, B, D], numbers: new Float64Array(steps * B * D).fill(value) },
    });

    test('stay what they were, whatever is run after they were read', () => {
      const net = make({ layers: [elman({ input: D, hidden: H })] });
      const pass = net.forward(of(0.1));
      const { output, states } = pass;
      const { x, initial } = pass.backward({ output: new Float64Array(2 * B * H).fill(1) });
      const all = [output, states['l0.h'], x, initial['l0.h']];
      const before = all.map(toFlat);
      for (let steps = 1; steps < 20; steps++) {
        const again = net.forward(of(0.9, steps));
        again.backward({ output: new Float64Array(steps * B * H).fill(-1) });
      }
      expect(all.map(toFlat)).toEqual(before);
    });

    test('are refused in words when they are read too late', () => {
      const net = make({ layers: [elman({ input: D, hidden: H })] });
      const first = net.forward(of(0.1));
      const back = first.backward();
      const { output } = first;
      net.forward(of(0.9));
      expect(first.output).toBe(output);
      const late = (name: string): string =>
        `${name} must be read before the next pass, got a later pass (it uses that memory)`;
      expect(() => first.states).toThrow(`network.forward: ${late('states')}`);
      expect(() => back.x).toThrow(`pass.backward: ${late('x')}`);
      expect(() => back.initial).toThrow(`pass.backward: ${late('initial')}`);
    });
  });

  test('a copy has the same weights under the other dtype, and shares nothing', () => {
    const net = deep({ trainInitial: true, output: O, loss: 'softmax', reduction: 'sum' });
    for (const other of ['float64', 'float32'] as const) {
      const copy = copyNetwork(net, { dtype: other });
      expect(copy.architecture).toEqual({ ...net.architecture, dtype: other });
      expect(copy.reduction).toBe('sum');
      for (const [name, t] of Object.entries(net.parameters.values))
        expect(toFlat(copy.parameters.values[name])).toEqual(toFlat(t).map((v) => rounded(v, other)));
      copy.parameters.values['l0.Wx'].set(0, 0, 99);
      expect(net.parameters.values['l0.Wx'].get(0, 0)).not.toBe(99);
    }
    expect(copyNetwork(net).architecture.dtype).toBe('float64');
  });

  test('a copy runs on the same executor and may differ in what its weights do not depend on', () => {
    const net = deep({ output: O, loss: 'softmax', dropout: 0.5, executor: 'plain' });
    expect(copyNetwork(net).executor.name).toBe('plain');
    const copy = copyNetwork(net, { dropout: 0, reduction: 'sum' });
    expect(copy.architecture).toEqual({ ...net.architecture, dropout: 0, dtype: 'float64' });
    expect(copy.reduction).toBe('sum');
    expect(toFlat(copy.parameters.flat)).toEqual(toFlat(net.parameters.flat));
  });
});

describe('parameters', () => {
  const net = network({ layers: [lstm({ input: 4, hidden: 5 })], output: 3, loss: 'softmax' });

  test('are counted without the padding between them', () => {
    // 4 · 20 + 5 · 20 + 20 + 5 · 3 + 3
    expect(net.parameters.count).toBe(218);
    expect([net.input, net.output]).toEqual([4, 3]);
    expect(network({ layers: [elman({ input: 4, hidden: 5 })] }).output).toBe(5);
  });

  test('lie in one stretch, each on a multiple of 16 numbers, with their gradients alike', () => {
    const { values, gradients, flat: all, flatGradients } = net.parameters;
    expect(Object.keys(values)).toEqual(['l0.Wx', 'l0.Wh', 'l0.b', 'head.Wy', 'head.by']);
    expect(Object.values(values).map((t) => t.offset)).toEqual([0, 80, 192, 224, 240]);
    expect([all.shape, flatGradients.shape]).toEqual([
      [1, 256],
      [1, 256],
    ]);
    for (const name of Object.keys(values)) {
      expect([values[name].data, gradients[name].data]).toEqual([all.data, flatGradients.data]);
      expect(gradients[name].offset).toBe(values[name].offset);
    }
  });

  test('are set by name', () => {
    net.parameters.set('head.by', [1, 2, 3]);
    net.parameters.set('head.by', [1, 2, 3], [3]);
    net.parameters.set('head.by', net.parameters.values['head.by']);
    expect(toFlat(net.parameters.values['head.by'])).toEqual([1, 2, 3]);
    const rows = Array.from({ length: 5 }, (_, k) => Float32Array.of(k, k + 1, k + 2));
    net.parameters.set('head.Wy', rows);
    expect(toNested(net.parameters.values['head.Wy'])).toEqual(rows.map((row) => Array.from(row)));
    expect(() => net.parameters.set('head.bx', [1])).toThrow(
      'parameters.set: the name must be one of l0.Wx, l0.Wh, l0.b, head.Wy, head.by, got head.bx',
    );
    expect(() => net.parameters.set('head.by', [1])).toThrow(
      'parameters.set: head.by must be [3], got 1 value',
    );
    expect(() => net.parameters.set('head.Wy', [[1, 2, 3]])).toThrow('head.Wy must be [5, 3], got [1, 3]');
    expect(() => net.parameters.set('head.by', ['1', 2, 3] as never)).toThrow(
      "head.by[0] must be a number, got the string '1'",
    );
    expect(toFlat(net.parameters.values['head.by'])).toEqual([1, 2, 3]);
    expect(() => net.parameters.set('head.by', [1, 2, 3], [1, 3])).toThrow(
      'parameters.set: head.by must be [3], got [1, 3]',
    );
  });
});

describe('errors', () => {
  const layers = [elman({ input: D, hidden: H })];
  const batch = { x: { shape: [T, B, D], numbers: new Float64Array(T * B * D) } };
  const classes = { shape: [T, B], numbers: new Float64Array(T * B) };
  const soft = network({ layers, output: O, loss: 'softmax' });
  const bare = network({ layers });

  const refused = (kind: ErrorConstructor, cases: [options: object, message: string][]): void =>
    testErrors(
      kind,
      cases.map(([options, message]) => [() => network(options as never), message] as const),
    );
  refused(TypeError, [
    [{ layers: [] }, 'network: layers must be a list of at least one cell, got []'],
    [{ layers: 3 }, 'network: layers must be a list of at least one cell, got 3'],
    [{}, 'network: layers must be a list of at least one cell, got undefined'],
    [
      { layers, size: 3 },
      'network: options must be among topology, layers, encoder, feed, start, attention, output, loss, reduction, dropout, variational, zoneout, tied, frozen, init, trainInitial, dtype, seed, executor, got size',
    ],
    [
      { layers, loss: 'hinge' },
      'network: loss must be one of softmax, smoothed, bernoulli, squared, absolute, huber, quantile, got hinge',
    ],
    [
      { layers, topology: 'one-to-none' },
      'network: topology must be one of one-to-one, one-to-many, many-to-one, many-to-many, encoder-decoder, got one-to-none',
    ],
    [{ layers, reduction: 'max' }, 'network: reduction must be one of mean, sum, got max'],
    [{ layers, dtype: 'int8' }, 'network: dtype must be one of float64, float32, got int8'],
    [{ layers, executor: 'abacus' }, 'got abacus'],
  ]);

  refused(RangeError, [
    [
      { layers: [...layers, lstm({ input: 4, hidden: 3 })] },
      'network: layer 1 must have input 5, got 4 (the width of the output of layer 0, elman)',
    ],
    [{ layers, output: 0 }, 'network: output must be a whole number >= 1, got 0'],
    [{ layers, dropout: 1 }, 'network: dropout must be in 0 ≤ p < 1, got 1'],
    [{ layers, dropout: -0.1 }, 'network: dropout must be in 0 ≤ p < 1, got -0.1'],
    [{ layers, seed: 1.5 }, 'random: the seed must be a whole number in 0 … 2^32 - 1, got 1.5'],
  ]);

  const cases: [act: () => unknown, message: string, kind: ErrorConstructor][] = [
    [() => bare.forward(null as never), 'network.forward: the batch must be an object, got null', TypeError],
    [
      () => bare.forward({ ...batch, y: 1 } as never),
      'network.forward: the batch must be made of x, inputs, targets, weights, lengths, targetLengths, T, initial, clock, got y',
      TypeError,
    ],
    [
      () => bare.forward({} as never),
      'network.forward: x must be nested lists, a typed array, a tensor, or { shape, numbers }, got undefined',
      TypeError,
    ],
    [
      () => bare.forward({ x: [[[1, 2, 3]]] }),
      'network.forward: x must be [1, 1, 2], got [1, 1, 3] (D = 2 is fixed by elman)',
      RangeError,
    ],
    [
      () => bare.forward({ x: [1, 2] }),
      'network.forward: x must be [T, B, D] or [T, B], got [2]',
      RangeError,
    ],
    [
      () => bare.forward({ x: new Float64Array(4) }),
      'network.forward: x must be [T, B, D] or [T, B], got [4]',
      RangeError,
    ],
    [
      () => bare.forward({ x: [] }),
      'network.forward: x must hold at least one step of one row, got [0]',
      RangeError,
    ],
    [
      () => bare.forward({ x: [[]] }),
      'network.forward: x must hold at least one step of one row, got [1, 0]',
      RangeError,
    ],
    [
      () => bare.forward({ x: [[[1, 2]], [[1]]] }),
      'network.forward: x[1][0] must be a list of 2, as x[0][0] is, got one of 1',
      RangeError,
    ],
    [
      () => bare.forward({ x: { shape: [2, 1, 2], numbers: [1] } }),
      'network.forward: x must hold 4 values, got 1',
      RangeError,
    ],
    [
      () => bare.forward({ x: [[[1, NaN]]] }),
      'network.forward: x must be finite, got NaN at t = 0, row 0, unit 1',
      RangeError,
    ],
    [
      () => bare.forward({ x: [[0, 2]] }),
      'network.forward: x must be class numbers in 0…1, got 2 at t = 0, row 1',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, lengths: [4, 1] }),
      'network.forward: lengths must be [3], got [2] (one length for each row)',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, lengths: [4, 0, 1] }),
      'network.forward: every length must be in 1…4, got 0 (T = 4)',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, lengths: [4, 5, 1] }),
      'network.forward: every length must be in 1…4, got 5 (T = 4)',
      RangeError,
    ],
    [
      () => soft.forward(batch),
      'network.forward: targets must be given, got undefined (the network has a softmax loss; forward(batch, { predict: true }) runs without targets)',
      TypeError,
    ],
    [
      () => soft.forward({ ...batch, targets: { shape: [T, B, O], numbers: new Float64Array(T * B * O) } }),
      'network.forward: targets must be [4, 3], got [4, 3, 3] (O = 3, many-to-many with a softmax loss)',
      RangeError,
    ],
    [
      () =>
        soft.forward({
          ...batch,
          targets: { ...classes, numbers: classes.numbers.map((_, k) => (k === 5 ? 3 : 0)) },
        }),
      'network.forward: targets must be class numbers in 0…2, got 3 at t = 1, row 2',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, initial: { 'l0.c': new Float64Array(B * H) } }),
      'network.forward: initial states must be among l0.h, got l0.c',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, initial: { 'l0.h': new Float64Array(4) } }),
      'network.forward: initial l0.h must be [3, 5], got 4 values',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, initial: {} }),
      'network.forward: initial l0.h must be given, got undefined',
      RangeError,
    ],
    [
      () => bare.forward({ ...batch, initial: 'carry' as 'zero' }),
      "network.forward: initial must not be 'carry', got carry (continue a pass with { from: pass.states }; 'carry' is for the batches of fit)",
      TypeError,
    ],
    [
      () => bare.forward(batch, { from: { 'l0.h': [1] } as unknown as States }),
      'network.forward: from must be the states of a pass, got an object of l0.h (pass.states; values by name are handed in with the batch, as initial)',
      TypeError,
    ],
    ...[-0.1, 1.1, NaN, Infinity].map((wrong): [() => void, string, typeof RangeError] => [
      () =>
        network({ layers, output: 2, loss: 'bernoulli' }).forward({
          x: batch.x,
          targets: {
            shape: [T, B, 2],
            numbers: Array.from({ length: T * B * 2 }, (_, k) => (k === 2 * B + 3 ? wrong : k % 2)),
          },
        }),
      `network.forward: targets must be in 0…1, got ${wrong} at t = 1, row 1, unit 1 (the network has a bernoulli loss)`,
      RangeError,
    ]),
    [
      () => {
        const net = network({ layers });
        net.forward({ x: [[[1, 2]]] }, { from: net.forward(batch).states });
      },
      'network.forward: from must be the states of 1 row, got 3 (each row continues from a row of its own; without from, all start from zero)',
      RangeError,
    ],
    [
      () => {
        const pass = soft.forward({ ...batch, targets: classes });
        pass.backward({});
      },
      'pass.backward: upstream gradients must be left out, got some (the network has a loss)',
      RangeError,
    ],
    [
      () => {
        const pass = bare.forward(batch);
        pass.backward({ output: [1] });
      },
      'pass.backward: output must be [4, 3, 5], got 1 value',
      RangeError,
    ],
    [
      () => {
        const pass = bare.forward(batch);
        pass.backward({ states: { 'l1.h': [1] } });
      },
      'pass.backward: states must be among l0.h, got l1.h',
      RangeError,
    ],
  ];
  for (const wanted of [RangeError, TypeError]) {
    testErrors(
      wanted,
      cases.filter(([, , kind]) => kind === wanted).map(([act, message]) => [act, message] as const),
    );
  }

  test('rows of unequal length are refused even when the count would fit', () => {
    // 2 · 1 · 2 numbers, but three in one row and one in the other
    expect(() => bare.forward({ x: [[[1, 2]], [[1, 2, 3]]] })).toThrow(
      'x[1][0] must be a list of 2, as x[0][0] is, got one of 3',
    );
    expect(() =>
      bare.forward({
        x: [
          [[1, 2], [3]],
          [[4], [5, 6, 7, 8]],
        ] as never,
      }),
    ).toThrow('x[0][1] must be a list of 2, as x[0][0] is, got one of 1');
  });
});
