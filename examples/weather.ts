/**
 * Forecasting: tomorrow's highest temperature in Seattle from the days before.
 *
 * Data: Seattle, 2012 to 2015, day by day, from vega-datasets: rain, highest and lowest temperature, wind. The last year is
 * kept for the test. The baseline is the naive forecast: tomorrow is like today.
 */
import { fit, lstm, network, Random, type Batch } from '../index';
import { fileOf, readCsv } from './data';
import { example } from './example';
import { chart } from './figure';

export const weather = example({
  title: 'weather: tomorrow’s temperature from the days before (many-to-many)',
  defaults: { steps: 120, hidden: 16, days: 60, batch: 16, seed: 1 },
  async run({ steps, hidden, days, batch, seed }, say) {
    const random = new Random(seed);
    const rows = readCsv(fileOf('vega-datasets/data/seattle-weather.csv'));
    const highest = rows.map(({ temp_max }) => Number(temp_max));
    // all scaled to a size of about 1; the target is the change from one day to the next
    const x = rows.map((row, k) => {
      const season = (2 * Math.PI * k) / 365.25;
      const { precipitation, temp_min, wind } = row;
      return [
        Math.log1p(Number(precipitation)),
        (highest[k] - 16) / 7,
        (Number(temp_min) - 8) / 5,
        (Number(wind) - 3) / 1.5,
        Math.sin(season),
        Math.cos(season),
      ];
    });
    const target = highest.map((t, k) => [((highest[k + 1] ?? t) - t) / 3]);
    const first = rows.findIndex(({ date }) => date.startsWith('2015'));

    const net = network({
      layers: [lstm({ input: 6, hidden })],
      output: 1,
      loss: 'squared',
      dropout: 0.2,
      seed,
    });
    /** A batch of sequences of days, one for each start. */
    const batchOf = (starts: readonly number[], T: number): Batch => ({
      x: Array.from({ length: T }, (_, t) => starts.map((start) => x[start + t])),
      targets: Array.from({ length: T }, (_, t) => starts.map((start) => target[start + t])),
    });
    function* batches() {
      for (;;)
        yield batchOf(
          Array.from({ length: batch }, () => random.below(first - days)),
          days,
        );
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 3e-3 }, clip: { norm: 1 }, steps });

    // all of 2015 as one sequence, after the last days of 2014 as a warm-up
    const start = first - days;
    const T = rows.length - 1 - start;
    const { output } = net.forward(batchOf([start], T));
    const tested = Array.from({ length: T - days }, (_, k) => first + k);
    const forecast = tested.map((day) => highest[day] + 3 * output.get(day - start, 0, 0));
    const actual = tested.map((day) => highest[day + 1]);
    const error = (of: (k: number) => number): number =>
      Math.sqrt(tested.reduce((sum, _, k) => sum + (of(k) - actual[k]) ** 2, 0) / tested.length);
    const [ours, naive] = [error((k) => forecast[k]), error((k) => highest[tested[k]])];
    say(chart({ 'o measured': actual.slice(-72), '· forecast a day before': forecast.slice(-72) }));
    say(`2015: off by ${ours.toFixed(2)} °C (root mean square); “as today” by ${naive.toFixed(2)} °C`);
    return ours / naive;
  },
});
