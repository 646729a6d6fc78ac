/**
 * Kills real training runs with SIGKILL at random moments, and checks what they leave:
 *
 *   npm run -s kill -- [--kills 50] [--seed 1]
 *
 * Every run saves after each step or every second step, in a folder that holds an older run's checkpoint; its
 * settings change after every five kills: cell, layers, threads, embedding, dropout, dtype, optimizer. A moment is a
 * random step among those left, and a delay within it, so that all parts of a run are hit equally often, whatever its
 * speed. Every second moment is aimed: its delay starts when the next checkpoint begins to be written.
 *
 * After each kill the checkpoint must load and be no older than the last one that the run reported as saved; before
 * the first, the older run's must still be there. The run is then resumed, and every second time killed once more; at
 * its end each file in the folder must be identical to that of an uninterrupted run.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dtypes } from '../bptt/train/settings';
import { choiceNames } from '../cells/kinds';
import { optimizerNames } from '../bptt/train/updates';
import { CHECKPOINT } from '../run/settings';
import { must } from '../core/check';
import { Random } from '../core/random/random';
import { decodeCheckpoint } from '../io/checkpoint';
import { whole } from '../terminal/arguments';
import { script, type Arguments } from './script';

const root = join(__dirname, '..');
const TEXT = 'she sells sea shells by the sea shore\n'.repeat(12);
const STEPS = 150;
const KILLS_EACH = 5;
const KILLED_AGAIN = 1 / 2;
/** Milliseconds to wait for a checkpoint to begin, for an aimed kill. */
const LONGEST_AIM = 200;

/** Results of the kills under one configuration. */
export interface KillResult {
  /** The settings, as on the command line. */
  name: string;
  kills: number;
  /** Kills that left a partly written file. */
  writing: number;
  /** The steps of the checkpoints found after the kills; 0 if the run had saved none yet. */
  steps: number[];
  faults: string[];
}

/** The k-th configuration: the cells in rotation, the rest random. */
export function configuration(k: number, random: Random): string[] {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  return [
    ...['--cell', choiceNames()[k % choiceNames().length], '--hidden', '64', '--batch', '2', '--seq', '3'],
    ...['--layers', pick(['1', '2']), '--threads', pick(['1', '2']), '--dtype', pick(dtypes)],
    ...pick([[], ['--embedding', '5']]),
    ...pick([[], ['--dropout', '0.2']]),
    ...['--optimizer', pick(optimizerNames()), '--save-every', pick(['1', '2'])],
  ];
}

/**
 * The step of the checkpoint that a killed run left, 0 while it is still the older run's. The last step that the run
 * reported as saved is `saved`.
 * @throws Error when it does not load, or is older than that.
 */
export function stepLeft(folder: string, older: Uint8Array, saved: number): number {
  const bytes = readFileSync(join(folder, CHECKPOINT));
  const step = bytes.equals(older) ? 0 : (decodeCheckpoint(bytes).optimizer?.steps ?? NaN);
  must(step >= saved, 'kill', `the checkpoint must be that of step ${saved} or later`, step, 'it was saved');
  return step;
}

/** The differences between the files of two folders, compared byte by byte. */
export function differences(folder: string, expected: string): string[] {
  const [names, wanted] = [folder, expected].map((each) => readdirSync(each).sort());
  if (names.join() !== wanted.join())
    return [`the files must be ${wanted.join(', ')}, got ${names.join(', ')}`];
  return names.filter((name) => !same(name, folder, expected)).map((name) => `${name} has other bytes`);
}

const same = (name: string, folder: string, other: string): boolean =>
  readFileSync(join(folder, name)).equals(readFileSync(join(other, name)));

interface Run {
  killed: boolean;
  /** Milliseconds from the first step to the last checkpoint. */
  duration: number;
  /** The last step that was reported as saved; 0 for none. */
  saved: number;
}

/** A delay in milliseconds after a step was reported or, if aimed, after the next file was begun. */
interface Moment {
  step: number;
  wait: number;
  aimed: boolean;
}
const isWriting = (folder: string): boolean => readdirSync(folder).some((name) => name.endsWith('.tmp'));

/**
 * Runs `train` in a folder, and kills it at the given moment unless it has ended by then.
 * @throws Error when it fails by itself.
 */
function train(args: string[], folder: string, moment?: Moment): Promise<Run> {
  const command = ['-r', join(root, 'scripts/register.js'), join(root, 'cli/main.ts'), 'train', '--json'];
  const child = spawn(process.execPath, [...command, ...args], { cwd: folder });
  const run = { killed: false, duration: 0, saved: 0 };
  let [begun, rest, errors] = [0, '', ''];
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() as string; // the last line may be incomplete
    for (const line of lines) {
      const event = JSON.parse(line) as { event: string; step: number; files: string[] };
      if (event.event === 'saved' && event.files[0] === CHECKPOINT)
        [run.saved, run.duration] = [event.step, performance.now() - begun];
      if (event.event !== 'step') continue;
      begun ||= performance.now();
      if (moment === undefined || event.step !== moment.step) continue;
      // busy waiting, since timers are accurate to whole milliseconds only
      const { wait, aimed } = moment;
      const limit = performance.now() + LONGEST_AIM;
      while (aimed && !isWriting(folder) && performance.now() < limit);
      for (const until = performance.now() + wait; performance.now() < until;);
      child.kill('SIGKILL');
    }
  });
  return new Promise((resolve, reject) =>
    child.on('close', (status, signal) => {
      const killed = signal === 'SIGKILL';
      if (killed || status === 0) resolve({ ...run, killed });
      else reject(new Error(`train ${args.join(' ')} must succeed, got status ${status}\n${errors}`));
    }),
  );
}

/** Kills runs under one configuration a number of times, and lets each run end. */
export async function killRuns(
  settings: string[],
  { kills, steps = STEPS }: { kills: number; steps?: number },
  random: Random,
): Promise<KillResult> {
  const temporary = mkdtempSync(join(tmpdir(), 'backstep-kill-'));
  const outcome: KillResult = { name: settings.join(' '), kills: 0, writing: 0, steps: [], faults: [] };
  const [before, whole, folder] = ['before', 'whole', 'killed'].map((name) => join(temporary, name));
  const text = join(temporary, 'text.txt');
  const begin = ['--text', text, ...settings, '--steps', String(steps), '--out', '.'];
  try {
    writeFileSync(text, TEXT);
    mkdirSync(before);
    await train([...begin, '--seed', '99', '--steps', '1'], before);
    const older = readFileSync(join(before, CHECKPOINT));
    cpSync(before, whole, { recursive: true });
    const perStep = (await train(begin, whole)).duration / steps;

    /** Trains from `step` on; if it is killed, returns the step to resume from. */
    const killed = async (step: number): Promise<number | undefined> => {
      const aimed = random.below(2) === 0;
      const wait = random.uniform() * (aimed ? perStep / 4 : perStep);
      const moment = { step: step + 1 + random.below(steps - step), wait, aimed };
      const run = await train(step === 0 ? begin : ['--resume', '.'], folder, moment);
      if (!run.killed) return undefined; // it ended before the report of the last step was processed
      outcome.kills++;
      if (isWriting(folder)) outcome.writing++;
      const left = stepLeft(folder, older, Math.max(step, run.saved));
      outcome.steps.push(left);
      return left;
    };
    const round = async (): Promise<string[]> => {
      let step: number | undefined = 0;
      do {
        step = await killed(step);
        if (step === undefined) return differences(folder, whole);
      } while (step < steps && outcome.kills < kills && random.uniform() < KILLED_AGAIN);
      await train(step === 0 ? begin : ['--resume', '.'], folder);
      return differences(folder, whole);
    };
    while (outcome.kills < kills) {
      rmSync(folder, { recursive: true, force: true });
      cpSync(before, folder, { recursive: true });
      const faults = await round().catch((error: unknown) => [(error as Error).message]);
      outcome.faults.push(...faults);
      if (outcome.faults.length > 0) break;
    }
    return outcome;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

const config = {
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
} as const;

async function main({ values }: Arguments<typeof config>): Promise<void> {
  const [kills, seed] = [whole('--kills')(values.kills), whole('--seed', 0)(values.seed)];
  const random = new Random(seed);
  const all: KillResult[] = [];
  for (let k = 0; k * KILLS_EACH < kills; k++) {
    const killsHere = Math.min(KILLS_EACH, kills - k * KILLS_EACH);
    const outcome = await killRuns(configuration(k, random), { kills: killsHere }, random);
    all.push(outcome);
    const { name, steps, writing, faults } = outcome;
    console.log(`${name}\n  left at step ${steps.join(', ')} of ${STEPS}; ${writing} while writing`);
    for (const fault of faults) console.log(`  FAULT: ${fault}`);
  }
  const sum = (of: (each: KillResult) => number): number => all.reduce((total, each) => total + of(each), 0);
  const faults = sum((each) => each.faults.length);
  console.log(
    `seed ${seed}: ${sum((each) => each.kills)} kills, ${sum((each) => each.writing)} of them while a file was being written, ${faults} faults`,
  );
  process.exitCode = faults === 0 ? 0 : 1;
}

if (require.main === module) void script(__filename, config, main);
