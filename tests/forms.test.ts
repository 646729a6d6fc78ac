/** Accepted forms of numeric input: all give the same batch, and invalid input is reported with its position. */
import { join } from 'node:path';
import ndarray from 'ndarray';
import { clipGlobalNorm, clipValue } from '../bptt/train/clip';
import { schedule } from '../bptt/train/schedules';
import { network } from '../bptt/network/network';
import { parallel } from '../bptt/parallel/parallel';
import { truncated } from '../bptt/truncated';
import { decode } from '../bptt/decode/decode';
import { optimizer } from '../bptt/train/optimizers';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { contents, tensor, toFlat, toNested, type Tensors } from '../core/tensor';
import { testErrors } from './errors';

const [T, B, D, O] = [3, 2, 4, 3];
const nested = Array.from({ length: T }, (_, t) =>
  Array.from({ length: B }, (_, b) => Array.from({ length: D }, (_, d) => (t * B + b) * D + d - 11)),
);
const numbers = nested.flat(2);
const classes = [
  [0, 1],
  [2, 1],
  [0, 0],
];
const make = () => network({ layers: [lstm({ input: D, hidden: 5 })], output: O, loss: 'softmax', seed: 4 });
const register = join(__dirname, '..', 'scripts', 'register.js');
const strided = ndarray(Float64Array.from([...numbers, ...numbers]), [T, B, D], [B * D, D, 1], T * B * D);

describe('x in every form', () => {
  const expected = toFlat(make().forward({ x: { shape: [T, B, D], numbers }, targets: classes }).output);
  test.each<[form: string, x: unknown, targets: unknown]>([
    ['typed rows in lists', nested.map((step) => step.map((row) => Float32Array.from(row))), classes],
    ['whole numbers in typed rows', nested.map((step) => step.map((row) => Int8Array.from(row))), classes],
    ['a typed row of class numbers for each step', nested, classes.map((step) => Uint8Array.from(step))],
    ['a tensor for each step', nested.map((step) => tensor(step)), classes],
    ['a tensor for each row', nested.map((step) => step.map((row) => ndarray(row))), classes],
    ['a view with an offset', strided, ndarray(Int32Array.from(classes.flat()), [T, B])],
    ['a box of a typed array', { shape: [T, B, D], numbers: Float32Array.from(numbers) }, classes],
    ['frozen lists', Object.freeze(nested.map((step) => Object.freeze(step))), classes],
  ])('%s', (_form, x, targets) => {
    const { output, loss } = make().forward({ x, targets } as never);
    expect(toFlat(output)).toEqual(expected);
    expect(loss).toBeGreaterThan(0);
  });

  test('a tensor is made of the same forms', () => {
    for (const form of [nested, nested.map((step) => step.map((row) => Float32Array.from(row))), strided])
      expect(toNested(tensor(form))).toEqual(nested);
  });

  test('lengths may be a typed array, in one pass, in chunks and in a decoder', () => {
    const lengths = Uint8Array.of(3, 1) as unknown as number[];
    const net = make();
    const plainly = toFlat(net.forward({ x: nested, targets: classes, lengths: [3, 1] }).output);
    expect(toFlat(net.forward({ x: nested, targets: classes, lengths }).output)).toEqual(plainly);
    const cut = truncated(net, { x: nested, targets: classes, lengths }, { chunk: 3 });
    expect(toFlat(cut.output)).toEqual(plainly);
    const translator = network({
      encoder: [gru({ input: D, hidden: 3 })],
      layers: [gru({ input: O, hidden: 3 })],
      output: O,
      topology: 'encoder-decoder',
      loss: 'softmax',
    });
    const wrote = decode(translator, { x: nested, lengths }, { steps: 4 });
    expect(wrote).toEqual(decode(translator, { x: nested, lengths: [3, 1] }, { steps: 4 }));
  });
});

describe('the states that a pass gave begin the next one', () => {
  const [early, late] = [nested.slice(0, 2), nested.slice(2)];
  const bare = () => network({ layers: [lstm({ input: D, hidden: 5 })], seed: 4 });
  const halves = (): { states: Tensors; carried: number[]; net: ReturnType<typeof bare> } => {
    const net = bare();
    const { states } = net.forward({ x: early });
    return { states, net, carried: toFlat(net.forward({ x: late }, { from: states }).output) };
  };

  test('as they are, nested, flat, and as boxes', () => {
    const { states, carried, net } = halves();
    const forms = [
      (name: string) => states[name],
      (name: string) => toNested(states[name]) as number[][],
      (name: string) => toFlat(states[name]),
      (name: string) => ({ shape: [B, 5], numbers: contents(states[name]) }),
    ];
    for (const form of forms) {
      const initial = Object.fromEntries(Object.keys(states).map((name) => [name, form(name)]));
      expect(toFlat(net.forward({ x: late, initial }).output)).toEqual(carried);
    }
  });

  test('on threads', async () => {
    const { states, carried, net } = halves();
    const team = await parallel(net, { threads: 2, execArgv: ['-r', register] });
    const { output } = await team.forward({ x: late, initial: states });
    expect(toFlat(output)).toEqual(carried);
    await expect(team.forward({ x: late, initial: { ...states, 'l0.h': ['a'] } } as never)).rejects.toThrow(
      'network.forward: initial l0.h[0] must be a number, got a',
    );
    team.close();
  });

  test('of a decoding', () => {
    const net = network({ layers: [gru({ input: O, hidden: 3 })], output: O, loss: 'softmax', seed: 1 });
    const { states } = net.forward({ x: [[0, 2]] }, { predict: true });
    const flat = Object.fromEntries(Object.entries(states).map(([name, t]) => [name, toFlat(t)]));
    const wrote = decode(net, { x: [[1, 1]], initial: states }, { steps: 5 });
    expect(wrote).toEqual(decode(net, { x: [[1, 1]], initial: flat }, { steps: 5 }));
    expect(wrote).not.toEqual(decode(net, { x: [[1, 1]] }, { steps: 5 }));
  });

  test('upstream gradients may be tensors, in one pass and in chunks', () => {
    const run = (output: never, states: never, chunk?: number): number[] => {
      const net = bare();
      if (chunk !== undefined) truncated(net, { x: nested }, { chunk, upstream: { output, states } });
      else {
        const pass = net.forward({ x: nested });
        pass.backward({ output, states });
      }
      return toFlat(net.parameters.gradients['l0.Wx']);
    };
    const output = tensor(
      Array.from({ length: T * B * 5 }, (_, k) => k % 7),
      [T, B, 5],
    );
    const dh = tensor(
      Array.from({ length: B * 5 }, (_, k) => k % 3),
      [B, 5],
    );
    for (const chunk of [undefined, T, 2]) {
      const flat = run(toFlat(output) as never, { 'l0.h': toFlat(dh) } as never, chunk);
      expect(run(output as never, { 'l0.h': dh } as never, chunk)).toEqual(flat);
      expect(run(toNested(output) as never, { 'l0.h': toNested(dh) } as never, chunk)).toEqual(flat);
    }
  });
});

describe('what is no such form is told with its place and with what to do', () => {
  const net = make();
  const x = { shape: [T, B, D], numbers };
  const forward = (batch: object, options?: object) => () => net.forward(batch as never, options);
  const text = nested.map((step) => step.map((row) => row.map(String)));
  const with_ = (value: unknown) => nested.map((step, t) => (t < 2 ? step : [step[0], [1, 2, value, 4]]));
  const forms =
    'network.forward: x must be nested lists, a typed array, a tensor, or { shape, numbers }, got';

  testErrors(TypeError, [
    [
      forward({ x: text }),
      "network.forward: x[0][0][0] must be a number, got the string '-11' (Number(…) turns text",
    ],
    [forward({ x: with_('n/a') }), 'x[2][1][2] must be a number, got n/a (encode labels as 0, 1, …)'],
    [forward({ x: with_(null) }), 'x[2][1][2] must be a number, got null'],
    [forward({ x: with_(undefined) }), 'x[2][1][2] must be a number, got undefined'],
    [forward({ x: with_(true) }), 'x[2][1][2] must be a number, got true'],
    [forward({ x: with_(1n) }), 'x[2][1][2] must be a number, got 1n'],
    [forward({ x: with_([1]) }), 'x[2][1][2] must be a number, got a list of 1'],
    [forward({ x: with_(new Date(0)) }), 'x[2][1][2] must be a number, got a Date'],
    [forward({ x: BigInt64Array.of(1n) }), 'x[0] must be a number, got 1n'],
    [forward({ x: ndarray(['a', 'b'] as never, [1, 2]) }), 'x[0] must be a number, got a'],
    [
      forward({ x: { shape: [1, 2], numbers: ['1', '2'] } }),
      "x.numbers[0] must be a number, got the string '1'",
    ],
    [
      forward({ x: { shape: [2, 2], numbers: [[1], [2], [3], [4]] } }),
      'x.numbers[0] must be a number, got a list of 1',
    ],
    [forward({ x: { shape: [T, B, D], data: numbers } }), `${forms} an object of shape, data`],
    [
      forward([nested, classes]),
      'the batch must be an object, got [a list, a list] (such as { x, targets })',
    ],
    [forward({ x: (function* () {})() }), `${forms} a Generator`],
    [forward({ x: new Map() }), `${forms} a Map`],
    [forward({ x: 'abc' }), `${forms} abc`],
    [forward({ x: null }), `${forms} null`],
    [forward({ x: { shape: 4, numbers } }), 'the shape of x must be a list of whole numbers >= 0, got 4'],
    [forward({ x: { numbers } }), 'the shape of x must be a list of whole numbers >= 0, got undefined'],
    [
      forward({ x: { shape: [2, -1], numbers } }),
      'the shape of x must be a list of whole numbers >= 0, got [2, -1]',
    ],
    [
      forward({ x: { shape: [2, 1], numbers: 3 } }),
      'the numbers of x must be a flat list or a typed array, got 3',
    ],
    [forward({ x, targets: null }), 'targets must be nested lists, a typed array, a tensor, or'],
    [forward({ x, targets: [['0', '1']] }), "targets[0][0] must be a number, got the string '0'"],
    [
      forward({ x }),
      'targets must be given, got undefined (the network has a softmax loss; forward(batch, { predict: true })',
    ],
    [
      forward({ x, targets: classes, lengths: 3 }),
      'lengths must be a list of 2 numbers, got 3 (one length for each row)',
    ],
    [forward({ x, targets: classes, lengths: null }), 'lengths must be a list of 2 numbers, got null'],
    [
      forward({ x, targets: classes, initial: 'zeros' }),
      'initial must be zero or states by name (l0.h, l0.c), got zeros',
    ],
    [
      forward({ x, targets: classes, initial: [[0]] }),
      'initial must be zero or states by name (l0.h, l0.c), got [a list]',
    ],
    [
      forward({ x, predict: true }),
      'network.forward: the batch must be made of x, inputs, targets, weights, lengths, targetLengths, T, initial, clock, got predict (an option is handed in after the batch: forward(batch, { predict })',
    ],
    [
      forward({ x }, { predicts: true }),
      'network.forward: options must be among training, steps, rows, from, predict, over, checkpointEvery, got predicts',
    ],
  ]);

  testErrors(TypeError, [
    [
      () => clipGlobalNorm(net as never, 1),
      'clip: the first argument must be the parameters of a network, got a Network',
    ],
    [
      () => clipValue(net as never, 1),
      'clip: the first argument must be the parameters of a network, got a Network',
    ],
    [
      () => {
        const bare = network({ layers: [gru({ input: D, hidden: 2 })] });
        bare.forward({ x }).backward({ states: null } as never);
      },
      'states must be given by name, got null',
    ],
  ]);

  testErrors(RangeError, [
    ...['dropout', 'seed'].map((option): [() => unknown, string] => [
      () => network({ layers: [gru({ input: D, hidden: 2 })], [option]: '0.5' }),
      "got the string '0.5'",
    ]),
    [() => clipGlobalNorm(net.parameters, '1' as never), "clip: the norm must be > 0, got the string '1'"],
    [() => clipValue(net.parameters, '1' as never), "clip: the limit must be > 0, got the string '1'"],
    [() => schedule({ name: 'step', every: 2, factor: '0.5' as never }), "got the string '0.5'"],
    [() => schedule({ name: 'cosine', steps: 2, minimum: '0.5' as never }), "got the string '0.5'"],
    [
      // one row of numbers, its axis of rows forgotten
      forward({
        x: [
          [0, 1, 1, 0],
          [1, 0, 0, 1],
        ],
        targets: [[0], [1]],
      }),
      'targets must be [2, 4], got [2, 1] (O = 3, many-to-many with a softmax loss; without a last axis D, x is class numbers)',
    ],
    [() => optimizer(net, { name: 'adam', learningRate: '0.1' as never }), "got the string '0.1'"],
    [
      forward({ x: [nested[0], [nested[1][0]], nested[2]] }),
      'x[1] must be a list of 2, as x[0] is, got one of 1 (rows that end early are padded, and lengths says where they end)',
    ],
    [forward({ x: [[[1, 2, 3, 4], [1]]] }), 'x[0][1] must be a list of 4, as x[0][0] is, got one of 1'],
    [forward({ x: [[[1, 2, 3, 4], 5]] }), 'x[0][1] must be a list of 4, as x[0][0] is, got 5'],
    [forward({ x: [[[1, 2, 3, 4], null]] }), 'x[0][1] must be a list of 4, as x[0][0] is, got null'],
    [
      forward({ x: new Float64Array(8) }),
      'x must be [T, B, D] or [T, B], got [8] (flat numbers need their shape: { shape: [T, B, D], numbers })',
    ],
    [
      forward({ x: { shape: [2, 1, 4], numbers: [1, 2] } }),
      'x must hold 8 values, got 2 (its shape is [2, 1, 4])',
    ],
    [forward({ x: [] }), 'x must hold at least one step of one row, got [0]'],
    [forward({ x: [[]] }), 'x must hold at least one step of one row, got [1, 0]'],
    [
      forward({ x: [[0.5, 0.25]], targets: [[0, 1]] }),
      'x must be class numbers in 0…3, got 0.5 at t = 0, row 0 (without a last axis D, numbers are class numbers)',
    ],
    [
      forward({ x, targets: classes, initial: { 'l0.h': tensor([[1, 2]]), 'l0.c': [] } }),
      'initial l0.h must be [2, 5], got [1, 2]',
    ],
  ]);

  describe('rows first instead of time first', () => {
    const turned = (shape: number[]) =>
      `(x is [T, B, …], time first, and says T = ${shape[0]} and B = ${shape[1]}; are its first two axes the other way round?)`;
    const one = network({
      topology: 'many-to-one',
      layers: [gru({ input: 2, hidden: 3 })],
      output: 2,
      loss: 'softmax',
    });
    const rowsFirst = { shape: [6, 3, 2], numbers: new Float64Array(36) };
    testErrors(RangeError, [
      [
        () => one.forward({ x: rowsFirst, targets: [0, 1, 0, 1, 0, 1] }),
        `targets must be [3], got [6] ${turned([6, 3])}`,
      ],
      [
        () => one.forward({ x: rowsFirst, targets: [0, 1, 0], lengths: [3, 3, 3, 2, 1, 3] }),
        `lengths must be [3], got [6] ${turned([6, 3])}`,
      ],
      [
        forward({ x, targets: { shape: [B, T], numbers: new Float64Array(T * B) } }),
        `targets must be [3, 2], got [2, 3] ${turned([3, 2])}`,
      ],
      [
        forward({ x, targets: classes, initial: { 'l0.h': new Float64Array(T * 5), 'l0.c': [] } }),
        `initial l0.h must be [2, 5], got 15 values ${turned([3, 2])}`,
      ],
      // if no other interpretation fits, the message suggests none
      [
        forward({ x, targets: [[0, 1]] }),
        'targets must be [3, 2], got [1, 2] (O = 3, many-to-many with a softmax loss)',
      ],
      [
        forward({ x, targets: classes, lengths: [1] }),
        'lengths must be [2], got [1] (one length for each row)',
      ],
    ]);
  });
});
