import { stateTracking } from '../papers/statetracking';

test('the lengths of the paper, for both counts and all cells', () => {
  const rows = stateTracking.rows('full');
  expect(rows.map(({ name }) => name)).toEqual(
    ['parity', 'modulo 3'].flatMap((task) =>
      ['diagonal, (0, 1)', 'diagonal, (−1, 1)', 'minGRU', 'tanh', 'LSTM'].map((cell) => `${task}, ${cell}`),
    ),
  );
  for (const { settings } of rows) expect(settings).toMatchObject({ short: [3, 40], long: [40, 256] });
});

test('a quick trial gives the share of right counts, the same for the same seed', async () => {
  const row = stateTracking.rows('quick')[1];
  const trial = (seed: number) => row.run({ seed, data: undefined, progress: () => undefined });
  const figures = await trial(1);
  for (const accuracy of Object.values(figures)) {
    expect(accuracy).toBeGreaterThan(0.2);
    expect(accuracy).toBeLessThanOrEqual(1);
  }
  expect(await trial(1)).toEqual(figures);
  expect(await trial(2)).not.toEqual(figures);
});
