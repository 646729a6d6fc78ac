/** Frozen parameters, groups of parameters, initial values of one's own, tied weights, and dropout for each layer. */
import {
  clipValue,
  copyNetwork,
  decodeCheckpoint,
  embedding,
  encodeCheckpoint,
  encodeOnnx,
  evaluate,
  fit,
  gradcheck,
  gru,
  init,
  network,
  optimizer,
  toFlat,
  toNested,
  type OptimizerOptions,
} from '../index';
import { runnerOf } from '../bptt/network/network';
import { torchOptimizerCall } from '../io/torch/optimizers';

const [V, W] = [5, 3];
const layers = [
  embedding({ input: V, width: W }),
  gru({ input: W, hidden: 4 }),
  gru({ input: 4, hidden: W }),
];
const options = { layers, output: V, loss: 'softmax' } as const;
const batch = {
  x: [
    [0, 1],
    [2, 3],
    [4, 0],
  ],
  targets: [
    [1, 2],
    [3, 4],
    [0, 1],
  ],
  lengths: [3, 2],
};
const train = (net: ReturnType<typeof network>, more: Partial<OptimizerOptions> = {}, steps = 3) =>
  fit(net, Array<typeof batch>(steps).fill(batch), {
    optimizer: { name: 'adam', learningRate: 0.01, ...more },
    clip: { value: 0.5 },
    threads: 1,
  });

describe('frozen', () => {
  test('parameters keep their values; others are trained', async () => {
    const net = network({ ...options, frozen: ['embedding', 'l0.Wh'] });
    const before = Object.fromEntries(Object.entries(net.parameters.values).map(([n, t]) => [n, toFlat(t)]));
    await train(net);
    const moved = Object.keys(before).filter(
      (name) => toFlat(net.parameters.values[name]).join() !== before[name].join(),
    );
    expect(moved).toEqual(net.parameters.trained);
    expect(moved).not.toContain('embedding.E');
    expect(net.parameters.count).toBe(network(options).parameters.count - V * W - 4 * 12);
  });

  test('comes back from a checkpoint, with the optimizer', async () => {
    const net = network({ ...options, frozen: ['l1'] });
    const adam = optimizer(net, { name: 'adam' });
    await fit(net, [batch, batch], { optimizer: adam, threads: 1 });
    const made = decodeCheckpoint(encodeCheckpoint({ network: net, optimizer: adam }));
    expect(made.network.architecture.frozen).toEqual(['l1']);
    for (const one of [net, made.network]) {
      const own = one === net ? adam : (made.optimizer as typeof adam);
      await fit(one, [batch, batch], { optimizer: own, threads: 1 });
    }
    expect(toFlat(made.network.parameters.flat)).toEqual(toFlat(net.parameters.flat));
  });

  test('can be lifted in a copy, and changes no result', () => {
    const net = network({ ...options, frozen: ['embedding', 'l0'] });
    const free = copyNetwork(net, { frozen: [] });
    expect(free.parameters.count).toBe(network(options).parameters.count);
    expect(free.forward(batch).loss).toBe(net.forward(batch).loss);
    expect(net.forward(batch).loss).toBe(network(options).forward(batch).loss);
    expect(gradcheck(net, { batch }).ok).toBe(true);
  });

  test('is refused for names that are not there', () => {
    expect(() => network({ ...options, frozen: ['l7'] })).toThrow(
      'network: frozen must name parameters or layers',
    );
    for (const frozen of ['l0', { l0: true }])
      expect(() => network({ ...options, frozen } as never)).toThrow(
        'network: frozen must be a list of names',
      );
  });

  test('a gradient of a frozen parameter that is not finite stops nothing', () => {
    const net = network({ ...options, frozen: ['l0'] });
    net.parameters.gradients['l0.b'].set(0, NaN);
    expect(() => clipValue(net.parameters, 1)).not.toThrow();
    net.parameters.gradients['l1.b'].set(0, NaN);
    expect(() => clipValue(net.parameters, 1)).toThrow('NaN in l1.b');
  });
});

describe('groups', () => {
  test('have a learning rate and weight decay of their own, as separate optimizers', () => {
    const [both, one, two] = [0, 1, 2].map(() => network(options));
    const common = { name: 'adam', learningRate: 0.01, weightDecay: 0.1 } as const;
    const group = { parameters: ['l0', 'head.by'], learningRate: 0.001, weightDecay: 0 };
    const optimizers = [
      optimizer(both, { ...common, groups: [group] }),
      optimizer(one, common),
      optimizer(two, { ...common, learningRate: 0.001, weightDecay: 0 }),
    ];
    [both, one, two].forEach((net, k) => {
      for (let step = 1; step <= 3; step++) {
        net.parameters.flatGradients.data.forEach((_, n, g) => (g[n] = Math.sin(n + step)));
        // a schedule that halves the rate
        optimizers[k].step(optimizers[k].learningRate / step);
      }
    });
    for (const name of both.parameters.trained) {
      const own = name.startsWith('l0.') || name === 'head.by' ? two : one;
      expect(toFlat(both.parameters.values[name])).toEqual(toFlat(own.parameters.values[name]));
    }
  });

  test('have the common options where theirs are undefined', () => {
    const net = network(options);
    const groups = [{ parameters: ['l0'], learningRate: undefined, weightDecay: 0 }];
    const sgd = optimizer(net, { name: 'sgd', learningRate: 0.5, groups });
    const before = toFlat(net.parameters.values['l0.Wx']);
    net.parameters.flatGradients.data.fill(1);
    sgd.step();
    expect(toFlat(net.parameters.values['l0.Wx'])).toEqual(before.map((w) => w - 0.5));
  });

  test('are saved, and work with sparse updates', async () => {
    const groups = [{ parameters: ['embedding'], learningRate: 0.1 }];
    const net = network(options);
    const adagrad = optimizer(net, { name: 'adagrad', sparse: true, groups });
    await fit(net, [batch, batch], { optimizer: adagrad, threads: 1 });
    const made = decodeCheckpoint(encodeCheckpoint({ network: net, optimizer: adagrad }));
    expect(made.optimizer?.options.groups).toEqual(groups);
    const dense = network(options);
    const all = optimizer(dense, { name: 'adagrad', groups });
    await fit(dense, [batch, batch], { optimizer: all, threads: 1 });
    expect(toFlat(dense.parameters.flat)).toEqual(toFlat(net.parameters.flat));
  });

  test('are refused for unknown, frozen or repeated parameters, and in PyTorch', () => {
    const net = network({ ...options, frozen: ['l1'] });
    const of = (...lists: string[][]) =>
      optimizer(net, { name: 'sgd', groups: lists.map((parameters) => ({ parameters })) });
    expect(() => of(['l9'])).toThrow('optimizer sgd: groups must name');
    expect(() => of(['l1'])).toThrow('optimizer sgd: groups must name');
    expect(() => of(['l0'], ['l0.b'])).toThrow('a parameter must be in one group, got l0.b in two');
    expect(() => optimizer(net, { name: 'sgd', groups: [{ rate: 1 } as never] })).toThrow(
      'optimizer sgd: groups',
    );
    const groups = [{ parameters: ['l0'] }];
    expect(() => torchOptimizerCall({ name: 'sgd', groups })).toThrow('must be for all parameters alike');
  });

  test('in PyTorch, sparse is the same as all where rows without a gradient rest', () => {
    expect(torchOptimizerCall({ name: 'sgd', learningRate: 0.1, sparse: true })).toBe(
      torchOptimizerCall({ name: 'sgd', learningRate: 0.1 }),
    );
    expect(torchOptimizerCall({ name: 'adagrad', sparse: true })).toBe('torch.optim.Adagrad(parameters)');
    for (const name of ['adam', 'rmsprop'] as const)
      expect(() => torchOptimizerCall({ name, sparse: true })).toThrow(
        'must update all rows of an embedding',
      );
  });
});

describe('init', () => {
  test('gives initial values by name: numbers, or an initializer', () => {
    const E = Array.from({ length: V }, (_, k) => [k, 2 * k, 0.5]);
    const net = network({ ...options, init: { 'embedding.E': E, 'l0.b': init.constant(0.25) } });
    expect(toNested(net.parameters.values['embedding.E'])).toEqual(E);
    expect(new Set(toFlat(net.parameters.values['l0.b']))).toEqual(new Set([0.25]));
    const usual = network(options);
    expect(toFlat(net.parameters.values['l1.Wx'])).toEqual(toFlat(usual.parameters.values['l1.Wx']));
  });

  test('is refused for an unknown name or a wrong shape', () => {
    expect(() => network({ ...options, init: { l0: [1] } })).toThrow(
      'network: init must be of parameters among',
    );
    expect(() => network({ ...options, init: { 'l0.b': [1] } })).toThrow('l0.b must be [12]');
  });
});

describe('tied', () => {
  const tied = { ...options, tied: true };

  test('uses the table of the embedding in the output layer', () => {
    const [net, plain] = [network(tied), network(options)];
    expect(net.parameters.values['head.Wy']).toBeUndefined();
    for (const [name, t] of Object.entries(net.parameters.values))
      plain.parameters.set(name, { shape: t.shape, numbers: toFlat(t) });
    const table = toNested(net.parameters.values['embedding.E']) as number[][];
    plain.parameters.set(
      'head.Wy',
      table[0].map((_, c) => table.map((row) => row[c])),
    );
    expect(net.forward(batch).loss).toBeCloseTo(plain.forward(batch).loss, 12);
    expect(gradcheck(net, { batch }).ok).toBe(true);
  });

  test.each([false, true])('trains, resumes and is saved; sparse %s', async (sparse) => {
    const net = network(tied);
    const own = optimizer(net, { name: 'adagrad', sparse });
    const { loss } = evaluate(net, batch);
    await fit(net, Array<typeof batch>(20).fill(batch), { optimizer: own, threads: 1 });
    expect(evaluate(net, batch).loss).toBeLessThan(loss);
    const { network: same } = decodeCheckpoint(encodeCheckpoint({ network: net, optimizer: own }));
    expect(same.forward(batch).loss).toBe(net.forward(batch).loss);
  });

  test('is refused where the sizes do not fit, and by ONNX', () => {
    expect(() => network({ ...tied, output: 4 })).toThrow('output must be 5 if tied');
    expect(() => network({ ...tied, layers: layers.slice(0, 2) })).toThrow(
      'the last layer must be 3 wide if tied',
    );
    expect(() => network({ ...tied, layers: layers.slice(2) })).toThrow('tied needs an embedding');
    expect(() => encodeOnnx(network(tied))).toThrow('tied');
  });
});

describe('dropout for each layer', () => {
  const drops = (dropout: number | number[]) =>
    runnerOf(network({ ...options, dropout }))
      .lay(batch, { training: true })
      .masks.map(({ p }) => p);

  test('is one number, or one for the input and for each output', () => {
    expect(drops(0.2)).toEqual([0.2, 0.2, 0.2]);
    expect(drops([0.1, 0.2, 0.3])).toEqual([0.1, 0.2, 0.3]);
    expect(drops([0.1, 0, 0])).toEqual([0.1]);
  });

  test('is the same for a list of equal numbers, and comes back from a checkpoint', () => {
    const losses = [0.2, [0.2, 0.2, 0.2]].map((dropout) => {
      const net = network({ ...options, dropout });
      const { network: same } = decodeCheckpoint(encodeCheckpoint({ network: net }));
      return [net, same].map((one) => one.forward(batch, { training: true }).loss);
    });
    expect(new Set(losses.flat()).size).toBe(1);
  });

  test('is refused for a list of another length, and for an input of class numbers', () => {
    expect(() => network({ ...options, dropout: [0.1] })).toThrow('dropout must be a list of 3, got 1');
    expect(() => network({ ...options, dropout: [0.1, 1, 0] })).toThrow(
      'dropout must be in 0 ≤ p < 1, got 1',
    );
    const net = network({ layers: [gru({ input: V, hidden: 4 })], dropout: [0.1, 0] });
    expect(() => net.forward({ x: batch.x })).toThrow('dropout on the input must be of numbers');
  });
});
