/** The log probability of what beams of several widths find, beside the best sequence and beside sampling. */
import { decode, type DecodeOptions } from '../../bptt/decode/decode';
import { network } from '../../bptt/network/network';
import { gru } from '../../cells/gru';
import { Random } from '../../core/random/random';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

/** Sequences of `steps` out of `classes`, all of which a beam of `all` keeps. */
const [classes, steps, networks] = [4, 5, 20];
const all = classes ** (steps - 1);
const widths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const SAMPLES = 20;

/** The mean log probability over random networks, each started with every class. */
function mean(options: (seed: number) => Partial<DecodeOptions>, times = 1): number {
  let sum = 0;
  for (let seed = 1; seed <= networks; seed++) {
    const net = network({
      layers: [gru({ input: classes, hidden: 8 })],
      output: classes,
      loss: 'softmax',
      seed,
    });
    // distinct preferences, as after training
    const { data } = net.parameters.flat;
    data.forEach((value, k) => (data[k] = 3 * value));
    const x = [Array.from({ length: classes * times }, (_, k) => k % classes)];
    for (const [best] of decode(net, { x }, { steps, ...options(seed) }))
      sum += best.logProbability / (networks * classes * times);
  }
  return sum;
}

const level = (name: string, y: number, dashed = false): Curve => ({
  ...{ name, dashed },
  points: [widths[0], widths[widths.length - 1]].map((x) => ({ x, y })),
});

export function draw(language: Language): Promise<string> {
  const beam = widths.map((width) => ({ x: width, y: mean(() => ({ method: 'beam', width })) }));
  const sampled = mean((seed) => ({ method: 'sample', random: new Random(seed) }), SAMPLES);
  return lineChart(
    [
      level(
        say('best of all sequences', language),
        mean(() => ({ method: 'beam', width: all })),
        true,
      ),
      { name: say('beam', language), points: beam },
      level(say('greedy', language), beam[0].y),
      level(say('sampled', language), sampled),
    ],
    { x: say('width of the beam', language), y: 'log p', log: 'x', range: [-4.5, -2] },
  );
}
