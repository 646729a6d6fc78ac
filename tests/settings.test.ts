/**
 * Settings of a training run are defined once: flags, sweep files and checkpoints accept and refuse the same values.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { trainingSettings, type SettingName } from '../bptt/train/settings';
import {
  canBe,
  defaultsOf,
  isWithinBounds,
  intervalInWords,
  settingInWords,
  valueOf,
  type Interval,
  type Setting,
} from '../core/setting';
import { flagOf } from '../terminal/options';
import { readSweep } from '../sweep/config';
import { newSettings, settingsSchema } from '../text/settings';
import { backstep } from './command';

const folder = mkdtempSync(join(tmpdir(), 'backstep-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('an interval', () => {
  it.each<[Interval, string, inside: number[], outside: number[]]>([
    [{}, 'a number', [-1e9, 0.5], [Infinity, NaN]],
    [{ whole: true, least: 1 }, 'a whole number >= 1', [1, 2 ** 53 - 1], [0, 1.5, 2 ** 53]],
    [{ whole: true, least: 1, most: 64 }, 'a whole number in 1 … 64', [1, 64], [0, 65]],
    [{ above: 0 }, 'a number > 0', [1e-300], [0, -1]],
    [{ least: 0, below: 1 }, 'a number >= 0 and < 1', [0, 0.999], [1, -0.1]],
  ])('%j is %s', (interval, words, inside, outside) => {
    expect(intervalInWords(interval)).toBe(words);
    expect(inside.map((value) => isWithinBounds(interval, value))).toEqual(inside.map(() => true));
    expect(outside.map((value) => isWithinBounds(interval, value))).toEqual(outside.map(() => false));
  });
});

test('a value is read from text as it is checked', () => {
  const clip: Setting = { kind: 'number', above: 0, off: true, label: '', help: '' };
  expect(['1e-2', 'off', '0', 'none', ''].map((text) => valueOf(clip, text))).toEqual([
    ...[0.01, 'off', undefined, undefined, undefined],
  ]);
  const both: Setting = { kind: 'switch', label: '', help: '' };
  expect(['true', 'false', 'yes'].map((text) => valueOf(both, text))).toEqual([true, false, undefined]);
});

const table = Object.entries(trainingSettings) as [SettingName, Setting][];

test('every default is a value of its setting', () => {
  const defaults = Object.entries(defaultsOf(trainingSettings)) as [SettingName, unknown][];
  expect(defaults.length).toBeGreaterThan(10);
  expect(defaults.filter(([name, value]) => !canBe(trainingSettings[name], value))).toEqual([]);
});

test('every setting is a flag with its help', async () => {
  const { stdout } = await backstep('train', '--help');
  const words = stdout.replace(/\s+/g, ' ');
  for (const [name, { help, unit }] of table)
    expect(words).toContain(`--${flagOf(name)} ${unit === undefined ? '' : `<${unit}> `}${help}`);
});

/** A number that it cannot be, for each setting that is a number. */
const wrong = table.flatMap(([name, setting]) =>
  setting.kind === 'number' ? [[name, setting, setting.least === 0 ? -1 : 0] as const] : [],
);

describe('a value out of range is refused in the same words', () => {
  it.each(wrong)('%s as a flag', async (name, setting, value) => {
    const { stderr, status } = await backstep('train', `--${flagOf(name)}`, String(value));
    expect(stderr).toContain(`train: --${flagOf(name)} must be ${settingInWords(setting)}`);
    expect(status).toBe(2);
  });

  it.each(wrong.filter(([name]) => !['seconds', 'threads'].includes(name)))(
    '%s in a sweep',
    (name, setting, value) => {
      const file = join(folder, 'sweep.json');
      writeFileSync(file, JSON.stringify({ fixed: { steps: 1, [name]: value } }));
      expect(() => readSweep(file)).toThrow(`${name} must be ${settingInWords(setting)}, got ${value}`);
    },
  );

  it.each(wrong)('%s in a checkpoint', (name, setting, value) => {
    const good = newSettings({}, 'text', 'a'.repeat(64), 'plain');
    const read = (given: object) => v.safeParse(settingsSchema, given).issues?.[0].message;
    expect(read(good)).toBeUndefined();
    expect(read({ ...good, [name]: value })).toBe(`must be ${settingInWords(setting)}, got ${value}`);
  });
});

test('a sweep takes "off" wherever the command line does, and null for an embedding as before', () => {
  const file = join(folder, 'off.json');
  const text = join(folder, 'text.txt');
  writeFileSync(text, 'she sells sea shells\n'.repeat(20));
  const read = (embedding: unknown) => {
    writeFileSync(
      file,
      JSON.stringify({ fixed: { text, steps: 1, batch: 2, seq: 5, embedding, clip: 'off' } }),
    );
    return readSweep(file).trials[0];
  };
  expect(read('off').settings).toMatchObject({ clip: null });
  expect('embedding' in read('off').settings).toBe(false);
  expect(read(null).id).toBe(read('off').id);
  expect(read(3).settings.embedding).toBe(3);
});
