/** A signal, and what a memory of six numbers returns of it 40 steps later. */
import { legendreDelay, legendreMemory } from '../../cells/parts/legendre';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const [order, theta, T] = [6, 40, 200];

export function draw(language: Language): Promise<string> {
  const { A, B } = legendreMemory(order, theta);
  const weights = legendreDelay(order, 1);
  const u = Array.from({ length: T }, (_, t) => Math.sin(t / 12) + 0.5 * Math.sin(t / 5 + 1));
  let m = Array<number>(order).fill(0);
  const read = u.map((now) => {
    m = A.map((row, i) => row.reduce((sum, a, j) => sum + a * m[j], B[i] * now));
    return weights.reduce((sum, weight, i) => sum + weight * m[i], 0);
  });
  const curve = (values: readonly number[]): { x: number; y: number }[] =>
    values.map((y, t) => ({ x: t, y }));
  return lineChart(
    [
      { name: say('input u', language), points: curve(u) },
      { name: say('read, θ = 40', language), points: curve(read) },
      {
        name: say('u, 40 steps later', language),
        dashed: true,
        points: u.slice(0, T - theta).map((y, t) => ({ x: t + theta, y })),
      },
    ],
    { x: say('step t', language), y: 'u', range: [-2, 2] },
  );
}
