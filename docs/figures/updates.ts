/** How many updates of a clockwork module the gradient passes on its way back from step 64, for four periods. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const [last, periods] = [64, [1, 4, 16, 64]];

export const draw = (language: Language): Promise<string> =>
  lineChart(
    periods.map((period) => {
      let passed = 0;
      // the step t stands between h_(t−1) and h_t
      const points = Array.from({ length: last + 1 }, (_, d) => {
        if (d > 0 && (last - d + 1) % period === 0) passed++;
        return { x: d, y: passed };
      });
      return { name: `T = ${period}`, points };
    }),
    { x: say('steps back, d', language), y: say('updates passed', language), range: [0, 20] },
  );
