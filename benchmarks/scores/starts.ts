/**
 * From which weights should a forecast start? Mean errors on the test part and losses on the validation part, over seeds and series:
 *
 *     node -r ./scripts/register.js benchmarks/scores/starts.ts [--seeds 8] [--steps 600] [--starts NAMES] [--metric rmse]
 *       [FILE:COLUMN…]
 *
 * Without files, on series of vega-datasets.
 */
import type { Network } from '../../bptt/network/network';
import { uniform } from '../../core/random/init';
import { Random } from '../../core/random/random';
import { oneOf, whole } from '../../terminal/arguments';
import { script, type Arguments } from '../../scripts/script';
import { tableOf } from '../../learn/source';
import { ourScore, prepared, type Trained } from './ours';
import { meanOf } from './scores';
import { packageFile, type ScoreSet } from './sets';

/** Draws the parameters whose names fit again, uniformly in ±1/√H as PyTorch does. */
const redraw =
  (names: RegExp) =>
  (net: Network, seed: number): void => {
    const random = new Random(seed + 1000);
    const { shape } = net.parameters.values['l0.Wh'];
    for (const [name, tensor] of Object.entries(net.parameters.values))
      if (names.test(name)) uniform(1 / Math.sqrt(shape[0]))(tensor, random);
  };

const starts: Record<string, (net: Network, seed: number) => void> = {
  default: () => undefined,
  pytorch: redraw(/./),
  'Wx of PyTorch': redraw(/Wx$/),
  'Wh of PyTorch': redraw(/Wh$/),
  'biases of PyTorch': redraw(/\.b|by$/),
  'output layer of PyTorch': redraw(/^head/),
  'output layer of zeros': (net) =>
    net.parameters.values['head.Wy'] && uniform(0)(net.parameters.values['head.Wy'], new Random(0)),
};

const vega = (file: string): string => packageFile('vega-datasets', `data/${file}`);
const usual = [
  ['co2-concentration.csv', 'CO2'],
  ['seattle-weather.csv', 'temp_max'],
  ['seattle-weather.csv', 'wind'],
  ['sp500-2000.csv', 'close'],
  ['us-employment.csv', 'nonfarm'],
  ['us-employment.csv', 'construction'],
].map(([file, column]) => `${vega(file)}:${column}`);

const config = {
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '8' },
    steps: { type: 'string', default: '600' },
    starts: { type: 'string', default: Object.keys(starts).join(',') },
    metric: { type: 'string', default: 'rmse' },
  },
} as const;

async function main({ values, positionals }: Arguments<typeof config>): Promise<void> {
  const seeds = whole('--seeds')(values.seeds);
  const steps = whole('--steps')(values.steps);
  const metric = oneOf('--metric', ['mae', 'rmse', 'mase'])(values.metric);
  const names = values.starts.split(',').map(oneOf('--starts', Object.keys(starts)));
  for (const given of positionals.length > 0 ? positionals : usual) {
    const cut = given.lastIndexOf(':');
    const [file, target] = [given.slice(0, cut), given.slice(cut + 1)];
    const table = await tableOf(file);
    const set: ScoreSet = {
      ...{ task: 'forecast', data: given, metric: 'mae', options: { target } },
      table: () => Promise.resolve(table),
      sizes: { full: { steps }, small: { steps: 100 } },
      scoreOf: ({ targets }) => (targets as { model: Record<string, number> }[])[0].model[metric],
    };
    console.log(`${file.split('/').at(-1)} ${target}: test ${metric}, validation loss`);
    for (const name of names) {
      const all: Trained[] = [];
      for (let seed = 0; seed < seeds; seed++)
        all.push(await ourScore(set, await prepared(set, 'full', seed), (net) => starts[name](net, seed)));
      const scores = all.map(({ score }) => score);
      const mean = meanOf(scores);
      const deviation = Math.sqrt(meanOf(scores.map((x) => (x - mean) ** 2)));
      const loss = meanOf(all.map(({ validation }) => validation));
      console.log(
        `  ${name.padEnd(26)}${mean.toPrecision(5)} ± ${deviation.toPrecision(2)}  ${loss.toPrecision(5)}`,
      );
    }
  }
}

void script(__filename, config, main);
