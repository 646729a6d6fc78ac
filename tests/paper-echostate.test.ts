import { echoState } from '../papers/echostate';

test('the sizes of the report and of the article', () =>
  expect(echoState.rows('full').map(({ name, published }) => [name, published])).toEqual([
    ['100 units', {}],
    ['400 units', { nrmse: 2.8e-4 }],
    ['1000 units', { nrmse: 10 ** -4.2 }],
  ]));

test('a quick trial of 100 units predicts 84 steps far better than the mean, and the same again', async () => {
  const [row] = echoState.rows('quick');
  const trial = (seed: number) => row.run({ seed, data: undefined, progress: () => undefined });
  const figures = await trial(1);
  expect(figures.nrmse).toBeLessThan(0.7);
  expect(await trial(1)).toEqual(figures);
  expect(await trial(2)).not.toEqual(figures);
});
