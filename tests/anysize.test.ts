/** Calls for any length, derived from those of three lengths, are those bound for that length. */
import ndarray from 'ndarray';
import { planSizes } from '../bptt/network/passes/anylength';
import { replays } from '../bptt/network/passes/bound';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { Plan } from '../bptt/network/passes/plan';
import type { PlanShape } from '../bptt/network/layers/stage';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { AnySize, type BoundSample } from '../core/programs/anysize';
import { Arena, engineMemory } from '../core/memory';
import type { Compiled } from '../core/equations/block';
import { equations } from '../core/equations/equations';
import { executorOf } from '../core/programs/executor';
import { Program, type Arguments, type Replay } from '../core/programs/program';
import { Random } from '../core/random/random';
import { mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { rows, toFlat, zeros, type Tensor } from '../core/tensor';

const [B, D, H, O] = [3, 4, 5, 6];

const memory = engineMemory();

const sampleOf = ({ architecture, parameters, executor }: Network, shape: PlanShape): BoundSample => {
  const make = (): readonly Replay[] => replays(new Plan(architecture, shape, parameters), executor).replays;
  const { made, arrays } = Arena.sketch(memory, make);
  return { sizes: planSizes(shape), arrays, replays: made };
};

/** What the calls of bound programs read. */
const numbersOf = (all: readonly Replay[]): number[][] =>
  all.map(({ args }) => Array.from((args as Arguments).room.subarray(0, args?.given.length)));

const softmax = { output: O, loss: 'softmax' } as const;
const networks: [string, NetworkOptions, Partial<PlanShape>?][] = [
  ['elman', { layers: [elman({ input: D, hidden: H })], ...softmax }],
  ['lstm with peepholes', { layers: [lstm({ input: D, hidden: H, peepholes: true })], ...softmax }],
  ['gru, reset after', { layers: [gru({ input: D, hidden: H })], ...softmax }],
  ['gru, reset before', { layers: [gru({ input: D, hidden: H, reset: 'before' })], ...softmax }],
  ['jordan', { layers: [jordan({ input: D, hidden: H, output: 4, feedback: 'p' })], ...softmax }],
  ['unequal lengths', { layers: [lstm({ input: D, hidden: H })], ...softmax }, { masked: true }],
  ['class numbers', { layers: [gru({ input: D, hidden: H })], ...softmax }, { classes: true }],
  [
    'an embedding',
    { layers: [embedding({ input: 9, width: D }), gru({ input: D, hidden: H })], ...softmax },
    { classes: true },
  ],
  [
    'a stack with dropout and trainable initial states',
    {
      layers: [lstm({ input: D, hidden: H }), elman({ input: H, hidden: 3 })],
      ...{ ...softmax, dropout: 0.3, trainInitial: true, dtype: 'float64' },
    },
  ],
  [
    'two directions of unequal lengths',
    { layers: [bidirectional(lstm({ input: D, hidden: H }), gru({ input: D, hidden: 2 }))], ...softmax },
    { masked: true },
  ],
  ['many to one', { layers: [gru({ input: D, hidden: H })], ...softmax, topology: 'many-to-one' }],
  ['one to many', { layers: [gru({ input: D, hidden: H })], ...softmax, topology: 'one-to-many' }],
  [
    'fed its own output',
    { layers: [gru({ input: O, hidden: H })], ...softmax, topology: 'one-to-many', feed: 'output' },
  ],
  ['no loss', { layers: [gru({ input: D, hidden: H })], output: O }, { masked: true }],
  ['no output layer', { layers: [lstm({ input: D, hidden: H })], loss: 'squared' }],
  ['no way back', { layers: [lstm({ input: D, hidden: H })], ...softmax }, { forwardOnly: true }],
];

describe.each(networks)('%s', (_name, options, more) => {
  const net = network(options);
  const shapeOf = (T: number): PlanShape => ({ T, B, masked: false, ...more });
  const sample = (T: number): BoundSample => sampleOf(net, shapeOf(T));

  test('calls for a length that was never bound read the numbers of calls bound for it', () => {
    const any = AnySize.from([sample(6), sample(7)], sample(40));
    for (const T of [6, 7, 8, 13, 40, 41, 150, 3000]) {
      const arena = new Arena(memory);
      const { made } = arena.lay(
        () => replays(new Plan(net.architecture, shapeOf(T), net.parameters), net.executor).replays,
        () => {},
        () => false,
      );
      any?.set([T], arena.arrays);
      expect(numbersOf(any?.replays ?? [])).toEqual(numbersOf(made));
    }
  });
});

describe.each(['none', 'dot', 'general', 'additive'] as const)('a decoder, attention %s', (attention) => {
  describe.each([
    ['output', false],
    ['given', true],
  ] as const)('fed %s, source of unequal lengths %s', (feed, masked) => {
    const net = network({
      ...{ encoder: [lstm({ input: D, hidden: H })], layers: [lstm({ input: O, hidden: H })], ...softmax },
      ...{ topology: 'encoder-decoder', feed },
      ...(attention !== 'none' && { attention }),
    });
    const shapeOf = (T: number, S: number): PlanShape => ({ T, B, masked, source: { T: S, masked } });
    const sample = ([T, S]: number[]): BoundSample => sampleOf(net, shapeOf(T, S));

    test('calls for lengths that were never bound read the numbers of calls bound for them', () => {
      const any = AnySize.from(AnySize.corners([6, 6]).map(sample), sample([11, 30]));
      for (const [T, S] of [
        [6, 6],
        [9, 6],
        [6, 8],
        [20, 31],
        [100, 12],
      ]) {
        const arena = new Arena(memory);
        const { made } = arena.lay(
          () => replays(new Plan(net.architecture, shapeOf(T, S), net.parameters), net.executor).replays,
          () => {},
          () => false,
        );
        any?.set([T, S], arena.arrays);
        expect(numbersOf(any?.replays ?? [])).toEqual(numbersOf(made));
      }
    });
  });
});

test('outputs, losses and gradients are those of a network that meets each length alone', () => {
  const options: NetworkOptions = {
    layers: [bidirectional(gru({ input: D, hidden: H })), lstm({ input: 2 * H, hidden: 3 })],
    ...{ ...softmax, dtype: 'float64' },
  };
  const batch = (T: number, masked: boolean) => {
    const random = new Random(T);
    const numbers = Array.from({ length: T * B * D }, () => random.normal());
    const targets = Array.from({ length: T }, () => Array.from({ length: B }, () => random.below(O)));
    return { x: { shape: [T, B, D], numbers }, targets, ...(masked && { lengths: [T, T - 2, 1] }) };
  };
  const results = (net: Network, T: number, masked: boolean): unknown => {
    net.parameters.zeroGradients();
    const pass = net.forward(batch(T, masked));
    const gradients = pass.backward();
    const all = {
      output: pass.output,
      x: gradients.x,
      weights: net.parameters.flatGradients,
      ...gradients.initial,
    };
    return [pass.loss, Object.entries(all).map(([name, t]) => [name, toFlat(t)])];
  };
  const net = network(options);
  for (const masked of [false, true])
    for (const T of [12, 30, 7, 5, 4, 31, 12, 6, 90, 8])
      expect(results(net, T, masked)).toEqual(
        engineMemory().borrow(() => results(network(options), T, masked)),
      );
});

describe('what is not linear in the size', () => {
  const sample = (size: number, record: (program: Program, t: Tensor) => void): BoundSample => {
    const program = new Program();
    const t = zeros([2 * size + 20, 2]);
    record(program, t);
    return { sizes: [size], arrays: [t.data], replays: [program.bind(executorOf())] };
  };
  const of = (record: (size: number) => (program: Program, t: Tensor) => void): AnySize | undefined => {
    const [first, next, last] = [5, 6, 12].map((size) => sample(size, record(size)));
    return AnySize.from([first, next], last);
  };
  const out = zeros([2]);

  test('a position', () => {
    expect(of((size) => (program, t) => program.sumRows(rows(t, size, size + 2), out))).toBeDefined();
    expect(of((size) => (program, t) => program.sumRows(rows(t, size % 3, 9), out))).toBeUndefined();
  });

  test('the operations', () => {
    const column = zeros([2, 1]);
    const one = (program: Program, t: Tensor): void => program.sumRows(rows(t, 0, 2), out);
    expect(of(() => one)).toBeDefined();
    expect(of((size) => (size === 12 ? () => {} : one))).toBeUndefined();
    const other = (program: Program, t: Tensor): void => program.logSumExp(rows(t, 0, 2), column);
    const sums = (program: Program, t: Tensor): void => program.sumColumns(rows(t, 0, 2), column);
    expect(of(() => sums)).toBeDefined();
    expect(of((size) => (size === 12 ? other : sums))).toBeUndefined();
    expect(
      of((size) => (program, t) => program.sumRows(rows(t, 0, 2), out, { accumulate: size === 12 })),
    ).toBeUndefined();
  });

  test('an elementwise statement', () => {
    const statement = (f: string): Compiled => equations('test', 'a [R, C]   writes y [R, C]', `y = ${f}(a)`);
    const [tanh, exp] = [statement('tanh'), statement('exp')];
    const y = zeros([2, 2]);
    const record = (one: Compiled) => (program: Program, t: Tensor) =>
      one.record(program, { a: rows(t, 0, 2), y });
    expect(of(() => record(tanh))).toBeDefined();
    expect(of((size) => record(size === 12 ? exp : tanh))).toBeUndefined();
  });

  test('the way a product is computed', () => {
    const [b, of4, of5] = [zeros([2, 2]), zeros([4, 2]), zeros([5, 2])];
    const product = (program: Program, t: Tensor, count: number, to: Tensor): void =>
      program.matmul(rows(t, 0, count), b, to);
    expect(of(() => (program, t) => product(program, t, 4, of4))).toBeDefined();
    expect(
      of((size) => (program, t) => (size === 12 ? product(program, t, 5, of5) : product(program, t, 4, of4))),
    ).toBeUndefined();
  });

  test('which operation it is', () => {
    const [a, b, y, column] = [zeros([2, 2]), zeros([2, 2]), zeros([2, 2]), zeros([2, 1])];
    const [doubled, negated] = [2, -1].map((by) => statement(({ x }) => ({ z: mul(by, x) })));
    const both: ((program: Program) => void)[] = [
      (program) => program.matmul(a, b, y),
      (program) => program.matmul(a, b, y, { accumulate: true }),
      (program) => program.matmul(a, b, y, { bias: out }),
      (program) => program.sumRows(a, out),
      (program) => program.sumRows(a, out, { accumulate: true }),
      (program) => program.sumColumns(y, column),
      (program) => program.logSumExp(y, column),
      (program) => program.pointwise(doubled, { x: a, z: y }),
      (program) => program.pointwise(negated, { x: a, z: y }),
      () => {},
    ];
    both.forEach((one, k) =>
      both.forEach((other, j) => {
        const any = of((size) => (size === 12 ? other : one));
        if (j === k) expect(any).toBeDefined();
        else expect(any).toBeUndefined();
      }),
    );
  });

  test('how often a loop runs, and how many operations are in it', () => {
    const loop =
      (count: (size: number) => number, each = 1) =>
      (size: number) =>
      (program: Program, t: Tensor): void =>
        program.repeat(count(size), (once, time) => {
          for (let k = 0; k < each; k++) once.sumRows(rows(t, time, time + 2), out, { accumulate: true });
        });
    expect(of(loop((size) => size))).toBeDefined();
    expect(of(loop((size) => 2 * size - 3))).toBeDefined();
    expect(of(loop((size) => (size === 12 ? 11 : size)))).toBeUndefined();
    expect(of((size) => loop((n) => n, size === 12 ? 2 : 1)(size))).toBeUndefined();
    expect(
      of((size) =>
        size === 12 ? (program, t) => program.sumRows(rows(t, 0, 2), out) : loop((n) => n)(size),
      ),
    ).toBeUndefined();
  });

  test('where a result goes', () => {
    expect(of(() => (program, t) => program.sumRows(rows(t, 0, 2), zeros([2])))).toBeUndefined();
  });

  test('operations that run as ordinary loops', () => {
    const [outside] = [ndarray(new Float64Array(2), [2])];
    expect(of(() => (program, t) => program.sumRows(rows(t, 0, 2), outside))).toBeUndefined();
  });
});
