/**
 * PyTorch's names and layouts: by hand, in both directions, and misfits are named. (Golden vectors: verify.test.ts.)
 */
import fc from 'fast-check';
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { fillFrom, toFlat, toNested } from '../core/tensor';
import { network, type Network } from '../bptt/network/network';
import { fillFromPytorch, torchModule, toPytorch } from '../io/torch/parameters';
import type { SafeTensor } from '../io/safetensors';

const sizes = { input: 2, hidden: 3 };
const net = (layers: Cell[], dtype: 'float32' | 'float64' = 'float64'): Network =>
  network({ layers, output: 2, dtype, seed: 4 });
const f64 = (shape: number[], data: number[]): SafeTensor => ({
  dtype: 'F64',
  shape,
  data: Float64Array.from(data),
});
const listOf = (t: SafeTensor | undefined): number[] => Array.from((t?.data ?? []) as Float64Array);

/** Sets a parameter to 1, 2, 3, … in its own layout. */
function number(of: Network, name: string): void {
  const t = of.parameters.values[name];
  fillFrom(
    t,
    toFlat(t).map((_, k) => k + 1),
  );
}

describe('a module of PyTorch', () => {
  it.each<[string, Cell[], string | undefined]>([
    ['lstm', [lstm(sizes)], 'LSTM'],
    ['deep gru', [gru(sizes), gru({ input: 3, hidden: 3 })], 'GRU'],
    ['tanh', [elman(sizes)], 'RNN'],
    ['relu without biases', [elman({ ...sizes, activation: 'relu', bias: false })], 'RNN'],
    ['sigmoid', [elman({ ...sizes, activation: 'sigmoid' })], undefined],
    ['peepholes', [lstm({ ...sizes, peepholes: true })], undefined],
    ['projection', [lstm({ ...sizes, projection: 2 })], 'LSTM'],
    ['two projections', [lstm({ ...sizes, projection: 2 }), lstm({ ...sizes, projection: 1 })], undefined],
    ['a projection of full width', [lstm({ ...sizes, projection: 3 })], undefined],
    ['reset before', [gru({ ...sizes, reset: 'before' })], undefined],
    ['two kinds', [gru(sizes), lstm({ input: 3, hidden: 3 })], undefined],
    ['two sizes', [gru(sizes), gru({ input: 3, hidden: 4 })], undefined],
    ['biases in one layer only', [gru(sizes), gru({ input: 3, hidden: 3, bias: false })], undefined],
  ])('%s', (_what, layers, module) => {
    expect(torchModule(layers)).toBe(module);
    const names = [...toPytorch({ layers }, net(layers).parameters.values).keys()];
    expect(names.includes('rnn.weight_ih_l0')).toBe(module !== undefined);
    expect(names.includes('l0.Wx')).toBe(module === undefined);
    expect(names).toContain('head.weight');
  });
});

describe('by hand', () => {
  it('weights are transposed: PyTorch has [out, in]', () => {
    const of = net([elman({ input: 2, hidden: 3 })]);
    for (const name of ['l0.Wx', 'head.Wy']) number(of, name);
    expect(toNested(of.parameters.values['l0.Wx'])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const stored = toPytorch(of.architecture, of.parameters.values);
    expect(stored.get('rnn.weight_ih_l0')).toEqual(f64([3, 2], [1, 4, 2, 5, 3, 6]));
    expect(stored.get('head.weight')).toEqual(f64([2, 3], [1, 3, 5, 2, 4, 6]));
  });

  it('our bias is bias_ih; bias_hh holds b_hn in the last block of a GRU and zeros elsewhere', () => {
    const of = net([gru(sizes)]);
    for (const name of ['l0.b', 'l0.bhn']) number(of, name);
    const stored = toPytorch(of.architecture, of.parameters.values);
    expect(listOf(stored.get('rnn.bias_ih_l0'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(listOf(stored.get('rnn.bias_hh_l0'))).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3]);
  });

  it('two biases of PyTorch add up, but for b_hn, which stands inside r * (…)', () => {
    const layers = [gru(sizes)];
    const of = net(layers);
    const stored = toPytorch({ layers }, of.parameters.values);
    stored.set('rnn.bias_ih_l0', f64([9], [1, 1, 1, 2, 2, 2, 3, 3, 3]));
    stored.set('rnn.bias_hh_l0', f64([9], [10, 10, 10, 20, 20, 20, 30, 31, 32]));
    fillFromPytorch({ layers }, stored, of.parameters.values);
    expect(toFlat(of.parameters.values['l0.b'])).toEqual([11, 11, 11, 22, 22, 22, 3, 3, 3]);
    expect(toFlat(of.parameters.values['l0.bhn'])).toEqual([30, 31, 32]);
  });
});

it('comes back to the bit, minus zero and the smallest numbers included', () => {
  const stacks: (() => Cell[])[] = [
    () => [elman(sizes), elman({ input: 3, hidden: 3 })],
    () => [lstm(sizes)],
    () => [gru(sizes), gru({ input: 3, hidden: 3 })],
    () => [lstm({ ...sizes, peepholes: true })],
    () => [lstm({ ...sizes, projection: 2 }), lstm({ ...sizes, projection: 2 })],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...stacks), fc.boolean(), fc.nat(), (layers, narrow, seed) => {
      const dtype = narrow ? 'float32' : 'float64';
      const [a, b] = [net(layers(), dtype), net(layers(), dtype)];
      const random = new Random(seed);
      const odd = [-0, 0, 5e-324, 1e-45, -1e38];
      for (const t of Object.values(a.parameters.values)) {
        fillFrom(
          t,
          toFlat(t).map(() => (random.uniform() < 0.3 ? odd[random.below(5)] : random.normal())),
        );
      }
      fillFromPytorch(b.architecture, toPytorch(a.architecture, a.parameters.values), b.parameters.values);
      for (const [name, t] of Object.entries(a.parameters.values)) {
        expect(toFlat(b.parameters.values[name])).toEqual(toFlat(t)); // toEqual tells −0 from 0
      }
    }),
    { numRuns: 40 },
  );
});

describe('what does not fit is named, and nothing is filled', () => {
  const layers = [lstm(sizes)];
  it.each<[string, (stored: Map<string, SafeTensor>) => unknown, RegExp]>([
    ['a missing tensor', (s) => s.delete('head.bias'), /^pytorch: the file must hold head\.bias, got \[/],
    [
      'an unknown tensor',
      (s) => s.set('rnn.weight_hr_l0', f64([1], [0])),
      /^pytorch: tensors must be among .*, got rnn\.weight_hr_l0$/,
    ],
    [
      'another shape',
      (s) => s.set('rnn.weight_hh_l0', f64([3, 12], Array<number>(36).fill(1))),
      /^pytorch: rnn\.weight_hh_l0 must be \[12, 3\], got \[3, 12\]$/,
    ],
    [
      'another dtype',
      (s) => s.set('head.bias', { dtype: 'I32', shape: [2], data: new Int32Array(2) }),
      /^pytorch: head\.bias must be F32 or F64, got I32$/,
    ],
  ])('%s', (_what, spoil, message) => {
    const of = net(layers);
    const stored = toPytorch({ layers }, of.parameters.values);
    for (const { data } of stored.values()) (data as Float64Array).fill(7);
    spoil(stored);
    const before = Array.from(of.parameters.flat.data);
    expect(() => fillFromPytorch({ layers }, stored, of.parameters.values)).toThrow(message);
    expect(Array.from(of.parameters.flat.data)).toEqual(before);
  });

  it('float64 would lose bits in a float32 network', () => {
    const stored = toPytorch({ layers }, net(layers).parameters.values);
    const narrow = net(layers, 'float32');
    expect(() => fillFromPytorch({ layers }, stored, narrow.parameters.values)).toThrow(
      /must be F32, got F64$/,
    );
    const wide = net(layers);
    fillFromPytorch({ layers }, toPytorch({ layers }, narrow.parameters.values), wide.parameters.values);
    expect(Array.from(wide.parameters.flat.data)).toEqual(Array.from(narrow.parameters.flat.data));
  });
});
