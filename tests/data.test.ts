/** Reading tables from files as they occur in practice, and preparing them for a network. */
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epoch, padded } from '../data/epoch';
import { fill } from '../data/missing';
import * as metrics from '../data/metrics';
import { scaleOf, standardise } from '../data/standardise';
import { split } from '../data/split';
import { readTable, type Table } from '../data/table';
import { windows } from '../data/windows';

const read = (text: string, options = {}): Promise<Table> => readTable([text], { name: 'x.csv', ...options });
const valuesOf = (table: Table): unknown[][] =>
  table.columns.map(({ values }) => Array.from<unknown>(values));
const kindsOf = (table: Table): string[] => table.columns.map(({ kind }) => kind);

describe('tables', () => {
  it('reads a byte order mark, CRLF, quotes with commas, quotes and line ends in them', async () => {
    const table = await read('\uFEFFa,b\r\n1,"x, ""y"""\r\n2,"two\r\nlines"\r\n');
    expect(table.names).toEqual(['a', 'b']);
    expect(valuesOf(table)).toEqual([
      [1, 2],
      ['x, "y"', 'two\r\nlines'],
    ]);
    expect([0, 1].map((row) => table.lineOf(row))).toEqual([2, 3]);
  });

  it('knows the line of each row, after empty lines and cells of several lines', async () => {
    const table = await read('a,b\n1,x\n\n\n2,"y\ny"\n3,z\n4,z\n\n5,z\n');
    expect([0, 1, 2, 3, 4].map((row) => table.lineOf(row))).toEqual([2, 5, 7, 8, 10]);
  });

  it('finds the separator, and knows decimal commas only where no comma separates', async () => {
    const german = await read('a;b\n1.234,5;0,5\n2,25;1\n');
    expect(german.separator).toBe(';');
    expect(valuesOf(german)).toEqual([
      [1234.5, 2.25],
      [0.5, 1],
    ]);
    expect(valuesOf(await read('a;b\n0.123;1.5\n'))).toEqual([[0.123], [1.5]]);
    expect(valuesOf(await read('a,b\n"1,234.5",2\n"12",3\n'))).toEqual([
      [1234.5, 12],
      [2, 3],
    ]);
    expect(valuesOf(await read('a\tb\n1,5\tx\n'))).toEqual([[1.5], ['x']]);
  });

  it('missing values are NaN or empty, never zero', async () => {
    const table = await read('a,b\n1,x\nNA,\n,NA\n');
    expect(valuesOf(table)).toEqual([
      [1, NaN, NaN],
      ['x', '', 'NA'],
    ]);
    expect(table.columns.map((column) => table.missing(column))).toEqual([2, 1]);
  });

  it('codes with leading zeros stay text', async () => {
    expect(kindsOf(await read('zip,n\n00501,0\n10001,0.5\n'))).toEqual(['texts', 'numbers']);
  });

  it.each([
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2024-02-29T12:30:15Z', Date.UTC(2024, 1, 29, 12, 30, 15)],
    ['2024-02-29 12:30+02:00', Date.UTC(2024, 1, 29, 10, 30)],
    ['2024-02', Date.UTC(2024, 1, 1)],
    ['29.02.2024', Date.UTC(2024, 1, 29)],
    ['02/29/2024', Date.UTC(2024, 1, 29)],
    ['29/02/2024', Date.UTC(2024, 1, 29)],
    ['Feb 29 2024', Date.UTC(2024, 1, 29)],
    ['29 February 2024', Date.UTC(2024, 1, 29)],
  ])('reads the date %s', async (text, time) => {
    const table = await read(`day\n${text}\n`);
    expect(kindsOf(table)).toEqual(['dates']);
    expect(valuesOf(table)).toEqual([[time]]);
  });

  it('a day that could be a month, and a day that there is not, stay text', async () => {
    expect(kindsOf(await read('a,b\n01/02/2024,2023-02-29\n'))).toEqual(['texts', 'texts']);
    expect(kindsOf(await read('a\n01/02/2024\n13/02/2024\n'))).toEqual(['dates']);
  });

  it('a first row of numbers is no header', async () => {
    const table = await read('1,2\n3,4\n');
    expect(table.names).toEqual(['column1', 'column2']);
    expect(table.rows).toBe(2);
    expect((await read('1,2\n3,4\n', { header: true })).names).toEqual(['1', '2']);
  });

  it('JSON, line by line or as a list', async () => {
    for (const text of [
      '{"a":1,"b":[1,2]}\n\n{"a":null}\n{"a":2.5,"b":[]}',
      '[{"a":1,"b":[1,2]},{},{"a":2.5}]',
    ]) {
      const table = await readTable([text]);
      expect(kindsOf(table)).toEqual(['numbers', 'lists']);
      expect(valuesOf(table)).toEqual([
        [1, NaN, 2.5],
        [[1, 2], [], []],
      ]);
    }
  });

  it('UTF-16 with its mark, in pieces that cut a character', async () => {
    const bytes = Uint8Array.from([0xff, 0xfe, ...Buffer.from('a,b\n1,é\n', 'utf16le')]);
    const table = await readTable([bytes.subarray(0, 5), bytes.subarray(5)]);
    expect(valuesOf(table)).toEqual([[1], ['é']]);
  });

  it.each([
    ['', 'table: x.csv: it must hold rows, got an empty file'],
    ['a,b\n', 'table: x.csv: it must hold rows, got a header only'],
    ['a,a\n1,2\n', 'table: x.csv: names of columns must differ, got two a in line 1'],
    ['a,b\n1,2\n\n3\n', 'table: x.csv: a row must have 2 cells, got 1 (line 4; the first line has 2)'],
    ['a,b\n1,"2\n3,4\n', 'quotes must stand around whole cells and be closed, got line 2'],
    ['{"a":1}\n{"a":\n', 'table: x.csv: line 2: it must be JSON, got {"a":'],
    ['{"a":{"b":1}}\n', 'table: x.csv: line 1: "a" must be a number, a text or a list, got an object of b'],
    ['a\n1\0\n', 'table: x.csv: it must be text, got a zero byte'],
  ])('refuses %j', async (text, message) => {
    await expect(readTable([Buffer.from(text)], { name: 'x.csv' })).rejects.toThrow(message);
  });

  it('refuses what is no UTF-8, a folder, and a file that is not there', async () => {
    const latin = Uint8Array.from([...Buffer.from('a\n'), 0xe9]);
    await expect(readTable([latin])).rejects.toThrow(
      'it must be UTF-8 text, got bytes that are not, after byte 3',
    );
    await expect(readTable('tests')).rejects.toThrow('tests must be a file, got a folder');
    await expect(readTable('nothing.csv')).rejects.toThrow(
      'nothing.csv must be a readable file, got no such file',
    );
  });

  it('a column is found by its name and kind, or the error says why not', async () => {
    const table = await read('day,temp\n1,2\n3,cold\n');
    expect(() => table.column('tmp')).toThrow(
      'a column must be one of day, temp, got tmp (did you mean temp?)',
    );
    expect(() => table.column('temp', 'numbers')).toThrow(
      'column temp: it must hold numbers, got texts (line 3 has "cold")',
    );
  });

  it('the kind of a column is told from the first rows, and a later cell that does not fit is refused', async () => {
    const rows = Array.from({ length: 10_000 }, (_, k) => `${k}`).join('\n');
    const text = `a\n${rows}\nlast\n`;
    await expect(read(text)).rejects.toThrow('column a: it must hold numbers, got last in line 10002');
    expect((await read(text, { kinds: { a: 'texts' } })).column('a').values[10_000]).toBe('last');
  });

  it('any table comes back, however the file is cut into pieces', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('a"b', 'c,d', 'e\nf', 'g\r\nh', ' '),
    );
    const safe = cell.map((text) => text.replace(/[\0\uFEFF]/g, '')).map((text) => `x${text}x`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(safe, safe), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        async (rows, size) => {
          const quoted = [['p', 'q'], ...rows].map((row) =>
            row.map((text) => `"${text.replaceAll('"', '""')}"`),
          );
          const text = quoted.map((row) => `${row.join(',')}\r\n`).join('');
          const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, k) =>
            text.slice(k * size, (k + 1) * size),
          );
          expect(valuesOf(await readTable(pieces))).toEqual([rows.map(([p]) => p), rows.map(([, q]) => q)]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('a file is read piece by piece', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'backstep-data-'));
    try {
      const file = join(folder, 'long.csv');
      writeFileSync(
        file,
        `k,square\n${Array.from({ length: 60_000 }, (_, k) => `${k},${k * k}\n`).join('')}`,
      );
      const table = await readTable(file);
      expect(table.rows).toBe(60_000);
      expect(table.column('square', 'numbers').values[59_999]).toBe(59_999 ** 2);
      expect(table.lineOf(59_999)).toBe(60_001);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('splits', () => {
  it('by time nothing is shuffled', () => {
    const { training, validation, test } = split(20, { by: 'time' });
    expect([...training, ...validation, ...test]).toEqual(Array.from({ length: 20 }, (_, k) => k));
    expect([validation, test]).toEqual([
      [14, 15, 16],
      [17, 18, 19],
    ]);
  });

  it('every row is in exactly one part, and groups stay together', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 40 }), fc.nat(9), (groups, seed) => {
        fc.pre(new Set(groups).size >= 4);
        for (const by of ['rows', 'groups'] as const) {
          const parts = Object.values(split(groups.length, { by, groups, seed })) as number[][];
          expect(parts.flat().sort((a, b) => a - b)).toEqual(groups.map((_, k) => k));
          if (by === 'rows') continue;
          const owners = parts.flatMap((rows) => [...new Set(rows.map((row) => groups[row]))]);
          expect(owners.length).toBe(new Set(groups).size);
        }
      }),
    );
  });

  it('by classes: each part has its share, and a class that is too rare trains', () => {
    const classes = [...Array<string>(40).fill('a'), ...Array<string>(20).fill('b'), 'c'];
    const parts = split(61, { by: 'classes', classes, validation: 0.2, test: 0.1 });
    const shares = [parts.training, parts.validation, parts.test].map((rows) =>
      ['a', 'b', 'c'].map((name) => rows.filter((row) => classes[row] === name).length),
    );
    expect(shares).toEqual([
      [28, 14, 1],
      [8, 4, 0],
      [4, 2, 0],
    ]);
    expect([...parts.training, ...parts.validation, ...parts.test].sort((a, b) => a - b)).toEqual(
      classes.map((_, k) => k),
    );
    // a share that rounds to the only row leaves it to training
    expect(split(1, { by: 'classes', classes: [1], validation: 0.4, test: 0.55 }).training).toEqual([0]);
  });

  it.each([
    [1, { by: 'rows', validation: 0.5, test: 0.4 }, 'there must be enough rows for training, got 1'],
    [
      5,
      { validation: 0.6, test: 0.4 },
      'validation and test must be fractions that sum to less than 1, got 0.6 and 0.4',
    ],
    [5, { by: 'groups' }, 'groups must be of 5 rows, got none'],
    [5, { by: 'date' }, 'by must be one of rows, groups, classes, time, got date'],
  ])('refuses %j %j', (rows, options, message) => {
    expect(() => split(rows, options as never)).toThrow(message);
  });
});

describe('preparation', () => {
  it('the scale is that of the training part, whatever the test part holds', () => {
    const { values, scale } = standardise([2, 4, 6, 1e9], [0, 1, 2]);
    expect(scale.mean).toBe(4);
    expect(scale.deviation).toBeCloseTo(Math.sqrt(8 / 3), 12);
    expect(values[1]).toBe(0);
    expect(scaleOf([1, NaN, 3])).toEqual({ mean: 2, deviation: 1 });
  });

  it('a constant column has deviation 1, at any size', () => {
    expect(standardise([0.1, 0.1, 0.1]).values).toEqual(Float64Array.of(0, 0, 0));
    expect(scaleOf(Array<number>(1000).fill(1e9 + 0.1)).deviation).toBe(1);
    expect(() => scaleOf([NaN])).toThrow('standardise: there must be a value in the training part, got none');
  });

  it('missing values are carried on or take the mean; the first one has nothing before it', () => {
    expect([...fill([1, NaN, NaN, 4], 'previous')]).toEqual([1, 1, 1, 4]);
    expect([...fill([NaN, 4], 'mean', 7)]).toEqual([7, 4]);
    expect(() => fill([NaN, 4], 'previous')).toThrow(
      'a missing value must have a previous one, got none at row 1',
    );
  });

  it('windows forecast only within their part, and read before it', () => {
    expect(windows(10, { length: 4, horizon: 2, from: 6 })).toEqual([6, 7, 8]);
    expect(windows(10, { length: 4, horizon: 2, to: 7 })).toEqual([4, 5]);
    expect(windows(10, { length: 1, stride: 4 })).toEqual([1, 5, 9]);
    expect(() => windows(5, { length: 4, horizon: 2 })).toThrow(
      'windows: the series must have at least 6 steps, got 5 (4 to read and 2 to forecast)',
    );
  });

  it('an epoch has every row once; rows of like length share a batch', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(9),
        (lengths, size, seed) => {
          const cut = epoch(lengths.length, { size, lengths, seed });
          expect(cut.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, k) => k));
        },
      ),
      { numRuns: 30, seed: 1 },
    );
    const lengths = Array.from({ length: 256 }, (_, k) => 1 + ((k * 37) % 50));
    const steps = (cut: number[][]): number =>
      cut.reduce((n, rows) => n + rows.length * Math.max(...rows.map((row) => lengths[row])), 0);
    const [sorted, mixed] = [
      { size: 8, lengths, seed: 1 },
      { size: 8, seed: 1 },
    ].map((how) => epoch(256, how));
    expect(steps(sorted)).toBeLessThan(0.65 * steps(mixed));
    expect(epoch(50, { size: 8, seed: 1 })).toEqual(epoch(50, { size: 8, seed: 1 }));
    expect(epoch(50, { size: 8, seed: 1 })).not.toEqual(epoch(50, { size: 8, seed: 2 }));
  });

  it('rows of vectors are padded with zeros, time first', () => {
    const { x, lengths } = padded(
      [
        [1, 2, 3, 4],
        [5, 6],
      ],
      2,
    );
    expect(x.shape).toEqual([2, 2, 2]);
    expect([...x.numbers]).toEqual([1, 2, 5, 6, 3, 4, 0, 0]);
    expect(lengths).toEqual([2, 1]);
  });
});

describe('metrics', () => {
  it('by hand', () => {
    const counts = metrics.confusion([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], 4);
    expect(counts).toEqual([
      [1, 0, 1, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
    expect(metrics.accuracy(counts)).toBe(0.6);
    // F1: 2·1 / (2 + 2), 2·1 / (2 + 1), 2·1 / (1 + 2); the class that does not occur has none
    expect(metrics.macroF1(counts)).toBeCloseTo((1 / 2 + 2 / 3 + 2 / 3) / 3, 12);
    expect(metrics.perClass(counts)[3]).toEqual({ precision: 0, recall: 0, f1: 0, count: 0 });
    expect(metrics.naiveError([1, 5, 2, 6, 3], 2)).toBe(1);
    expect(() => metrics.naiveError([1, 2], 2)).toThrow('the series must have more than 2 steps, got 2');
    expect(() => metrics.meanAbsoluteError([1], [1, 2])).toThrow('metrics: forecast must be [2], got [1]');
  });

  it('a bootstrap interval holds the mean of what it is drawn from, about as often as it says', () => {
    const held = Array.from({ length: 40 }, (_, seed) => {
      // means of 60 numbers whose mean is 0: those of a fixed generator
      const numbers = Array.from({ length: 60 }, (_, k) => Math.sin(1e4 * (k + 1) * (seed + 1)));
      const [low, high] = metrics.bootstrap(60, (rows) => rows.reduce((s, k) => s + numbers[k], 0) / 60, {
        draws: 200,
        seed,
      });
      return low <= 0 && 0 <= high;
    });
    expect(held.filter(Boolean).length).toBeGreaterThanOrEqual(34);
  });

  it('draws in blocks keep neighbors together', () => {
    const pairs: number[] = [];
    metrics.bootstrap(10, (rows) => pairs.push(...rows.slice(0, 2)), { draws: 5, block: 2 });
    for (let k = 0; k < 5; k++) expect(pairs[2 * k + 1]).toBe((pairs[2 * k] + 1) % 10);
  });
});
