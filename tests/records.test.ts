/** Records survive the process that writes them. */
import fs, { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { Records } from '../io/records';

const folder = mkdtempSync(join(tmpdir(), 'backstep-records-'));
afterAll(() => rmSync(folder, { recursive: true }));
const schema = v.object({ row: v.string(), seed: v.number() });
const [first, second, third] = [1, 2, 3].map((seed) => ({ row: 'a', seed }));

it('come back as they were; a line cut short costs that line alone', () => {
  const file = join(folder, 'deep', 'records.jsonl');
  new Records(file, schema).add(first);
  appendFileSync(file, '{"row":"a","se');
  const again = new Records(file, schema);
  expect([again.all, again.damaged]).toEqual([[first], 1]);
  again.add(second);
  again.add(third);
  const last = new Records(file, schema);
  expect([last.all, last.damaged]).toEqual([[first, second, third], 1]);
});

it('a line that is JSON of something else is counted as damaged', () => {
  const file = join(folder, 'other.jsonl');
  writeFileSync(file, '{"row":1,"seed":"x"}\nnull\n\n{"row":"a","seed":1}\n');
  const { all, damaged } = new Records(file, schema);
  expect([all, damaged]).toEqual([[first], 2]);
});

it('lines that an editor of another system wrote are records as well', () => {
  const file = join(folder, 'edited.jsonl');
  writeFileSync(file, `\ufeff${JSON.stringify(first)}\r\n${JSON.stringify(second)}\r\n`);
  const records = new Records(file, schema);
  expect([records.all, records.damaged]).toEqual([[first, second], 0]);
  records.add(third);
  expect(new Records(file, schema).all).toEqual([first, second, third]);
});

it('a disk that is full in the middle of a line costs that line alone', () => {
  const file = join(folder, 'full.jsonl');
  const records = new Records(file, schema);
  records.add(first);
  const before = readFileSync(file, 'utf8');
  const full = jest.spyOn(fs, 'appendFileSync').mockImplementationOnce((_file, line) => {
    writeFileSync(file, before + String(line).slice(0, 9));
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  });
  expect(() => records.add(second)).toThrow(
    /^write: .*full\.jsonl must be writable, got a full disk \(ENOSPC\)/,
  );
  full.mockRestore();
  expect(records.all).toEqual([first]);
  records.add(third);
  const again = new Records(file, schema);
  expect([again.all, again.damaged]).toEqual([[first, third], 1]);
});

it('say which file cannot be written', () => {
  writeFileSync(join(folder, 'flat'), '');
  expect(() => new Records(join(folder, 'flat', 'records.jsonl'), schema)).toThrow(
    /^write: .*records\.jsonl must be writable, got a path through something that is no folder/,
  );
});
