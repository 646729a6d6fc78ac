import { clockwork as cell, modular } from '../cells/clockwork';
import { modulesOf } from '../cells/parts/modules';
import { Random } from '../core/random/random';
import { clockwork } from '../papers/clockwork';
import { waveform } from '../tasks/waveform';
import { toFlat } from '../core/tensor';
import { network } from '../bptt/network/network';

test('a sound has amplitude 1 and a mean near 0, and differs between seeds', () => {
  const y = waveform(new Random(1), 320);
  expect(y.length).toBe(320);
  expect(Math.max(...y.map(Math.abs))).toBe(1);
  expect(waveform(new Random(1), 320)).toEqual(y);
  expect(waveform(new Random(2), 320)).not.toEqual(y);
  // the fastest sine has 30 periods: neighboring samples are close
  const steps = y.slice(1).map((sample, t) => Math.abs(sample - y[t]));
  expect(Math.max(...steps)).toBeLessThan((2 * Math.PI * 30) / 320);
});

test('reversed, fast units change slow ones, and slow ones never fast ones', () => {
  const options = { input: 1, bias: false } as const;
  const modules = modulesOf({ hidden: 6, periods: [1, 2] }, 'test');
  // which states at t = 1 … 4 depend on unit `from` at t = 0, for both orders of the modules
  const reached = (layer: ReturnType<typeof cell>, from: number): boolean[] => {
    const net = network({ layers: [layer], seed: 3 });
    const x = { shape: [4, 1, 1], numbers: [0, 0, 0, 0] };
    const run = (value: number) => {
      const h = Array<number>(6).fill(0.5);
      h[from] = value;
      return toFlat(net.forward({ x, initial: { 'l0.h': h }, clock: 1 }).output);
    };
    const [one, two] = [run(0.5), run(-0.5)];
    return [0, 1, 2, 3, 4, 5].map((unit) => one.some((h, k) => k % 6 === unit && h !== two[k]));
  };
  // units 0 … 2 fast, 3 … 5 slow
  const right = cell({ ...options, modules });
  expect(reached(right, 0)).toEqual([true, true, true, false, false, false]);
  expect(reached(right, 5)).toEqual(Array(6).fill(true));
  // units 0 … 2 slow, 3 … 5 fast
  const reversed = modular([...modules].reverse(), options);
  expect(reached(reversed, 5)).toEqual(Array(6).fill(true));
  expect(reached(reversed, 0)).toEqual([true, true, true, false, false, false]);
});

test('the networks have the units of the paper, and about 1000 parameters that count', () => {
  const rows = clockwork.rows('full');
  expect(rows.map(({ name, settings }) => [name, settings.units])).toEqual([
    ['clockwork-40', 40],
    ['LSTM-15', 15],
    ['tanh-31', 31],
    ['clockwork-40 reversed', 40],
  ]);
});

test('a quick trial learns, and counts what it learns with', async () => {
  const [row, lstm] = clockwork.rows('quick');
  const context = { seed: 1, data: undefined, progress: () => undefined };
  const { nmse, parameters } = await row.run(context);
  expect(nmse).toBeLessThan(0.2);
  // 4 modules of 3 units: 3² · 4 · 5 / 2 of 12² weights, 12 biases, an output of 12 weights and a bias
  expect(parameters).toBe(90 + 12 + 13);
  // 4 gates of 4 units: 4 · 4 · 4 weights and 16 biases, an output of 4 weights and a bias
  expect((await lstm.run(context)).parameters).toBe(64 + 16 + 5);
});
