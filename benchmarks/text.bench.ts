/**
 * Benchmark of `npm start`: characters per second of the default training, on every version of Node that is installed
 * (`npm ci --prefix tests/nodes` installs some), in turns.
 *
 *   node -r ./scripts/register.js benchmarks/text.bench.ts [--smallest] [--json] [--out FILE] [--rounds 3]
 *
 * Only training is counted, as `backstep train` prints it: not the start, nor the check of the gradients at the end.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../measure/timing';
import type { End, Event } from '../text/events';
import { count } from '../core/format';
import { failure } from '../terminal/errors';
import { allNodes, type InstalledNode } from '../scripts/installednodes';
import { script, type Arguments } from '../scripts/script';
import { machine } from './machine';
import { common, roundsOf } from './options';
import { publish } from './output';
import { table } from './table';

export interface TextRow {
  /** Version of Node: `24.22.3`. */
  node: string;
  /** Median over the rounds. */
  charactersPerSecond: number;
  /** Median over the rounds of the quotient with the oldest Node's in the same round. */
  ratio: number;
}

const SECONDS = 12;
const root = join(__dirname, '..');

/** Characters per second of one training run. */
function trained({ path }: InstalledNode, seconds: number, out: string): number {
  const command = ['-r', join(root, 'scripts', 'register.js'), join(root, 'cli', 'main.ts'), 'train'];
  const options = ['--seconds', String(seconds), '--seed', '1', '--json', '--fresh', '--out', out];
  const { stdout, stderr } = spawnSync(path, [...command, ...options], { cwd: root, encoding: 'utf8' });
  const end = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Event)
    .find((event): event is End => event.event === 'end');
  if (!end) throw failure(`training on ${path} must come to its end`, stderr.trim());
  return end.characters / end.seconds;
}

const config = { options: { ...common, rounds: { type: 'string', default: '3' } } } as const;

function main({ values }: Arguments<typeof config>): void {
  const [rounds, seconds] = values.smallest ? [1, 1] : [roundsOf(values.rounds), SECONDS];
  const nodes = values.smallest ? allNodes().slice(0, 1) : allNodes();
  const folder = mkdtempSync(join(tmpdir(), 'backstep-text-'));
  const speeds: number[][] = [];
  try {
    for (let round = 0; round < rounds; round++)
      speeds.push(nodes.map((node) => trained(node, seconds, join(folder, 'run'))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const text = nodes.map(({ path }, k): TextRow => ({
    node: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1),
    charactersPerSecond: median(speeds.map((each) => each[k])),
    ratio: median(speeds.map((each) => each[k] / each[0])),
  }));
  if (!values.json) {
    const body = text.map(({ node, charactersPerSecond, ratio }) => [
      `Node ${node}`,
      count(charactersPerSecond),
      ratio.toFixed(2),
    ]);
    const head = ['backstep train', 'characters/s', `of Node ${text[0].node}`];
    console.log(`${machine()}\n${table(head, body)}`);
  }
  publish({ text }, values);
}

void script(__filename, config, main);
