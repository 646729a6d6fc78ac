/** The scores of tasks on public data, at small sizes, beside those of the same models and recipes in PyTorch. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ourScore, prepared } from '../benchmarks/scores/ours';
import { meanOf, spreadOf } from '../benchmarks/scores/scores';
import { scoreSets } from '../benchmarks/scores/sets';

/** Made by benchmarks/scores/scores.ts --pin. */
const pinned = JSON.parse(readFileSync(join(__dirname, 'scores.json'), 'utf8')) as Record<string, number[]>;

test.each(scoreSets.map((set) => [set.task, set] as const))(
  '%s: the means of three seeds are no further apart than the seeds',
  async (task, set) => {
    const theirs = pinned[task];
    const ours: number[] = [];
    for (const seed of theirs.keys())
      ours.push((await ourScore(set, await prepared(set, 'small', seed))).score);
    expect(Math.abs(meanOf(ours) - meanOf(theirs))).toBeLessThanOrEqual(spreadOf({ ours, theirs }));
  },
);
