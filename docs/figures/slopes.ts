/** How far tanh moves when its argument is off: measured, by the slope, and by the bound. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const x = 2;
const errors = Array.from({ length: 101 }, (_, k) => k / 50);
const slope = (at: number): number => 1 - Math.tanh(at) ** 2;
const moved = (by: number): number => Math.abs(Math.tanh(x + by) - Math.tanh(x));
/** The slope is largest where the interval is nearest to 0. */
const steepest = (error: number): number => slope(Math.max(0, x - error));

const curve = (of: (error: number) => number): { x: number; y: number }[] =>
  errors.map((error) => ({ x: error, y: of(error) }));

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      { name: say('largest change', language), points: curve((e) => Math.max(moved(e), moved(-e))) },
      { name: say('slope at x', language), points: curve((e) => e * slope(x)) },
      { name: say('steepest slope', language), points: curve((e) => e * steepest(e)) },
    ],
    { x: say('error of x', language), y: say('change of tanh x', language), range: [0, 1] },
  );
