/**
 * Hopfield networks bit by bit, as hashes: weights of every rule, recalls in both modes, energies, bit errors.
 *
 * The hashes are those of version 0.1, as in `goldenruns.test.ts`. Sums are made in order, without fused multiply-adds,
 * so that they are the same on every machine.
 */
import { createHash } from 'node:crypto';
import { bitError, corrupt, hopfield, Random, randomPatterns } from '../index';

const goldens = {
  hebbian: 'd535cb7dd70715ec905e1df675c434ad',
  storkey: '63ea2d93c785205da1c50f17085ec337',
  'pseudo-inverse': '8ef53baf2af6a49c89f24216e5f25279',
};

test.each(Object.entries(goldens))('%s', (rule, golden) => {
  const hash = createHash('sha256');
  const note = (...numbers: number[]): void => void hash.update(new Float64Array(numbers));
  const random = new Random(7);
  for (const [N, P] of [
    [7, 2],
    [12, 3],
    [50, 6],
    [96, 30],
  ]) {
    const patterns = randomPatterns(P, N, random);
    const net = hopfield({ patterns, rule: rule as keyof typeof goldens });
    // the products of the pseudo-inverse are fused where the machine can; adding 0 makes a negative zero positive
    const places = rule === 'pseudo-inverse' ? 1e6 : 2 ** 52;
    const rounded = (x: number): number => Math.round(x * places) / places + 0;
    note(...Array.from(net.weights.data, rule === 'pseudo-inverse' ? rounded : Number), bitError(net));
    for (const mode of ['asynchronous', 'synchronous'] as const)
      for (const pattern of patterns) {
        const probe = corrupt(pattern, 0.2, random);
        const moments = net.steps(probe, { mode, random, sweeps: 20 });
        for (let next = moments.next(); ; next = moments.next()) {
          const { energy, state } = next.value;
          note(rounded(energy), ...state);
          if (!next.done) continue;
          note(next.value.sweeps, next.value.overlap, next.value.pattern);
          break;
        }
        note(...net.overlaps(probe), rounded(net.energy(probe)));
      }
  }
  expect(hash.digest('hex').slice(0, 32)).toBe(golden);
});
