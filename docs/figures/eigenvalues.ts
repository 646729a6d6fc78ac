/** The state of one diagonal linear unit after an input of 1 at the first step, for several factors p. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const steps = Array.from({ length: 21 }, (_, t) => t);

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [0.95, 0.5, -0.5, -0.95].map((p) => ({
      name: `p = ${String(p).replace('-', '−')}`,
      points: steps.map((t) => ({ x: t, y: p ** t })),
    })),
    { x: say('step t', language), y: 'h', range: [-1, 1] },
  );
