/** The weights of three patterns in one update of a continuous Hopfield network, over β. */
import { continuousHopfield } from '../../hopfield/continuous';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const patterns = [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0]]; // prettier-ignore
const betas = Array.from({ length: 61 }, (_, k) => 10 ** (k / 30 - 0.5));

export function draw(language: Language): Promise<string> {
  const weights = betas.map(
    (beta) => continuousHopfield({ patterns, beta }).recall([[0.9, 0.3, 0, 1]]).weight,
  );
  return lineChart(
    patterns.map((_, k) => ({
      name: `${say('pattern', language)} ${k + 1}`,
      points: betas.map((beta, at) => ({ x: beta, y: weights[at].get(0, k) })),
    })),
    { x: 'β', y: say('weight', language), log: 'x', range: [0, 1] },
  );
}
