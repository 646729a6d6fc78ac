/**
 * How much a process grows in 1,000 training steps after the first 50, in megabytes: run by `growth.test.ts` in a
 * process of its own, with --expose-gc.
 */
import { Vocabulary } from '../io/vocabulary';
import { newSettings } from '../cli/settings';
import { Trainer } from '../cli/trainer';

const collect = (globalThis as unknown as { gc: () => void }).gc;
const text = 'round and round the ragged rock the ragged rascal ran\n'.repeat(100);
const vocabulary = Vocabulary.of(text);
const { indices } = vocabulary.encode(text);
const sizes = { hidden: 64, batch: 8, seq: 32, dropout: 0.1, steps: 1050 } as const;
const settings = newSettings(sizes, 'text', '0'.repeat(64), process.argv[2]);
const trainer = Trainer.begin(settings, {
  indices: Uint8Array.from(indices),
  vocabulary,
  sha256: settings.sha256,
});

let before = NaN;
const resident = (): number => {
  collect();
  collect();
  return process.memoryUsage().rss / 2 ** 20;
};
trainer
  .run({
    signal: new AbortController().signal,
    onStep: ({ step }) => {
      trainer.validateWhenDue();
      if (step === 50) before = resident();
    },
  })
  .then(() => console.log(resident() - before))
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
