/** Every reader against some of the broken files of scripts/fuzz.ts, and proof that the fuzzer detects faults. */
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fuzz, targets } from '../scripts/fuzz';
import { register } from './process';

const all = targets();

// jest has no import(), by which the reader of Parquet is loaded
it.each(Object.keys(all).filter((name) => name !== 'parquet'))(
  '%s: broken files are read, or refused in words',
  async (name) => {
    const { read, refused, faults } = await fuzz(all[name], 250, 11);
    expect(faults).toEqual([]);
    expect(read).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(50);
  },
);

it('parquet: broken files are read, or refused in words', () => {
  const fuzzer = join(__dirname, '../scripts/fuzz.ts');
  const said = execFileSync(process.execPath, [...register, fuzzer, '--only', 'parquet', '--files', '250']);
  expect(String(said)).toMatch(/^parquet +[1-9]\d* read, \d+ refused, 0 faults/);
});

it('the same seed makes the same files', async () => {
  const seen: string[] = [];
  const target = {
    good: [Buffer.from('some file')],
    read: (bytes: Uint8Array) => seen.push(Buffer.from(bytes).toString('hex')),
  };
  for (let run = 0; run < 2; run++) await fuzz(target, 50, 4);
  expect(seen.slice(0, 50)).toEqual(seen.slice(50));
  expect(new Set(seen).size).toBeGreaterThan(30);
});

describe('mistakes are found', () => {
  const good = [Buffer.from('x'.repeat(50))];
  const faultsOf = async (read: (bytes: Uint8Array) => unknown): Promise<string[]> =>
    (await fuzz({ good, read }, 3, 1)).faults;

  it.each<[string, (bytes: Uint8Array) => unknown, RegExp]>([
    ['an error in another form', () => assert.fail('no'), /^file 0: AssertionError: no$/],
    [
      'an error of the language',
      () => (null as unknown as { x: number }).x,
      /^file 0: TypeError: Cannot read/,
    ],
    ['too much memory', () => new Uint8Array(2 ** 26), /^file 0: \d+ bytes for a file of \d+$/],
  ])('%s', async (_what, read, fault) => {
    const [first = ''] = await faultsOf(read);
    expect(first).toMatch(fault);
  });

  it('a prototype that has changed', async () => {
    const name = 'polluted';
    try {
      const [fault] = await faultsOf(() =>
        Object.defineProperty(Object.prototype, name, { value: 1, configurable: true }),
      );
      expect(fault).toBe('file 0: a prototype has changed');
    } finally {
      delete (Object.prototype as Record<string, unknown>)[name];
    }
  });

  it('a network whose size only its header tells (once: two thousand million layers)', () => {
    const file = JSON.parse(Buffer.from(all.vector.good[0]).toString()) as { sizes: Record<string, number> };
    file.sizes.L = 2 ** 31;
    expect(() => all.vector.read(Buffer.from(JSON.stringify(file)))).toThrow(
      'verify: sizes.L must be a whole number in 1…4, got 2147483648 (layers, each with its own params)',
    );
    Object.assign(file.sizes, { L: 1, H: 50_000 });
    expect(() => all.vector.read(Buffer.from(JSON.stringify(file)))).toThrow(
      /^verify: sizes must fit the \d+ numbers of params/,
    );
  });
});
