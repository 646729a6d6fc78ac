/** The energy while a Hopfield network recalls a pattern, one unit at a time, from more and less corrupted ones. */
import { Random } from '../../core/random/random';
import { hopfield } from '../../hopfield/network';
import { corrupt, randomPatterns } from '../../hopfield/patterns';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

export function draw(language: Language): Promise<string> {
  const random = new Random(2);
  const patterns = randomPatterns(5, 100, random);
  const memory = hopfield({ patterns });
  return lineChart(
    [0.1, 0.2, 0.3].map((fraction) => {
      const probe = corrupt(patterns[0], fraction, random);
      const energies = Array.from(memory.steps(probe, { random }), ({ energy }) => energy);
      return {
        name: `${say('turned over:', language)} ${100 * fraction} %`,
        points: energies.map((y, x) => ({ x, y })),
      };
    }),
    { x: say('changes', language), y: say('energy', language) },
  );
}
