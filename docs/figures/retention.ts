/** How much of the cell state of an LSTM is left, for several biases of the forget gate that nothing else moves. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const steps = Array.from({ length: 41 }, (_, d) => d);

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [0, 1, 3, 5].map((bias) => ({
      name: `${say('bias', language)} ${bias}`,
      points: steps.map((d) => ({ x: d, y: (1 / (1 + Math.exp(-bias))) ** d })),
    })),
    { x: say('steps', language), y: say('share of c that is left', language), range: [0, 1] },
  );
