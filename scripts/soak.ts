/**
 * Trains without a pause, with all that `train` does on the way, and sees whether memory grows:
 *
 *   npm run -s soak -- [--minutes 10 | --steps 1050]
 *
 * A validation every 100 steps, a checkpoint written every 200, a sample every 500, the first at once. Memory is looked at
 * after a collection, with V8's young generation kept at 1 MB, which it would otherwise size as it likes. What counts
 * begins after a tenth of the run, when every kernel is compiled and every plan laid out: a line is fitted through the
 * samples from there on, and what it rises by until the end must be less than 5 MB of the whole process, 1 MB of V8's
 * heap, and nothing of the engine's memory. The process breathes by one or two megabytes, as its allocator takes and gives
 * back pages. Ten minutes are some 100,000 steps: 5 MB are 50 bytes a step then, and one small object, left behind by
 * each, would be more.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { line } from '../terminal/output';
import { newSettings } from '../text/settings';
import { CHECKPOINT } from '../run/settings';
import { slope } from '../measure/timing';
import { Trainer } from '../text/trainer';
import { must, mustBe } from '../core/check';
import { executorOf } from '../core/executor';
import { engineMemory } from '../core/memory';
import { encodeCheckpoint } from '../io/checkpoint';
import { writeWhole } from '../io/files';
import { Vocabulary } from '../io/vocabulary';

const TEXT = 'round and round the ragged rock the ragged rascal ran\n'.repeat(100);
const MB = 2 ** 20;
const SAMPLES = 40;
const WARM_UP = 1 / 10;
const SAVE_EVERY = 200;
const SAMPLE_EVERY = 500;

/** Bytes: of the whole process, of V8's heap with what hangs on it, and in use of the engine's memory. */
export interface Usage {
  resident: number;
  heap: number;
  engine: number;
}
/** How much each may rise by. */
export const bounds: Usage = { resident: 5 * MB, heap: MB, engine: 0 };

interface Sample extends Usage {
  step: number;
  /** How much of the run is done, 0…1. */
  done: number;
}

/** What the line of least squares through the samples after the warm-up rises by from there to the end. */
export function growth(samples: readonly Sample[], of: keyof Usage): number {
  const late = samples.filter(({ done }) => done >= WARM_UP);
  return slope(late.map((sample) => [sample.done, sample[of]])) * (late[late.length - 1].done - late[0].done);
}

const inMb = (bytes: number, digits: number): string => (bytes / MB).toFixed(digits);

async function usage(collect: () => void): Promise<Usage> {
  collect();
  // finalisers, which give back the engine's memory, run between tasks
  await new Promise(setImmediate);
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + external, engine: engineMemory().used() };
}

/** Trains for so many steps or minutes; tells each sample. */
async function soak(limit: { steps: number } | { minutes: number }): Promise<Sample[]> {
  const { gc: collect } = globalThis as { gc?: () => void };
  mustBe(
    collect !== undefined,
    'soak',
    'node must be started with --expose-gc',
    'no gc',
    'npm run soak does it',
  );
  const vocabulary = Vocabulary.of(TEXT);
  const indices = Uint8Array.from(vocabulary.encode(TEXT).indices);
  const sizes = { hidden: 64, batch: 8, seq: 32, dropout: 0.1 } as const;
  const until = 'steps' in limit ? limit : { seconds: 60 * limit.minutes };
  const settings = newSettings({ ...sizes, ...until }, 'text', '0'.repeat(64), executorOf('wasm').name);
  const trainer = Trainer.begin(settings, { indices, vocabulary, sha256: settings.sha256 });
  const folder = mkdtempSync(join(tmpdir(), 'backstep-soak-'));

  const samples: Sample[] = [];
  const begun = performance.now();
  const doneAt = (step: number): number =>
    'steps' in limit ? step / limit.steps : (performance.now() - begun) / 60_000 / limit.minutes;
  line('      step   process MB   heap MB   engine MB');
  try {
    await trainer.run({
      signal: new AbortController().signal,
      onStep: async ({ step }) => {
        trainer.validateWhenDue();
        if (step % SAVE_EVERY === 0)
          writeWhole(join(folder, CHECKPOINT), encodeCheckpoint(trainer.checkpoint()));
        if (step % SAMPLE_EVERY === 1) trainer.sample(200);
        const done = doneAt(step);
        if (done * SAMPLES < samples.length) return;
        const now = { step, done, ...(await usage(collect)) };
        samples.push(now);
        const columns = [now.resident, now.heap, now.engine].map((bytes) => inMb(bytes, 2).padStart(12));
        line(`${String(step).padStart(10)} ${columns.join('')}`);
      },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
  return samples;
}

async function main(): Promise<void> {
  const options = { minutes: { type: 'string' }, steps: { type: 'string' } } as const;
  const { minutes = '10', steps } = parseArgs({ options }).values;
  const length = Number(steps ?? minutes);
  must(length > 0, 'soak', '--minutes and --steps must be > 0', steps ?? minutes);
  const samples = await soak(steps === undefined ? { minutes: length } : { steps: length });
  const last = samples[samples.length - 1].step;
  for (const of of Object.keys(bounds) as (keyof Usage)[]) {
    const rise = growth(samples, of);
    // NaN must not pass
    const ok = rise <= bounds[of];
    line(
      `${of} memory: ${inMb(rise, 3)} MB in ${last} steps, bound ${inMb(bounds[of], 0)} MB: ${ok ? 'flat' : 'GROWS'}`,
    );
    if (!ok) process.exitCode = 1;
  }
}

if (require.main === module) void main();
