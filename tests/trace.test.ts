/** The trace of one unit at one step, through the API and the command line: its numbers are those of the pass. */
import {
  bidirectional,
  elman,
  gru,
  lstm,
  network,
  Random,
  trace,
  type Batch,
  type NetworkOptions,
  type TracedLine,
} from '../index';
import { planOf } from '../bptt/network/passes/pass';
import { backstep } from './command';

const random = new Random(5);
const numbers = (T: number, B: number, width: number) =>
  Array.from({ length: T }, () =>
    Array.from({ length: B }, () => Array.from({ length: width }, () => random.normal())),
  );
const value = (lines: readonly TracedLine[], name: string): number =>
  lines.filter(({ line }) => line.startsWith(`${name} `)).at(-1)!.sums[0].value;

const cases: [name: string, options: NetworkOptions, batch: Batch, layer: string, T: number][] = [
  [
    'a second layer',
    { layers: [elman({ input: 2, hidden: 3 }), lstm({ input: 3, hidden: 4 })], output: 2, loss: 'squared' },
    { x: numbers(4, 3, 2), targets: numbers(4, 3, 2) },
    'l1',
    4,
  ],
  [
    'a row that is shorter than others, read from its end',
    { layers: [bidirectional(gru({ input: 2, hidden: 3 }))], output: 2, loss: 'squared' },
    { x: numbers(4, 3, 2), targets: numbers(4, 3, 2), lengths: [4, 3, 2] },
    'l0r',
    3,
  ],
  [
    'an encoder',
    {
      ...{ topology: 'encoder-decoder', encoder: [gru({ input: 2, hidden: 3 })], attention: 'dot' },
      ...{ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'squared' },
    },
    { x: numbers(4, 3, 2), inputs: numbers(3, 3, 2), targets: numbers(3, 3, 2) },
    'e0',
    4,
  ],
  [
    'a network that is fed its own output',
    {
      topology: 'one-to-many',
      feed: 'output',
      layers: [elman({ input: 2, hidden: 3 })],
      output: 2,
      loss: 'squared',
    },
    { x: numbers(1, 3, 2)[0], targets: numbers(3, 3, 2) },
    'l0',
    3,
  ],
];

test.each(cases)('of %s: each state and each gradient is that of the pass', (_, options, batch, layer, T) => {
  const net = network(options);
  const pass = net.forward(batch);
  pass.backward();
  const unroll = planOf(pass).unrolls.find(({ name }) => name === layer)!;
  const gradients = Array.from(net.parameters.flatGradients.data);
  const row = 1;
  for (let step = 0; step < T; step++) {
    for (const unit of [0, 2]) {
      const { forward, backward } = trace(net, batch, { layer, step, unit, row });
      const v = unroll.at(step);
      expect(value(forward, 'h')).toBeCloseTo(v.h.get(row, unit), 12);
      expect(value(backward, 'dh')).toBeCloseTo(v.dhOut.get(row, unit) + v.dhNext.get(row, unit), 12);
      expect(forward.length + backward.length).toBeGreaterThan(8);
    }
  }
  expect(Array.from(net.parameters.flatGradients.data)).toEqual(gradients);
});

test('zoneout and recurrent dropout have lines of their own, and every line is true', () => {
  const net = network({
    layers: [lstm({ input: 2, hidden: 2, residual: true, peepholes: true }), gru({ input: 2, hidden: 3 })],
    ...{ output: 2, loss: 'squared', zoneout: 0.25 },
  });
  const batch = { x: numbers(4, 3, 2), targets: numbers(4, 3, 2), lengths: [4, 3, 2] };
  const at = { step: 1, unit: 1, row: 1 };
  const { forward, backward } = trace(net, batch, at);
  expect(forward.map(({ line }) => line).slice(-6)).toEqual([
    'tc = tanh(cNew)',
    'hNew = o * tc',
    'yNew = hNew + x',
    'h = hZone * hPrev + (1 - hZone) * hNew',
    'y = h + x',
    'c = cZone * cPrev + (1 - cZone) * cNew',
  ]);
  const all = [...backward.map(({ line }) => line)];
  expect(all).toContain('dcNextNew = (1 - cZone) * dcNext');
  expect(all.at(-1)).toBe('dcPrev += cZone * dcNext');
  const pass = net.forward(batch);
  pass.backward();
  const own = planOf(pass).unrolls[0].own(1);
  for (const name of ['h', 'c', 'y']) expect(value(forward, name)).toBeCloseTo(own[name].get(1, 1), 12);
  for (const name of ['dhPrev', 'dcPrev']) expect(value(backward, name)).toBeCloseTo(own[name].get(1, 1), 12);
  const { forward: zoned } = trace(net, batch, { ...at, layer: 'l1' });
  expect(zoned.at(-1)!.line).toBe('h = hZone * hPrev + (1 - hZone) * hNew');
  // a value is computed once, from values in lines above it
  const known = new Map<string, number>();
  for (const { line, sums } of forward) if (sums.length === 1) known.set(line.split(' ')[0], sums[0].value);
  expect(known.get('h')).toBeCloseTo(0.25 * own.hPrev.get(1, 1) + 0.75 * known.get('hNew')!, 12);
});

test('without a loss there is no way back', () => {
  const net = network({ layers: [elman({ input: 2, hidden: 3 })] });
  const { forward, backward } = trace(net, { x: numbers(2, 1, 2) }, { step: 0, unit: 0 });
  expect(forward.map(({ line }) => line)).toEqual(['z = x @ Wx + b', 'z += hPrev @ Wh', 'h = tanh(z)']);
  expect(backward).toEqual([]);
});

describe('what there is not is said', () => {
  const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'squared' });
  const batch: Batch = { x: numbers(4, 2, 2), targets: numbers(4, 2, 2), lengths: [4, 2] };
  test.each([
    [{ step: 4, unit: 0 }, 'trace: step must be in 0…3, got 4 (T = 4)'],
    [{ step: 2, unit: 0, row: 1 }, 'trace: step must be within the row, got 2 (row 1 is shorter)'],
    [{ step: 0, unit: 3 }, 'trace: unit must be in 0…2, got 3 (l0 is elman)'],
    [{ step: 0, unit: 0, row: 2 }, 'trace: row must be in 0…1, got 2 (B = 2)'],
    [{ step: 0, unit: 0, layer: 'l1' }, 'trace: layer must be one of l0, got l1'],
    [{ step: 0.5, unit: 0 }, 'trace: step must be a whole number >= 0, got 0.5'],
    [{ step: 0, units: 0 }, 'trace: options must be among layer, step, unit, row, got units'],
  ])('%j', (options, message) => {
    expect(() => trace(net, batch, options as { step: number; unit: number })).toThrow(message);
  });
});

describe('backstep trace', () => {
  test('prints each equation, and beneath it the same in numbers', async () => {
    const { status, stdout } = await backstep(
      ...'trace --cell elman --hidden 4 --step 2 --unit 3'.split(' '),
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/ {2}h = tanh\(z\)\n {6}h = tanh\(\S+\) = \S+\n/);
    expect(stdout).toMatch(/ {2}dh = dhOut \+ dhNext\n {6}dh = \S+ [+−] \S+ = \S+\n/);
  });

  test('as JSON it has all digits', async () => {
    const words = 'trace --cell examples/cells/mgu.txt --hidden 3 --step 1 --unit 0 --json';
    const { stdout } = await backstep(...words.split(' '));
    const { cell, forward } = JSON.parse(stdout) as { cell: string; forward: TracedLine[] };
    expect(cell).toBe('mgu');
    const [before, f] = [value(forward, 'af'), value(forward, 'f')];
    expect(f).toBeCloseTo(1 / (1 + Math.exp(-before)), 14);
  });

  test.each([
    ['trace --step 16 --unit 0', 'trace: --step must be in 0 … 15, got 16 (--steps 16)'],
    ['trace --step 1 --unit 40', 'trace: unit must be in 0…31, got 40 (l0 is lstm)'],
  ])('%s', async (words, message) => {
    const { status, stderr } = await backstep(...words.split(' '));
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
