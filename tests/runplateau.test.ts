/** `train --plateau`: the learning rate is lowered when validations bring nothing, and a resumed run continues to the bit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plateau } from '../bptt/train/plateau';
import { readTable } from '../data/table';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { TaskTrainer } from '../learn/trainer';
import { readText } from '../text/read';
import { newSettings } from '../text/settings';
import { Trainer } from '../text/trainer';
import { lowered, plateauOf, rateOf, readPlateau } from '../run/plateau';
import { backstepIn } from './command';
import { runTrainer, trainerFor } from './learning';

const folder = mkdtempSync(join(tmpdir(), 'backstep-plateau-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const constant = { name: 'constant' } as const;

test('the factor multiplies the rate of a warm-up', () => {
  const lower = plateau({ factor: 0.5, patience: 0 });
  const rate = rateOf({ ...constant, warmUp: 4 }, lower);
  expect([lowered(lower, 3, 2), lowered(lower, 3, 2), lowered(lower, NaN, 2)]).toEqual([
    {},
    { learningRate: 1 },
    { learningRate: 0.5 },
  ]);
  expect([rate(0), rate(9)]).toEqual([0.0625, 0.25]);
  expect(rateOf(constant, undefined)(9)).toBe(1);
});

test.each([
  ['0.5', 'train: --plateau must be FACTOR:N with 0 < FACTOR < 1 and a whole number N >= 0'],
  ['2:3', 'got 2:3'],
  ['0.5:3:1', 'got 0.5:3:1'],
  ['0.5:x', 'got 0.5:x'],
])('%s is refused', (text, message) => {
  expect(() => readPlateau(text, { schedule: constant })).toThrow(message);
});

test('what contradicts it is refused', () => {
  expect(readPlateau('0.5:3', { schedule: { ...constant, warmUp: 5 }, patience: 5 })).toEqual({
    plateau: '0.5:3',
  });
  expect(readPlateau('off', { schedule: { name: 'cosine', steps: 9 } })).toEqual({});
  expect(() => readPlateau('0.5:3', { schedule: { name: 'cosine', steps: 9 } })).toThrow(
    '--plateau must be left out with --schedule cosine, got 0.5:3 (both change the learning rate)',
  );
  expect(() => readPlateau('0.5:3', { schedule: constant, patience: 4 })).toThrow(
    '--plateau must lower the rate before --patience 4 ends the training, got 0.5:3',
  );
  expect(() => plateauOf('0.5:3', false)).toThrow('too little data for a validation part');
});

/** A trainer of either kind, its first step, and the steps between two validations. */
interface Kind {
  begin(options: { steps: number; lr: number }): Trainer | TaskTrainer | Promise<TaskTrainer>;
  resume(bytes: Uint8Array): Trainer | TaskTrainer | Promise<TaskTrainer>;
}
const noise = Array.from({ length: 120 }, (_, k) => `${(k * k * 7919) % 101}\n`).join('');
const table = () => readTable([`v\n${noise}`], { name: 'x.csv' });
const words = 'the cat sat on the mat, and the dog sat on the cat. '.repeat(40);
const settingsFor = (options: object) =>
  newSettings(
    { plateau: '0.5:0', batch: 4, seq: 4, hidden: 5, threads: 1, ...options },
    'x.txt',
    'a'.repeat(64),
    'wasm',
  );
const textOf = () => {
  writeFileSync(at('x.txt'), words);
  return readText(at('x.txt'));
};
const kinds: Record<string, Kind> = {
  task: {
    begin: async (options) =>
      trainerFor('forecast', await table(), { window: 3, plateau: '0.5:0', patience: 'off', ...options }),
    resume: async (bytes) => {
      const read = decodeCheckpoint(bytes);
      const { settings } = read.training as { settings: never };
      return TaskTrainer.resume(await table(), settings, read);
    },
  },
  text: {
    begin: (options) => Trainer.begin(settingsFor(options), textOf()),
    resume(bytes) {
      const read = decodeCheckpoint(bytes);
      const { settings } = read.training as { settings: never };
      return Trainer.resume(settings, textOf(), read);
    },
  },
};

test.each(Object.entries(kinds))('a %s that is resumed ends with the same bytes', async (_name, kind) => {
  // a rate at which validations get worse: at least one lowers it before the interruption, and one after it
  const options = { steps: 1220, lr: 1 };
  const whole = await kind.begin(options);
  await runTrainer(whole as TaskTrainer);
  const first = await kind.begin(options);
  expect(await runTrainer(first as TaskTrainer, 310)).toBe('aborted');
  const saved = encodeCheckpoint(first.checkpoint());
  const factorOf = (bytes: Uint8Array): number =>
    (decodeCheckpoint(bytes).training as { plateau: { factor: number } }).plateau.factor;
  const second = await kind.resume(saved);
  await runTrainer(second as TaskTrainer);
  const [ours, wanted] = [second, whole].map((one) => encodeCheckpoint(one.checkpoint()));
  expect(ours).toEqual(wanted);
  expect(factorOf(saved)).toBeLessThan(1);
  expect(factorOf(wanted)).toBeLessThan(factorOf(saved));
});

test('on another text the rate stays lowered, but the losses of the old one do not count', () => {
  const begun = Trainer.begin(settingsFor({ steps: 9 }), textOf());
  const state = { factor: 0.25, best: 0.01, bad: 3, cooldown: 0 };
  const saved = {
    ...begun.checkpoint(),
    training: { ...(begun.checkpoint().training as object), plateau: state },
  };
  const read = decodeCheckpoint(encodeCheckpoint(saved));
  const { settings } = read.training as { settings: ReturnType<typeof settingsFor> };
  const plateauFor = (sha256: string): unknown =>
    (Trainer.resume({ ...settings, sha256 }, textOf(), read).checkpoint().training as { plateau: unknown })
      .plateau;
  expect(plateauFor(settings.sha256)).toEqual(state);
  expect(plateauFor('b'.repeat(64))).toEqual({ factor: 0.25, bad: 0, cooldown: 0 });
});

test.each([
  [['train', 'x.txt', '--plateau', '0.5:3', '--schedule', 'cosine:50'], 'with --schedule cosine, got 0.5:3'],
  [
    ['train', 'x.csv', '--task', 'forecast', '--plateau', '0.5:9'],
    'before --patience 10 ends the training, got 0.5:9',
  ],
  [['train', 'x.txt', '--plateau', 'often'], 'train: --plateau must be FACTOR:N'],
  [
    ['train', 'short.txt', '--plateau', '0.5:3', '--batch', '1', '--seq', '40'],
    'too little data for a validation part',
  ],
])('%j is refused', async (words, message) => {
  writeFileSync(at('x.txt'), 'abcabd'.repeat(500));
  writeFileSync(at('short.txt'), 'abcabd'.repeat(10));
  writeFileSync(at('x.csv'), `v\n${noise}`);
  const { status, stderr } = await backstepIn(folder, ...words);
  expect(stderr.replace(/\s+/g, ' ')).toContain(message);
  expect(status).toBe(2);
});
