/** A scan in two parts: the second one is solved from zero, and gets the state before it times the product of its factors. */
import { Random } from '../../core/random/random';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const [T, border] = [40, 20];

export function draw(language: Language): Promise<string> {
  const random = new Random(2);
  const steps = Array.from({ length: T }, () => ({
    p: 0.85 + 0.15 * random.uniform(),
    q: random.normal(0, 0.3),
  }));
  const solved = (from: number, to: number): { x: number; y: number }[] => {
    let h = 0;
    return steps.slice(from, to).map(({ p, q }, k) => ({ x: from + k, y: (h = p * h + q) }));
  };
  const before = solved(0, border)[border - 1].y;
  let factor = 1;
  const carried = steps.slice(border).map(({ p }, k) => ({ x: border + k, y: (factor *= p) * before }));
  return lineChart(
    [
      { name: say('part 1', language), points: solved(0, border) },
      { name: say('part 2, from zero', language), points: solved(border, T) },
      { name: say('state before it × factors', language), points: carried },
      { name: say('loop over all steps', language), points: solved(0, T), dashed: true },
    ],
    { x: say('step t', language), y: 'h' },
  );
}
