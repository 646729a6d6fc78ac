import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { network } from '../bptt/network/network';
import { optimizer, type Optimizer, type OptimizerOptions } from '../bptt/train/optimizers';
import { Parameters } from '../bptt/network/parameters';
import { elman } from '../cells/elman';
import { constant } from '../core/random/init';
import type { Dtype } from '../core/memory';
import { plain } from '../core/programs/plain';
import { Random } from '../core/random/random';
import { tensor, toFlat } from '../core/tensor';
import { distance, settings } from './executors';

interface Numbers {
  shape: number[];
  data: number[];
}
interface Vector {
  name: string;
  hyper: Record<string, unknown>;
  params: Record<string, Numbers>;
  steps: { grads: Record<string, Numbers>; params_after: Record<string, Numbers> }[];
}

function parametersOf(params: Record<string, Numbers>, dtype: Dtype = 'float64'): Parameters {
  const shapes = Object.entries(params).map(([name, { shape }]) => [name, { shape, init: constant(0) }]);
  const parameters = new Parameters(Object.fromEntries(shapes) as Parameters['shapes'], dtype, new Random(0));
  for (const [name, { data }] of Object.entries(params)) parameters.set(name, data);
  return parameters;
}
function setGradients(parameters: Parameters, grads: Record<string, Numbers>): void {
  for (const [name, { data }] of Object.entries(grads)) {
    const g = parameters.gradients[name];
    g.data.set(data, g.offset);
  }
}

/** PyTorch's names of the options, as far as they differ. */
const ourNames: Record<string, string> = {
  lr: 'learningRate',
  weight_decay: 'weightDecay',
  lr_decay: 'lrDecay',
  initial_accumulator_value: 'initialAccumulatorValue',
};
function optionsOf({ name, hyper }: Vector): OptimizerOptions {
  const given = Object.entries(hyper).map(([key, value]) => [ourNames[key] ?? key, value]);
  const kind = name.split('_')[1];
  return { name: kind === 'amsgrad' ? 'adam' : kind, ...Object.fromEntries(given) } as OptimizerOptions;
}

const golden = join(__dirname, 'golden');
const vectors = readdirSync(golden)
  .filter((file) => file.startsWith('optim_'))
  .map((file) => JSON.parse(readFileSync(join(golden, file), 'utf8')) as Vector);

test('golden vectors cover every optimizer', () => {
  expect(new Set(vectors.map((v) => optionsOf(v).name)).size).toBe(5);
});

describe.each(settings)('$name', ({ executor, dtype }) => {
  // float32: a dozen steps of a dozen roundings each
  const bound = dtype === 'float64' ? 1e-12 : 2e-5;

  test.each(vectors.map((v) => [v.name, v] as const))(`golden, PyTorch, to ${bound}: %s`, (_, v) => {
    const parameters = parametersOf(v.params, dtype);
    const subject = optimizer(parameters, optionsOf(v), executor);
    let worst = 0;
    for (const { grads, params_after } of v.steps) {
      setGradients(parameters, grads);
      subject.step();
      for (const [name, { data }] of Object.entries(params_after))
        worst = Math.max(worst, distance(toFlat(parameters.values[name]), data));
    }
    expect(subject.steps).toBe(v.steps.length);
    expect(worst).toBeLessThanOrEqual(bound);
  });

  test.each(vectors.map((v) => [v.name, v] as const))(
    'saved and loaded, it goes on to the bit: %s',
    (_, v) => {
      const run = (pause: boolean): number[] => {
        const parameters = parametersOf(v.params, dtype);
        let subject: Optimizer = optimizer(parameters, optionsOf(v), executor);
        v.steps.forEach(({ grads }, k) => {
          if (pause && k === 2) {
            const saved = Object.entries(subject.state()).map(([name, t]) => [name, toFlat(t)] as const);
            subject = optimizer(parameters, subject.options, executor);
            subject.load(Object.fromEntries(saved));
          }
          setGradients(parameters, grads);
          subject.step();
        });
        return Array.from(parameters.flat.data);
      };
      expect(run(true)).toEqual(run(false));
    },
  );
});

const one = (): Parameters =>
  parametersOf({ w: { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }, b: { shape: [2], data: [7, 8] } });

describe('hand-worked', () => {
  test('sgd: p - lr g, and only for this step with another rate', () => {
    const parameters = parametersOf({ w: { shape: [2], data: [1, 2] } });
    const sgd = optimizer(parameters, { name: 'sgd', learningRate: 0.5 });
    setGradients(parameters, { w: { shape: [2], data: [2, -4] } });
    sgd.step();
    expect(toFlat(parameters.values.w)).toEqual([0, 4]);
    sgd.step(0.25);
    expect(toFlat(parameters.values.w)).toEqual([-0.5, 5]);
    expect(sgd.learningRate).toBe(0.5);
    expect(toFlat(parameters.gradients.w)).toEqual([2, -4]);
  });

  test('adam: the first step is the learning rate against the sign of the gradient', () => {
    const parameters = parametersOf({ w: { shape: [2], data: [0, 0] } });
    setGradients(parameters, { w: { shape: [2], data: [1e-3, -1e3] } });
    optimizer(parameters, { name: 'adam', learningRate: 0.01, eps: 0 }).step();
    expect(toFlat(parameters.values.w)[0]).toBeCloseTo(-0.01, 15);
    expect(toFlat(parameters.values.w)[1]).toBeCloseTo(0.01, 15);
  });

  test('adamw shrinks parameters that have no gradient, adam with weight decay does it through the moments', () => {
    const shrunk = parametersOf({ w: { shape: [1], data: [2] } });
    optimizer(shrunk, { name: 'adamw', learningRate: 0.1, weightDecay: 0.5 }).step();
    expect(shrunk.values.w.get(0)).toBeCloseTo(2 * (1 - 0.05), 15);
    const pulled = parametersOf({ w: { shape: [1], data: [2] } });
    optimizer(pulled, { name: 'adam', learningRate: 0.1, weightDecay: 0.5 }).step();
    expect(pulled.values.w.get(0)).toBeCloseTo(2 - 0.1, 7);
  });
});

describe('properties', () => {
  test.each(['sgd', 'rmsprop', 'adagrad', 'adam'] as const)(
    '%s: entries without gradient do not move',
    (name) => {
      const parameters = one();
      const subject = optimizer(parameters, { name });
      for (let k = 0; k < 100; k++) {
        parameters.gradients.w.set(0, 1, Math.sin(k));
        subject.step();
      }
      expect(toFlat(parameters.values.w).filter((_, k) => k !== 1)).toEqual([1, 3, 4, 5, 6]);
      expect(toFlat(parameters.values.b)).toEqual([7, 8]);
      expect(parameters.values.w.get(0, 1)).not.toBe(2);
    },
  );

  test.each(['sgd', 'rmsprop', 'adagrad', 'adam', 'adamw'] as const)(
    '%s: parameters and states that are exactly 0 stay so with weight decay',
    (name) => {
      const parameters = parametersOf({ w: { shape: [2, 2], data: [0, 1, 1, 0] } });
      const options = {
        name,
        weightDecay: 0.1,
        ...(name === 'sgd' && { momentum: 0.9 }),
      } as OptimizerOptions;
      const subject = optimizer(parameters, options);
      for (let k = 0; k < 100; k++) {
        parameters.gradients.w.set(0, 1, Math.sin(k));
        subject.step();
      }
      const { steps, ...states } = subject.state();
      expect(steps.get(0)).toBe(100);
      for (const t of [parameters.values.w, ...Object.values(states)])
        expect([t.get(0, 0), t.get(1, 1)]).toEqual([0, 0]);
    },
  );

  test('centered rmsprop stays finite under a constant gradient', () => {
    const parameters = parametersOf({ w: { shape: [3], data: [0, 0, 0] } }, 'float32');
    setGradients(parameters, { w: { shape: [3], data: [0.1, 1 / 3, 1e10] } });
    const subject = optimizer(parameters, { name: 'rmsprop', centered: true, alpha: 0.5 });
    for (let k = 0; k < 200; k++) subject.step();
    expect(toFlat(parameters.values.w).every(Number.isFinite)).toBe(true);
  });

  test.each(settings)('$name: a centered variance that rounding leaves below 0 counts as 0', (setting) => {
    const { dtype, executor, ulp } = setting;
    // a constant gradient: s − m² is 0 but for its rounding, which falls on either side of it
    const N = 500;
    const random = new Random(1);
    const data = Array.from({ length: N }, () => 2 * random.uniform() - 1);
    const parameters = parametersOf({ w: { shape: [N], data: Array<number>(N).fill(0) } }, dtype);
    setGradients(parameters, { w: { shape: [N], data } });
    const options = { name: 'rmsprop', centered: true, alpha: 0.5, learningRate: 1, eps: 1 } as const;
    const subject = optimizer(parameters, options, executor);
    for (let k = 0; k < 60; k++) subject.step();
    const state = subject.state();
    const [v, mean] = ['v.w', 'mean.w'].map((name) => toFlat(state[name]));
    expect(v.filter((s, k) => s < mean[k] * mean[k]).length).toBeGreaterThan(N / 10);
    const before = toFlat(parameters.values.w);
    subject.step();
    // by then the deviation is the root of a rounding at most, and g / (deviation + 1) is g
    const moved = toFlat(parameters.values.w).map((p, k) => before[k] - p);
    expect(distance(moved, data)).toBeLessThan(Math.sqrt(2 * ulp));
  });

  test('adamw: the decay follows the rate of the step, whatever the option says', () => {
    const parameters = parametersOf({ w: { shape: [1], data: [2] } });
    const subject = optimizer(parameters, { name: 'adamw', learningRate: 0.5, weightDecay: 0.1 });
    // without a gradient nothing but the decay moves a weight
    for (const rate of [0.2, 0, 0.04]) subject.step(rate);
    expect(parameters.values.w.get(0)).toBeCloseTo(2 * (1 - 0.2 * 0.1) * (1 - 0.04 * 0.1), 14);
  });

  test('float32 scalars are rounded only once: 1 - beta2 keeps its digits', () => {
    const parameters = parametersOf({ w: { shape: [1], data: [0] } }, 'float32');
    parameters.gradients.w.set(0, 1);
    const subject = optimizer(parameters, { name: 'adam', betas: [0.9, 0.999] });
    subject.step();
    expect(subject.state()['v.w'].get(0)).toBe(Math.fround(1 - 0.999));
  });

  test('it works on a network, with its executor', () => {
    const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'softmax', seed: 3 });
    const batch = { x: [[[1, 0]], [[0, 1]], [[1, 1]]], targets: [[1], [0], [1]] };
    const adam = optimizer(net, { name: 'adam', learningRate: 0.05 });
    for (let k = 0; k < 100; k++) {
      net.parameters.zeroGradients();
      const pass = net.forward(batch);
      pass.backward();
      adam.step();
    }
    expect(net.forward(batch).loss).toBeLessThan(0.01);
    expect(Object.keys(adam.state())).toContain('m.l0.Wx');
    expect(adam.state()['v.head.Wy'].shape).toEqual([3, 2]);
    expect(() => optimizer(net.parameters, { name: 'sgd' }, plain).step()).not.toThrow();
  });
});

describe('options', () => {
  test("PyTorch's defaults", () => {
    const defaults = (name: OptimizerOptions['name']) => optimizer(one(), { name }).options;
    const adam = { learningRate: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false };
    expect(defaults('adam')).toEqual({ name: 'adam', ...adam, weightDecay: 0 });
    expect(defaults('adamw')).toEqual({ name: 'adamw', ...adam, weightDecay: 1e-2 });
    expect(defaults('sgd')).toEqual({
      name: 'sgd',
      learningRate: 1e-3,
      momentum: 0,
      dampening: 0,
      nesterov: false,
      weightDecay: 0,
    });
    expect(defaults('rmsprop')).toEqual({
      name: 'rmsprop',
      learningRate: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      momentum: 0,
      centered: false,
      weightDecay: 0,
    });
    expect(defaults('adagrad')).toEqual({
      name: 'adagrad',
      learningRate: 1e-2,
      lrDecay: 0,
      eps: 1e-10,
      initialAccumulatorValue: 0,
      weightDecay: 0,
    });
  });

  test.each([
    [undefined, 'optimizer: options must be an object, got undefined'],
    [{ name: 'lion' }, 'optimizer: the name must be one of sgd, rmsprop, adagrad, adam, adamw, got lion'],
    [
      { name: 'adam', lr: 1 },
      'optimizer adam: options must be among name, sparse, groups, learningRate, betas, eps',
    ],
    [{ name: 'sgd', learningRate: -1 }, 'optimizer sgd: learningRate must be a finite number >= 0, got -1'],
    [
      { name: 'sgd', learningRate: '1' },
      "optimizer sgd: learningRate must be a finite number >= 0, got the string '1'",
    ],
    [{ name: 'sgd', momentum: NaN }, 'optimizer sgd: momentum must be a finite number >= 0, got NaN'],
    [{ name: 'sgd', dampening: Infinity }, 'optimizer sgd: dampening must be a finite number, got Infinity'],
    [{ name: 'sgd', nesterov: 1 }, 'optimizer sgd: nesterov must be true or false, got 1'],
    [
      { name: 'sgd', nesterov: true },
      'optimizer sgd: nesterov needs a momentum > 0 and a dampening of 0, got momentum 0, dampening 0',
    ],
    [{ name: 'rmsprop', alpha: 1 }, 'optimizer rmsprop: alpha must be in 0 ≤ alpha < 1, got 1'],
    [{ name: 'rmsprop', centered: 'yes' }, 'optimizer rmsprop: centered must be true or false, got yes'],
    [{ name: 'adagrad', lrDecay: -1 }, 'optimizer adagrad: lrDecay must be a finite number >= 0, got -1'],
    [{ name: 'adam', betas: 0.9 }, 'optimizer adam: betas must be two numbers, got 0.9'],
    [{ name: 'adamw', betas: [0.9, 1] }, 'optimizer adamw: each beta must be in 0 ≤ beta < 1, got 1'],
    [{ name: 'adamw', amsgrad: 0 }, 'optimizer adamw: amsgrad must be true or false, got 0'],
  ])('%j is refused', (options, message) => {
    expect(() => optimizer(one(), options as OptimizerOptions)).toThrow(message);
  });

  test('a learning rate that is none is refused before anything changes', () => {
    const parameters = one();
    const sgd = optimizer(parameters, { name: 'sgd' });
    expect(() => sgd.step(NaN)).toThrow(
      'optimizer.step: the learning rate must be a finite number >= 0, got NaN',
    );
    expect(sgd.steps).toBe(0);
  });
});

describe('load', () => {
  const adam = (): Optimizer => optimizer(one(), { name: 'adam' });

  test('takes the tensors that state gave', () => {
    const [from, to] = [adam(), adam()];
    setGradients(from.parameters, { w: { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] } });
    from.step();
    to.load(from.state());
    expect(to.steps).toBe(1);
    expect(toFlat(to.state()['m.w'])).toEqual(toFlat(from.state()['m.w']));
  });

  test.each([
    [
      'an unknown name',
      { 'm.x': [1] },
      'optimizer.load: the name must be one of steps, m.w, m.b, v.w, v.b, got m.x',
    ],
    ['a wrong count', { 'm.w': [1, 2] }, 'optimizer.load: m.w must hold 6 values, got 2'],
    [
      'a missing name',
      { steps: [3], 'm.w': [1, 2, 3, 4, 5, 6] },
      'optimizer.load: m.b must be given, got none',
    ],
  ])('%s is refused', (_, state, message) => {
    expect(() => adam().load(state as Record<string, number[]>)).toThrow(message);
  });

  test('a bad count of steps is refused, and nothing is changed', () => {
    const subject = adam();
    const state = { ...subject.state(), steps: tensor([1.5]), 'm.b': tensor([1, 2]) };
    expect(() => subject.load(state)).toThrow('optimizer.load: steps must be a whole number >= 0, got 1.5');
    expect(toFlat(subject.state()['m.b'])).toEqual([0, 0]);
  });
});
