/** How fast an echo state network forgets its first state: the distance of two runs on one input, over time. */
import { network } from '../../bptt/network/network';
import { reservoir } from '../../cells/reservoir';
import { Random } from '../../core/random/random';
import { toFlat } from '../../core/tensor';
import { say, type Language } from '../build/languages';
import { lineChart, type Curve } from './lines';

const [T, H] = [100, 100];

function curve(spectralRadius: number): Curve {
  const net = network({ layers: [reservoir({ input: 1, hidden: H, spectralRadius })], seed: 1 });
  const random = new Random(1);
  const x = Array.from({ length: T }, () => [[random.normal(0, 0.1)]]);
  const starts = [0, 1].map(() => [Array.from({ length: H }, () => random.normal(0, 0.1))]);
  const [one, other] = starts.map((h) => toFlat(net.forward({ x, initial: { 'l0.h': h } }).output));
  const distance = (t: number): number =>
    Math.hypot(...Array.from({ length: H }, (_, k) => one[t * H + k] - other[t * H + k]));
  return { name: `ρ = ${spectralRadius}`, points: x.map((_, t) => ({ x: t, y: distance(t) })) };
}

export const draw = (language: Language): Promise<string> =>
  lineChart([0.7, 0.9, 0.99, 1.2].map(curve), {
    ...{ x: say('step t', language), y: say('distance of the states', language) },
    ...{ log: 'y', range: [1e-8, 10] as [number, number] },
  });
