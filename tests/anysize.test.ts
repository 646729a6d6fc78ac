/** Programs for any length, derived from three recordings, equal those recorded for that length. */
import { rewritten } from '../bptt/network/bound';
import { bidirectional } from '../bptt/network/layer';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import { Plan } from '../bptt/network/plan';
import type { PlanShape } from '../bptt/network/stage';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { AnySize, type Sample } from '../core/anysize';
import { Arena, engineMemory } from '../core/memory';
import { classesOf, isOneHot } from '../core/onehot';
import { operandsOf, type Entry, type Operation } from '../core/operation';
import { Program } from '../core/program';
import { Random } from '../core/random';
import { identityOf, rows, toFlat, zeros, type Tensor } from '../core/tensor';

const [B, D, H, O] = [3, 4, 5, 6];

const sampleOf = ({ architecture, parameters }: Network, shape: PlanShape): Sample => {
  const { made, arrays } = Arena.sketch(engineMemory(), () => new Plan(architecture, shape, parameters));
  return { size: shape.T, arrays, programs: rewritten(made) };
};

/** A program as text: the kind of each operation and its elements, by index of the allocated array. */
function wordsOf({ entries }: Program, arrays: Sample['arrays']): string[] {
  const slots = new Map(arrays.map((array, k) => [array, k]));
  const tensor = (t: Tensor): unknown[] => {
    const slot = slots.get(isOneHot(t) ? classesOf(t) : t.data);
    return [slot ?? `#${identityOf(t.data)}`, isOneHot(t), t.offset, t.shape, t.stride];
  };
  const operation = (one: Operation): unknown[] => [
    one.kind,
    one.kind === 'pointwise' ? one.graph : one.accumulate,
    one.kind === 'reduction' && one.what,
    operandsOf(one).map(tensor),
  ];
  const entry = (one: Entry): unknown[] =>
    one.kind === 'loop'
      ? [one.count, one.body.map(({ first, next }) => [operation(first), operation(next)])]
      : operation(one);
  return entries.map((one) => JSON.stringify(entry(one)));
}

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
  ['no loss', { layers: [gru({ input: D, hidden: H })], output: O }, { masked: true }],
  ['no output layer', { layers: [lstm({ input: D, hidden: H })], loss: 'squared' }],
  ['no way back', { layers: [lstm({ input: D, hidden: H })], ...softmax }, { forwardOnly: true }],
];

describe.each(networks)('%s', (_name, options, more) => {
  const net = network(options);
  const sample = (T: number): Sample => sampleOf(net, { T, B, masked: false, ...more });

  test('a length that was never recorded has the programs of a recording', () => {
    const any = AnySize.from([sample(5), sample(6), sample(40)]);
    for (const T of [5, 6, 7, 8, 13, 40, 41, 150, 3000]) {
      const own = sample(T);
      const told = any?.at(T, own.arrays).map((program) => wordsOf(program, own.arrays));
      expect(told).toEqual(own.programs.map((program) => wordsOf(program, own.arrays)));
    }
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
  const sample = (size: number, record: (program: Program, t: Tensor) => void): Sample => {
    const program = new Program();
    const t = zeros([2 * size + 20, 2]);
    record(program, t);
    return { size, arrays: [t.data], programs: [program] };
  };
  const of = (record: (size: number) => (program: Program, t: Tensor) => void): AnySize | undefined => {
    const [first, next, last] = [5, 6, 12].map((size) => sample(size, record(size)));
    return AnySize.from([first, next, last]);
  };
  const out = zeros([2]);

  test('a place', () => {
    expect(of((size) => (program, t) => program.sumRows(rows(t, size, size + 2), out))).toBeDefined();
    expect(of((size) => (program, t) => program.sumRows(rows(t, size % 3, 9), out))).toBeUndefined();
  });

  test('the operations', () => {
    const one = (program: Program, t: Tensor): void => program.sumRows(rows(t, 0, 2), out);
    expect(of(() => one)).toBeDefined();
    expect(of((size) => (size === 12 ? () => {} : one))).toBeUndefined();
    expect(
      of((size) => (program, t) => program.sumRows(rows(t, 0, 2), out, { accumulate: size === 12 })),
    ).toBeUndefined();
  });

  test('where a result goes', () => {
    expect(of(() => (program, t) => program.sumRows(rows(t, 0, 2), zeros([2])))).toBeUndefined();
  });
});
