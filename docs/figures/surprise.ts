/** The loss of a step over the probability of the right class, and the gradient of its score. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const probabilities = Array.from({ length: 200 }, (_, k) => (k + 1) / 200);
const curve = (of: (p: number) => number): { x: number; y: number }[] =>
  probabilities.map((p) => ({ x: p, y: of(p) }));

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      { name: '−log p', points: curve((p) => -Math.log(p)) },
      { name: '|δy| = 1 − p', points: curve((p) => 1 - p) },
    ],
    { x: say('probability p of the right class', language), y: say('loss', language), range: [0, 5] },
  );
