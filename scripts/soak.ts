/**
 * Trains without a pause, including everything that `train` does on the way, and checks that memory does not grow:
 *
 *   npm run -s soak -- [--minutes 10 | --steps 1050]
 *
 * It validates every 100 steps, writes a checkpoint every 200, and takes a sample every 500 and one at the start.
 * Memory is measured after a garbage collection, with V8's young generation fixed at 1 MB, since V8 would otherwise
 * resize it. Samples count after a tenth of the run, when every kernel is compiled and every plan allocated. A line
 * is fitted through them, and its rise until the end must be less than 5 MB for the whole process, 1 MB for V8's
 * heap, and zero for the engine's memory. The process size fluctuates by one or two megabytes, as its allocator takes
 * and returns pages. Ten minutes are some 100,000 steps, so 5 MB are 50 bytes per step; leaking one small object per
 * step would exceed that.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { line } from '../terminal/output';
import { newSettings } from '../text/settings';
import { CHECKPOINT } from '../run/settings';
import { slope } from '../measure/timing';
import { Trainer } from '../text/trainer';
import { mustBe } from '../core/check';
import { executorOf } from '../core/programs/executor';
import { engineMemory } from '../core/memory';
import { encodeCheckpoint } from '../io/checkpoint';
import { writeWhole } from '../io/files';
import { Vocabulary } from '../io/vocabulary';
import { real, whole } from '../terminal/arguments';
import { script, type Arguments } from './script';

const TEXT = 'round and round the ragged rock the ragged rascal ran\n'.repeat(100);
const MB = 2 ** 20;
const SAMPLES = 40;
const WARM_UP = 1 / 10;
const SAVE_EVERY = 200;
const SAMPLE_EVERY = 500;

/** Bytes: of the whole process, of V8's heap with its external memory, and in use of the engine's memory. */
export interface Usage {
  resident: number;
  heap: number;
  engine: number;
}
/** The allowed growth of each. */
export const bounds: Usage = { resident: 5 * MB, heap: MB, engine: 0 };

interface Sample extends Usage {
  step: number;
  /** Fraction of the run that is done, 0…1. */
  done: number;
}

/** Growth after the warm-up: the rise of the least-squares line through the samples from there to the end. */
export function growth(samples: readonly Sample[], of: keyof Usage): number {
  const late = samples.filter(({ done }) => done >= WARM_UP);
  return slope(late.map((sample) => [sample.done, sample[of]])) * (late[late.length - 1].done - late[0].done);
}

const inMb = (bytes: number, digits: number): string => (bytes / MB).toFixed(digits);

async function usage(collect: () => void): Promise<Usage> {
  collect();
  // finalizers, which release the engine's memory, run between tasks
  await new Promise(setImmediate);
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + external, engine: engineMemory().used() };
}

/** Trains for a number of steps or minutes, printing each sample. */
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

const config = {
  options: { minutes: { type: 'string', default: '10' }, steps: { type: 'string' } },
} as const;

async function main({ values: { minutes, steps } }: Arguments<typeof config>): Promise<void> {
  const samples = await soak(
    steps === undefined
      ? { minutes: real('--minutes', { above: 0 })(minutes) }
      : { steps: whole('--steps')(steps) },
  );
  const last = samples[samples.length - 1].step;
  for (const of of Object.keys(bounds) as (keyof Usage)[]) {
    const rise = growth(samples, of);
    // written so that NaN fails
    const ok = rise <= bounds[of];
    line(
      `${of} memory: ${inMb(rise, 3)} MB in ${last} steps, bound ${inMb(bounds[of], 0)} MB: ${ok ? 'flat' : 'GROWS'}`,
    );
    if (!ok) process.exitCode = 1;
  }
}

if (require.main === module) void script(__filename, config, main);
