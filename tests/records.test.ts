/** Records that outlive the process that writes them. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

it('say which file cannot be written', () => {
  writeFileSync(join(folder, 'flat'), '');
  expect(() => new Records(join(folder, 'flat', 'records.jsonl'), schema)).toThrow(
    /^write: .*records\.jsonl must be writable, got a path through something that is no folder/,
  );
});
