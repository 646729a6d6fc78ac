/**
 * Properties of whole networks, over shapes, dtypes, executors, lengths and cells that are drawn: for each cell, a layer of
 * it in a stack of one to three, alone or with a partner that reads from the end.
 *
 * Bounds are those of `executors.ts`: `rounding`, relative to the largest entry, is a few hundred roundings of the dtype.
 */
import fc from 'fast-check';
import type { Batch } from '../bptt/network/batch/batch';
import { gradcheck } from '../bptt/check/gradcheck';
import { bidirectional, widthOf, type Layer } from '../bptt/network/layers/layer';
import { network, type Network, type Pass } from '../bptt/network/network';
import { randomNormals, drawStates } from '../bptt/check/problem';
import { truncated } from '../bptt/truncated';
import { inForm, kinds as builtIn, type CellSizes } from '../cells/kinds';
import { Random } from '../core/random/random';
import { toFlat, type Tensors } from '../core/tensor';
import { distance, executors, settings, type Setting } from './executors';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20, numRuns: 5 });

// with a late clock no module may fire in a short sequence: there is no gradient to compare then
const kinds = Object.fromEntries(
  builtIn.all.flatMap((kind) =>
    Object.entries(kind.variants)
      .filter(([variant]) => !variant.includes('offset'))
      .map(([variant, form]) => [
        `${kind.name} ${variant}`.trim(),
        (sizes: CellSizes) => inForm(kind, form, { ...sizes, output: 3 }),
      ]),
  ),
);
type Kind = string;
const names = Object.keys(kinds);

/** Generators of the random cases. */
interface Case {
  T: number;
  B: number;
  D: number;
  O: number;
  stack: { kind: Kind; hidden: number; both: boolean }[];
  lengths: number[];
  /** The input is class numbers. */
  classes: boolean;
  loss: 'softmax' | 'squared';
  trainInitial: boolean;
  setting: Setting;
  seed: number;
}

// 1, both sides of the SIMD widths 2 and 4 and of the products' tiles, and a few in between
const width = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 13, 17);

function cases(kind: Kind, { both = true, setting = fc.constantFrom(...settings) } = {}): fc.Arbitrary<Case> {
  const side = fc.constant(false);
  // a single number cannot be normalized
  const wide = <L extends { kind: Kind; hidden: number }>(one: L): L => ({
    ...one,
    hidden: Math.max(one.hidden, one.kind.endsWith(' norm') ? 2 : 1),
  });
  const layer = fc
    .record({ kind: fc.constantFrom(...names), hidden: width, both: both ? fc.boolean() : side })
    .map(wide);
  const sizes = { T: fc.integer({ min: 1, max: 7 }), B: fc.constantFrom(1, 2, 3, 5, 8), D: width, O: width };
  return fc
    .record({ ...sizes, below: fc.array(layer, { maxLength: 1 }), above: fc.array(layer, { maxLength: 1 }) })
    .chain(({ T, B, D, O, below, above }) =>
      fc.record({
        ...{ T: fc.constant(T), B: fc.constant(B), D: fc.constant(D), O: fc.constant(O) },
        stack: layer.map((own) => [...below, wide({ ...own, kind }), ...above]),
        lengths: fc.array(fc.integer({ min: 1, max: T }), { minLength: B, maxLength: B }),
        classes: fc.boolean(),
        loss: fc.constantFrom('softmax' as const, 'squared' as const),
        trainInitial: fc.boolean(),
        setting,
        seed: fc.nat({ max: 1e6 }),
      }),
    );
}

/** A network with weights, none of which is zero; the same numbers for every executor and dtype. */
function build(of: Case, { executorName, dtype } = of.setting): Network {
  let input = of.D;
  const layers = of.stack.map(({ kind, hidden, both }): Layer => {
    const cell = kinds[kind]({ input, hidden });
    const layer = both ? bidirectional(cell, kinds[kind]({ input, hidden })) : cell;
    input = widthOf(layer);
    return layer;
  });
  const { O: output, loss, trainInitial, seed } = of;
  const options = {
    output,
    loss,
    trainInitial,
    seed,
    dtype,
    executor: executorName,
    reduction: 'sum',
  } as const;
  const net = network({ layers, ...options });
  const random = new Random(seed);
  for (const [name, t] of Object.entries(net.parameters.values))
    net.parameters.set(
      name,
      toFlat(t).map((w) => Math.fround(w + random.normal(0, 0.1))),
    );
  return net;
}

type Box = { shape: number[]; numbers: number[] };
type Given = Batch & { x: Box; targets: Box; lengths: number[] };

function batchOf(of: Case, net: Network): Given {
  const { T, B, D, O, seed, lengths } = of;
  const random = new Random(seed + 1);
  const numbers = (n: number): number[] => Array.from(randomNormals(n, random), Math.fround);
  const classes = (n: number, below: number): number[] =>
    Array.from({ length: n }, () => random.below(below));
  const rowsOf = (D: number, many: boolean): Box =>
    many ? { shape: [T, B], numbers: classes(T * B, D) } : { shape: [T, B, D], numbers: numbers(T * B * D) };
  const states = Object.entries(drawStates(net.architecture, B, random));
  return {
    x: rowsOf(D, of.classes),
    targets: rowsOf(O, of.loss === 'softmax'),
    lengths,
    ...(!of.trainInitial && {
      initial: Object.fromEntries(states.map(([s, v]) => [s, Array.from(v, Math.fround)])),
    }),
  };
}

type All = Record<string, number[]>;
const flat = (tensors: Tensors, prefix = ''): All =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [prefix + name, toFlat(t)]));
const forwardOf = ({ loss, output, states }: Pick<Pass, 'loss' | 'output' | 'states'>): All => ({
  loss: [loss],
  output: toFlat(output),
  ...flat(states),
});

/** Everything that a pass forward and backward gives, by name. */
function run(net: Network, batch: Batch, classes: boolean): All {
  net.parameters.zeroGradients();
  const pass = net.forward(batch);
  const forward = forwardOf(pass);
  const back = pass.backward();
  const dx: All = classes ? {} : { dx: toFlat(back.x) };
  return { ...forward, ...dx, ...flat(net.parameters.gradients, 'd'), ...flat(back.initial, 'd0 ') };
}

function expectNear(actual: All, expected: All, { rounding }: Setting): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    const error = distance(actual[name], values);
    if (!(error <= rounding)) throw new Error(`${name} must be within ${rounding}, got ${error}`);
  }
}

/** The entries of row b in a list with B rows per step. */
const pickRow = (values: readonly number[], b: number, B: number, count: number): number[] => {
  const width = values.length / count;
  return values.filter((_, k) => Math.floor(k / width) % B === b);
};

describe.each(names)('%s', (kind) => {
  const fast = settings.filter(({ executor }) => executor !== executors[0]);

  test('kernels compute what plain loops compute in float64: outputs, loss, every gradient', () =>
    fc.assert(
      fc.property(cases(kind, { setting: fc.constantFrom(...fast) }), (of) => {
        const net = build(of);
        const plain = build(of, { ...of.setting, executorName: 'plain', dtype: 'float64' });
        const batch = batchOf(of, net);
        expectNear(run(net, batch, of.classes), run(plain, batch, of.classes), of.setting);
      }),
    ));

  test('gradients are the slopes of the loss: central differences in float64, to 1e-6', () => {
    const float64 = settings.filter(({ dtype }) => dtype === 'float64');
    return fc.assert(
      fc.property(cases(kind, { setting: fc.constantFrom(...float64) }), (of) => {
        const net = build(of);
        const options = { oracles: ['differences' as const], coordinates: 1, directions: 1, seed: of.seed };
        const { rows } = gradcheck(net, { batch: batchOf(of, net), ...options });
        // at a kink of relu there is no slope, and no path leads from the initial state of a dense layer or past a cut
        const nothing = of.stack.some(({ kind: each }) => /relu|dense|truncated/.test(each));
        const counts = rows.filter(({ checked }) => checked > 0 || !nothing);
        expect(counts.filter(({ ok }) => !ok)).toEqual([]);
        expect(counts.length).toBeGreaterThan(0);
      }),
    );
  });

  test('chunks with the states carried are the whole; truncated to one chunk, to the bit', () =>
    fc.assert(
      fc.property(cases(kind, { both: false }), fc.integer({ min: 1, max: 6 }), (of, chunk) => {
        const net = build(of);
        const batch = batchOf(of, net);
        const whole = run(net, batch, of.classes);
        expectNear(forwardOf(truncated(net, batch, { chunk })), forwardOf(net.forward(batch)), of.setting);

        net.parameters.zeroGradients();
        const one = truncated(net, batch, { chunk: of.T });
        const dx: All = of.classes ? {} : { dx: toFlat(one.x) };
        const gradients = { ...flat(net.parameters.gradients, 'd'), ...flat(one.initial, 'd0 ') };
        expect({ ...forwardOf(one), ...dx, ...gradients }).toEqual(whole);
      }),
    ));

  test('what lies in the padding changes nothing, to the bit, and has no gradient', () =>
    fc.assert(
      fc.property(cases(kind), (of) => {
        const net = build(of);
        const batch = batchOf(of, net);
        const { B, lengths } = of;
        const isPadding = (k: number, { shape, numbers }: Box): boolean => {
          const row = Math.floor(k / (numbers.length / (shape[0] * B)));
          return Math.floor(row / B) >= lengths[row % B];
        };
        const filled = (box: Box, filler: number): Box => ({
          ...box,
          numbers: box.numbers.map((v, k) => (isPadding(k, box) ? filler : v)),
        });
        const valid = (all: All): All => ({
          ...all,
          output: all.output.filter((_, k) => !isPadding(k, { shape: batch.x.shape, numbers: all.output })),
        });
        const expected = valid(run(net, batch, of.classes));
        // classes are never read there: any number is one
        const other = { ...batch, x: filled(batch.x, 0), targets: filled(batch.targets, 0) };
        expect(valid(run(net, other, of.classes))).toEqual(expected);
        const box = { shape: batch.x.shape, numbers: expected.dx ?? [] };
        expect(box.numbers.every((d, k) => d === 0 || !isPadding(k, box))).toBe(true);
      }),
    ));

  test('each row of unequal length is what it is alone, and the gradients are their sums', () =>
    fc.assert(
      fc.property(cases(kind), (of) => {
        const net = build(of);
        const batch = batchOf(of, net);
        const { B, T, lengths } = of;
        const together = run(net, batch, of.classes);
        const sums: All = {};
        for (let b = 0; b < B; b++) {
          const steps = lengths[b];
          const cut = ({ shape, numbers }: Box): Box => {
            const own = pickRow(numbers, b, B, T * B);
            return { shape: [steps, 1, ...shape.slice(2)], numbers: own.slice(0, (own.length / T) * steps) };
          };
          const { initial } = batch as { initial?: Record<string, number[]> };
          const start =
            initial && Object.fromEntries(Object.entries(initial).map(([s, v]) => [s, pickRow(v, b, B, B)]));
          const alone = run(
            net,
            { x: cut(batch.x), targets: cut(batch.targets), ...(start && { initial: start }) },
            of.classes,
          );
          for (const [name, values] of Object.entries(alone)) {
            const inTime = name === 'output' || name === 'dx';
            if (inTime || /^(d0 )?l\d+r?\.\w$/.test(name)) {
              const own = pickRow(together[name], b, B, inTime ? T * B : B).slice(0, values.length);
              expectNear({ [name]: own }, { [name]: values }, of.setting);
            } else sums[name] = values.map((v, k) => v + (sums[name]?.[k] ?? 0));
          }
        }
        const totals = Object.fromEntries(Object.keys(sums).map((name) => [name, together[name]]));
        expectNear(totals, sums, of.setting);
      }),
    ));

  test('the order of the rows does not matter', () =>
    fc.assert(
      fc.property(cases(kind), (of) => {
        const net = build(of);
        const batch = batchOf(of, net);
        const { B, T } = of;
        const order = new Random(of.seed).shuffle(Array.from({ length: B }, (_, b) => b));
        const permuted = (values: readonly number[], steps: number): number[] => {
          const width = values.length / (steps * B);
          return values.map((_, k) => {
            const row = Math.floor(k / width);
            return values[(Math.floor(row / B) * B + order[row % B]) * width + (k % width)];
          });
        };
        const inTime = ({ shape, numbers }: Box): Box => ({ shape, numbers: permuted(numbers, T) });
        const { initial } = batch as { initial?: Record<string, number[]> };
        const start =
          initial && Object.fromEntries(Object.entries(initial).map(([s, v]) => [s, permuted(v, 1)]));
        const other: Batch = {
          ...{ x: inTime(batch.x), targets: inTime(batch.targets), lengths: permuted(batch.lengths, 1) },
          ...(start && { initial: start }),
        };
        const expected = Object.entries(run(net, batch, of.classes)).map(([name, values]) => {
          if (name === 'output' || name === 'dx') return [name, permuted(values, T)];
          return [name, /^(d0 )?l\d+r?\.\w$/.test(name) ? permuted(values, 1) : values];
        });
        expectNear(run(net, other, of.classes), Object.fromEntries(expected) as All, of.setting);
      }),
    ));
});
