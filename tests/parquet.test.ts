/** Tables of Parquet, written by Apache Arrow (tests/golden/parquet.py). Node reads them in a process of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backstepProcess } from './command';
import { register } from './process';

const golden = join(__dirname, 'golden');
const DAY = 86_400_000;

/** All columns of a file, as JSON: read by its name, and from its bytes in two pieces. */
function columnsOf(file: string): { name: string; kind: string; values: unknown[] }[] {
  const script = `
    const { readTable } = require(${JSON.stringify(join(__dirname, '../data/table.ts'))});
    const { readFileSync } = require('node:fs');
    const bytes = readFileSync(${JSON.stringify(file)});
    const columns = ({ columns }) =>
      JSON.stringify(columns.map(({ name, kind, values }) => ({ name, kind, values: Array.from(values) })));
    (async () => {
      const whole = columns(await readTable(${JSON.stringify(file)}));
      const pieces = columns(await readTable([bytes.subarray(0, 50), bytes.subarray(50)]));
      console.log(whole === pieces ? whole : 'two readings differ');
    })();`;
  return JSON.parse(String(execFileSync(process.execPath, [...register, '-e', script]))) as never;
}

const rows = Array.from({ length: 40 }, (_, k) => k);

it.each(['none', 'snappy', 'gzip', 'brotli'])('all kinds of columns, with the compression %s', (codec) => {
  const columns = columnsOf(join(golden, `table.${codec}.parquet`));
  const day = Date.UTC(2024, 0, 1);
  expect(columns).toEqual([
    { name: 'day', kind: 'dates', values: rows.map((k) => day + k * DAY) },
    { name: 'at', kind: 'dates', values: rows.map((k) => day + 12.5 * 3_600_000 + k * 3_600_000) },
    // JSON has null for NaN
    { name: 'load', kind: 'numbers', values: rows.map((k) => (k === 3 ? null : 100.5 + k)) },
    { name: 'count', kind: 'numbers', values: rows.map((k) => 2 ** 40 + k) },
    { name: 'small', kind: 'numbers', values: rows.map((k) => k % 7) },
    { name: 'price', kind: 'numbers', values: rows.map((k) => k / 4) },
    { name: 'shop', kind: 'texts', values: rows.map((k) => ['Köln', '東京', '', ''][k % 4]) },
    { name: 'open', kind: 'texts', values: rows.map((k) => String(k % 3 === 0)) },
    { name: 'tags', kind: 'lists', values: rows.map((k) => ['a', 'b'].slice(0, k % 3)) },
  ]);
});

it('zstd is read by a Node that has it, and refused in words by others', () => {
  const { status, stdout, stderr } = backstepProcess('data', join(golden, 'table.zstd.parquet'));
  if ('zstd' in process.versions) expect([status, stdout]).toEqual([0, expect.stringContaining('40 rows')]);
  else
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('ZSTD (zstd needs Node 22.15; gzip and Snappy do not)'),
    ]);
});

it('a column of objects, and a damaged file, are refused', () => {
  const nested = backstepProcess('data', join(golden, 'nested.parquet'));
  expect(nested.stderr).toContain(
    'column where: it must hold numbers, dates, texts or lists of them, got objects',
  );
  expect(nested.status).toBe(2);
  const cut = readFileSync(join(golden, 'table.none.parquet')).subarray(0, 3000);
  const script = `require(${JSON.stringify(join(__dirname, '../data/table.ts'))})
    .readTable([Buffer.from('${cut.toString('base64')}', 'base64')], { name: 'cut.parquet' })
    .catch(({ name, message }) => console.log(name, message));`;
  const said = String(execFileSync(process.execPath, [...register, '-e', script]));
  expect(said).toMatch(/^TypeError table: cut\.parquet: it must be a readable Parquet file, got /);
});

it('a column without a dictionary may say that its dictionary is at 0, as some writers do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-parquet-'));
  try {
    const written = readFileSync(join(golden, 'table.none.parquet'), 'latin1');
    const [pages, footer] = [written.slice(0, -8), written.slice(-8)].map((text) =>
      Buffer.from(text, 'latin1'),
    );
    // field 11 of a column, the place of its dictionary, goes between the fields 9 and 12
    const column = /(open..(?:.[\x80-\xff]*[^\x80-\xff]){3}&[\x80-\xff]*[^\x80-\xff])</gs;
    const other = pages.toString('latin1').replace(column, '$1&\0\x1c');
    footer.writeUInt32LE(footer.readUInt32LE() + other.length - pages.length);
    expect(other.length - pages.length).toBe(2 * 3);
    const file = join(folder, 'zero.parquet');
    writeFileSync(file, Buffer.concat([Buffer.from(other, 'latin1'), footer]));
    expect(columnsOf(file)).toEqual(columnsOf(join(golden, 'table.none.parquet')));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a forecast is trained on it, and predicts from it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-parquet-'));
  try {
    const file = join(golden, 'table.snappy.parquet');
    const options = ['--target', 'price', '--date', 'day', '--window', '4', '--steps', '3', '--hidden', '4'];
    const trained = backstepProcess('train', file, ...options, '--task', 'forecast', '--out', folder);
    expect([trained.status, trained.stderr]).toEqual([0, expect.not.stringContaining('must')]);
    const { stdout } = backstepProcess('predict', folder, file);
    expect(stdout).toMatch(/^day,price\n2024-02-10,[\d.]+\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
