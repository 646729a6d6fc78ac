/**
 * The scores of the tasks beside those of the same models and recipes in PyTorch, three seeds each:
 *
 *     node -r ./scripts/register.js benchmarks/scores/scores.ts [TASK…] [--small] [--seeds N] [--chorales FILE] [--pin]
 *
 * Each training takes one thread and about a minute. `--small` takes the sizes of the test, and `--pin` writes PyTorch's scores
 * at these sizes to tests/scores.json, which the test compares with.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caseOf, ourScore, prepared } from './ours';
import { oneOf, whole } from '../../terminal/arguments';
import { script, type Arguments } from '../../scripts/script';
import { chorales, scoreSets, type ScoreSet, type Size } from './sets';

const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';
const PINNED = join(__dirname, '../../tests/scores.json');

/** PyTorch's score for a case. */
function theirScore(metric: ScoreSet['metric'], given: object): number {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-scores-'));
  try {
    const file = join(folder, 'case.json');
    writeFileSync(file, JSON.stringify(given));
    const { status, stdout, stderr } = spawnSync(PYTHON, [join(__dirname, 'pytorch.py'), file], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`PyTorch must succeed, got status ${status}\n${stderr}`);
    return (JSON.parse(stdout) as Record<string, number>)[metric];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What two engines reached: the difference of their means is within the spread if it is no larger than either range. */
export interface Scores {
  ours: number[];
  theirs: number[];
}
export const meanOf = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
const range = (all: readonly number[]): number => Math.max(...all) - Math.min(...all);
export const spreadOf = ({ ours, theirs }: Scores): number => Math.max(range(ours), range(theirs));

const config = {
  allowPositionals: true,
  options: {
    small: { type: 'boolean' },
    pin: { type: 'boolean' },
    seeds: { type: 'string', default: '3' },
    chorales: { type: 'string' },
  },
} as const;

async function main({ values, positionals }: Arguments<typeof config>): Promise<void> {
  const seeds = whole('--seeds')(values.seeds);
  const size: Size = values.small || values.pin ? 'small' : 'full';
  const all = [...scoreSets, ...(values.chorales === undefined ? [] : [chorales(values.chorales)])];
  const taskOf = oneOf(
    'the task',
    all.map(({ task }) => task),
  );
  const named = positionals.map(taskOf);
  const chosen = all.filter(({ task }) => named.length === 0 || named.includes(task));
  const pinned: Record<string, number[]> = {};
  for (const set of chosen) {
    const scores: Scores = { ours: [], theirs: [] };
    for (let seed = 0; seed < seeds; seed++) {
      const given = await prepared(set, size, seed);
      scores.theirs.push(theirScore(set.metric, caseOf(given)));
      scores.ours.push((await ourScore(set, given)).score);
    }
    if (scoreSets.includes(set)) pinned[set.task] = scores.theirs;
    const text = (one: readonly number[]): string => one.map((x) => x.toFixed(4)).join(' ');
    console.log(`${set.task}, ${set.metric}: ${set.data}`);
    console.log(`  PyTorch   ${text(scores.theirs)}`);
    const apart = Math.abs(meanOf(scores.ours) - meanOf(scores.theirs));
    console.log(`  Backstep  ${text(scores.ours)}`);
    console.log(`  means ${apart.toFixed(4)} apart, spread ${spreadOf(scores).toFixed(4)}`);
  }
  if (!values.pin) return;
  const before = existsSync(PINNED) ? (JSON.parse(readFileSync(PINNED, 'utf8')) as object) : {};
  writeFileSync(PINNED, `${JSON.stringify({ ...before, ...pinned }, null, 2)}\n`);
}

if (require.main === module) void script(__filename, config, main);
