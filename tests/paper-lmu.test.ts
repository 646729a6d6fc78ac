import { lmuPaper } from '../papers/lmu';
import { Random } from '../core/random/random';
import { mackeyGlass } from '../tasks/mackeyglass';

const trial = (name: string, seed = 1) =>
  lmuPaper
    .rows('quick')
    .find((row) => row.name === name)!
    .run({ seed, data: undefined, progress: () => undefined });

test('the untrained memory gives back what it saw up to its whole window ago', async () => {
  expect((await trial('capacity, 1000 steps')).capacity).toBeLessThan(0.003);
});

test.each(['LSTM', 'LMU', 'hybrid'])('a quick trial of the %s gives the same figure again', async (name) => {
  const figures = await trial(`Mackey–Glass, ${name}`);
  expect(figures.error).toBeGreaterThan(0.1);
  expect(figures.error).toBeLessThan(1.2);
  expect(await trial(`Mackey–Glass, ${name}`)).toEqual(figures);
});

test('the rows of the paper', () => {
  expect(lmuPaper.rows('full').map(({ name }) => name)).toEqual([
    ...['capacity, 1000 steps', 'capacity, 10000 steps', 'capacity, 100000 steps'],
    ...['Mackey–Glass, LSTM', 'Mackey–Glass, LMU', 'Mackey–Glass, hybrid'],
  ]);
});

test('the series solves its equation, and does not repeat', () => {
  const x = mackeyGlass(new Random(3), 600);
  // slow enough for a difference over two samples, but for the error of the step
  for (let t = 20; t < 599; t++) {
    const slope = (0.2 * x[t - 17]) / (1 + x[t - 17] ** 10) - 0.1 * x[t];
    expect(Math.abs((x[t + 1] - x[t - 1]) / 2 - slope)).toBeLessThan(0.03);
  }
  expect(Math.min(...x)).toBeGreaterThan(0.2);
  expect(Math.max(...x)).toBeLessThan(1.5);
  const repeats = (lag: number): boolean => x.slice(lag).every((v, t) => Math.abs(v - x[t]) < 0.02);
  expect(Array.from({ length: 300 }, (_, lag) => lag + 20).some(repeats)).toBe(false);
});
