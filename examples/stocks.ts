/**
 * Forecasting what cannot be forecast: tomorrow's close of the S&P 500 from the days before.
 *
 * Data: daily closes since 2000 from vega-datasets; the last thousand days are kept for the test. Prices are nearly a
 * random walk: the naive forecast, “as today”, is hard to beat, and a curve that seems to follow the price is mostly the
 * price of the day before. An honest example says so.
 */
import { fit, gru, network, Random, type Batch } from '../index';
import { fileOf, readCsv } from './data';
import { example } from './example';
import { chart } from './figure';

const TEST = 1000;

export const stocks = example({
  title: 'stock prices: tomorrow’s close, beside the naive forecast (many-to-many)',
  defaults: { steps: 300, hidden: 16, days: 50, batch: 32, seed: 1 },
  async run({ steps, hidden, days, batch, seed }, say) {
    const random = new Random(seed);
    const price = readCsv(fileOf('vega-datasets/data/sp500-2000.csv')).map(({ close }) => Number(close));
    // change from one day to the next, in units of a typical daily change
    const change = price.map((p, k) => (100 * Math.log(p / (price[k - 1] ?? p))) / 1.2);
    const last = price.length - 1;
    const first = last - TEST;

    const net = network({
      layers: [gru({ input: 1, hidden })],
      output: 1,
      loss: 'squared',
      dropout: 0.2,
      seed,
    });
    const batchOf = (starts: readonly number[], T: number): Batch => ({
      x: Array.from({ length: T }, (_, t) => starts.map((start) => [change[start + t]])),
      targets: Array.from({ length: T }, (_, t) => starts.map((start) => [change[start + t + 1]])),
    });
    function* batches() {
      for (;;)
        yield batchOf(
          Array.from({ length: batch }, () => random.below(first - days)),
          days,
        );
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 2e-3 }, clip: { norm: 1 }, steps });

    const { output } = net.forward(batchOf([first - days], days + TEST));
    const tested = Array.from({ length: TEST }, (_, k) => first + k);
    const forecast = tested.map((day, k) => price[day] * Math.exp((1.2 * output.get(days + k, 0, 0)) / 100));
    const error = (of: (k: number) => number): number =>
      Math.sqrt(tested.reduce((sum, day, k) => sum + Math.log(of(k) / price[day + 1]) ** 2, 0) / TEST);
    const [ours, naive] = [error((k) => forecast[k]), error((k) => price[tested[k]])];
    say(
      chart({ 'o close': tested.slice(-72).map((day) => price[day + 1]), '· forecast': forecast.slice(-72) }),
    );
    say(
      `the last ${TEST} days: off by ${(100 * ours).toFixed(3)} %; “as today” by ${(100 * naive).toFixed(3)} %` +
        ` – ${ours < 0.98 * naive ? 'better, which should make one suspicious' : 'no better, as it should be'}`,
    );
    return ours / naive;
  },
});
