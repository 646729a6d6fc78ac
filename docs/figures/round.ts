/** The relative error of storing a number in bfloat16. */
import { precisions, rounded } from '../../referee/errorbound';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const { bfloat16 } = precisions;
const xs = Array.from({ length: 1201 }, (_, k) => 1.9 + k / 4000);

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      { name: 'bfloat16', points: xs.map((x) => ({ x, y: Math.abs(rounded(bfloat16, x) - x) / x })) },
      { name: 'u', points: xs.map((x) => ({ x, y: bfloat16.unit })), dashed: true },
    ],
    { x: 'x', y: say('relative error', language), range: [0, 0.0045] },
  );
