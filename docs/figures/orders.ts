/** How many stored patterns are recalled, over their number, for energies of several orders. */
import { Random } from '../../core/random/random';
import { denseHopfield, type EnergyOrder } from '../../hopfield/dense';
import { corrupt, randomPatterns } from '../../hopfield/patterns';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const units = 30;
const counts = [2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
const most = 40;

/** The share of patterns, with one unit in ten turned over, that are recalled without a mistake. */
function recalled(order: EnergyOrder, count: number): number {
  const random = new Random(count);
  const patterns = randomPatterns(count, units, random);
  const memory = denseHopfield({ patterns, order });
  const tried = patterns.slice(0, most);
  const right = tried.filter((pattern, k) => {
    const end = memory.recall(corrupt(pattern, 0.1, random));
    return end.pattern === k && end.overlap === 1;
  });
  return right.length / tried.length;
}

export const draw = (language: Language): Promise<string> =>
  lineChart(
    ([2, 3, 4, 'exponential'] as const).map((order) => ({
      name: order === 'exponential' ? say('exponential', language) : `n = ${order}`,
      points: counts.map((count) => ({ x: count, y: recalled(order, count) })),
    })),
    { x: say('patterns P', language), y: say('share recalled', language), log: 'x', range: [0, 1] },
  );
