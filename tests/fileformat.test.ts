/** How a training file was written: learned from it, stored in the checkpoint, and used for every other file and every row. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFrom, tablesFrom, type FileFormat, type Table } from '../data/table';
import { readTable } from '../index';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { readTaskNote } from '../learn/trainer';
import { backstepIn } from './command';
import { trainerFor } from './learning';

const read = (text: string, options = {}): Promise<Table> => readTable([text], { name: 'x.csv', ...options });
const readAs = (text: string, expected: FileFormat, options = {}): Promise<Table> =>
  tableFrom([text], { name: 'x.csv', expected, ...options });
const valuesOf = (table: Table): unknown[][] =>
  table.columns.map(({ values }) => Array.from<unknown>(values));

const german = 'Tag;Umsatz;Menge;Ort\n03.04.2024;1.234,5;2;Ulm\n13.04.2024;0,25;12;Köln\n';

describe('the format of a file', () => {
  it('is told by its cells; whole numbers are written as the other columns', async () => {
    const table = await read(german);
    expect(table.format(['Tag', 'Umsatz', 'Menge', 'no'])).toEqual({
      kinds: { Tag: 'day.month.year', Umsatz: 'comma', Menge: 'comma' },
      ...{ names: ['Tag', 'Umsatz', 'Menge', 'Ort'], header: true, separator: ';' },
    });
    expect((await read('a;b\n1;x\n2;y\n')).format(['a', 'b']).kinds).toEqual({ a: 'numbers', b: 'texts' });
    expect((await read('a;b;c\n1,5;1.5;1\n')).format(['c']).kinds).toEqual({ c: 'numbers' });
    // each is a date in both orders, and the same one
    expect((await read('day\n05/05/2024\n06/06/2024\n')).format(['day']).kinds).toEqual({ day: 'dates' });
    const json = await readTable(['{"v": 1, "l": [2]}\n']);
    expect(json.format(['v', 'l'])).toEqual({ kinds: { v: 'numbers', l: 'lists' } });
  });

  it.each([
    ['1.234', [1234]],
    ['1,234', [1.234]],
    ['12', [12]],
    ['NA', [NaN]],
  ])('a decimal comma makes %s the same number in a row of its own', async (cell, values) => {
    const format = (await read(german)).format(['Umsatz']);
    expect(valuesOf(await readAs(`Umsatz;Tag\n${cell};x\n`, format))).toEqual([values]);
  });

  it('a decimal point makes 1,234 a thousand, whatever separates the cells', async () => {
    const format = (await read('v;w\n"1,234.5";1\n')).format(['v']);
    expect(valuesOf(await readAs('v;w\n1,234;2\n', format))).toEqual([[1234]]);
    expect(valuesOf(await readAs('v\tw\n1,234\t2\n', format))).toEqual([[1234]]);
  });

  it('a number after the sample, from which kinds are inferred, is the same when the file is read again', async () => {
    const rows = Array.from({ length: 10_000 }, (_, k) => `${k};${k % 7},5\n`);
    const text = `n;v\n${rows.join('')}12.001;3,5\n`;
    const first = await read(text);
    const format = first.format(['n', 'v']);
    expect(format.kinds).toEqual({ n: 'point', v: 'comma' });
    expect(valuesOf(await readAs(text, format))).toEqual(valuesOf(first));
  });

  it('kinds of columns wait for a name of several lines', async () => {
    const rows: unknown[][][] = [];
    const options = { name: 'x', separator: ';', kinds: { sold: 'comma' } } as const;
    for await (const table of tablesFrom(['"a long\n', 'name";sold\n', '1;2,5\n'], options))
      rows.push(valuesOf(table));
    expect(rows).toEqual([[[1], [2.5]]]);
  });

  it('rows that arrive one by one are read as in one file', async () => {
    const text = 'Tag;Umsatz\n01.02.2024;1.234\n02.02.2024;7\n03.02.2024;0,5\n';
    const format = (await read(german)).format(['Tag', 'Umsatz']);
    const rows: unknown[][][] = [];
    for await (const table of tablesFrom(text.split(/(?<=\n)/), { name: 'x', expected: format }))
      rows.push(valuesOf(table));
    expect(rows.map(([[day], [sold]]) => [day, sold])).toEqual([
      [Date.UTC(2024, 1, 1), 1234],
      [Date.UTC(2024, 1, 2), 7],
      [Date.UTC(2024, 1, 3), 0.5],
    ]);
    expect(valuesOf(await readAs(text, format))).toEqual([
      rows.map(([[day]]) => day),
      rows.map(([, [v]]) => v),
    ]);
  });

  it.each([
    [
      'Umsatz\n1.5\n',
      'column Umsatz: it must hold numbers with a decimal comma, got 1.5 in line 2 (as in training)',
    ],
    [
      'Tag\n2024-04-03\n',
      'column Tag: it must hold dates as day.month.year, got 2024-04-03 in line 2 (as in training)',
    ],
    [
      '1;2;3\n',
      'a row must have 4 cells, got 3 (without a row of names its cells are Tag, Umsatz, Menge, Ort)',
    ],
  ])('%j contradicts it', async (text, message) => {
    const format = (await read(german)).format(['Tag', 'Umsatz']);
    const options = text.startsWith('1') ? { header: false } : {};
    await expect(readAs(text, format, options)).rejects.toThrow(message);
  });

  it('what is told of the file at hand comes first', async () => {
    const format = (await read(german)).format(['Umsatz']);
    const kinds = { Umsatz: 'point' };
    expect(valuesOf(await readAs('Umsatz\n1.5\n', format, { kinds }))).toEqual([[1.5]]);
    await expect(readAs('Umsatz\n1,5\n', format, { kinds, separator: ';' })).rejects.toThrow(
      'it must hold numbers with a decimal point, got 1,5 in line 2 (as kinds says)',
    );
  });

  it('a file without a row of names has the columns of the training', async () => {
    const format = (await read(german)).format(['Menge', 'Tag']);
    const table = await readAs('1.2.2024;1,5;3;Ulm\n', format, { header: false });
    expect([table.names, valuesOf(table)]).toEqual([
      ['Tag', 'Menge'],
      [[Date.UTC(2024, 1, 1)], [3]],
    ]);
    // decimal commas are more frequent in the line than the separator
    expect(valuesOf(await readAs('1.2.2024;1,5;3;"a, b"\n', format, { header: false }))[1]).toEqual([3]);
    expect((await read('1;2\n', { header: false, names: ['a', 'b'] })).names).toEqual(['a', 'b']);
  });

  it('columns that are not needed are skipped, whatever they hold, and named where one is missing', async () => {
    const format = (await read(german)).format(['Menge']);
    const table = await readAs('Ort;Menge\n1;2\nx;3\n', format);
    expect(table.names).toEqual(['Menge']);
    const none = await readAs('Ort;Mege\n1;2\n', format);
    expect(() => none.column('Menge')).toThrow(
      'a column must be one of Ort, Mege, got Menge (did you mean Mege?)',
    );
  });

  it.each([
    [{ header: false }, 'header must be left out, got false (the file holds JSON)'],
    [{ separator: ';' }, 'separator must be left out, got ; (the file holds JSON)'],
    [
      { names: ['a'] },
      'names must be left out, got [a] (the first row holds the names, unless header is false)',
    ],
    [{ kinds: { v: 'number' } }, 'kinds.v must be one of numbers, dates, texts, lists, point, comma, '],
  ])('refuses %j of JSON', async (options, message) => {
    await expect(read('{"v": 1}\n', options)).rejects.toThrow(message);
  });

  it('kinds say how cells are written', async () => {
    const kinds = { zip: 'texts', day: 'day/month/year', price: 'comma' };
    const table = await read('zip;day;price\n501;01/02/2024;1.234\n', { kinds });
    expect(valuesOf(table)).toEqual([['501'], [Date.UTC(2024, 1, 1)], [1234]]);
  });
});

describe('in a checkpoint', () => {
  const day = (k: number): string => new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10);
  const rows = Array.from({ length: 40 }, (_, k) => `${day(k)};${k % 7},5`);
  const text = `day;sold\n${rows.join('\n')}\n`;
  const folder = mkdtempSync(join(tmpdir(), 'backstep-format-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('it is stored; one from before infers as ever', async () => {
    const saved = trainerFor('forecast', await read(text), { window: 3 }).checkpoint();
    const readBack = (training: unknown) =>
      readTaskNote(decodeCheckpoint(encodeCheckpoint({ ...saved, training })));
    expect(readBack(saved.training).format).toEqual({
      kinds: { day: 'year-month-day', sold: 'comma' },
      ...{ names: ['day', 'sold'], header: true, separator: ';' },
    });
    const { format, ...older } = saved.training as { format: unknown };
    expect(format).toBeDefined();
    expect(readBack(older).format).toEqual({ kinds: { day: undefined, sold: 'numbers' } });
    writeFileSync(join(folder, 'older.safetensors'), encodeCheckpoint({ ...saved, training: older }));
    writeFileSync(join(folder, 'newer.safetensors'), encodeCheckpoint(saved));
    const files = {
      'german.csv': text,
      'english.csv': text.replaceAll(',', '.'),
      'tail.csv': rows.join('\n'),
    };
    for (const [name, contents] of Object.entries(files)) writeFileSync(join(folder, name), contents);
    const predict = async (model: string, ...words: string[]) => {
      const { stdout, stderr, status } = await backstepIn(folder, 'predict', model, ...words);
      return status === 0 ? stdout : stderr.replace(/\s+/g, ' ');
    };
    const right = await predict('newer.safetensors', 'german.csv');
    expect(right).toMatch(/^day,sold\n2024-02-10,/);
    expect(await predict('older.safetensors', 'german.csv')).toBe(right);
    expect(await predict('older.safetensors', 'english.csv')).toBe(right);
    expect(await predict('newer.safetensors', 'english.csv')).toContain(
      'column sold: it must hold numbers with a decimal comma, got 0.5 in line 2 (as in training)',
    );
    expect(await predict('newer.safetensors', 'english.csv', '--kinds', 'sold=point')).toBe(right);
    expect(await predict('newer.safetensors', 'tail.csv', '--header', 'no')).toBe(right);
    expect(await predict('newer.safetensors', 'tail.csv')).toContain('--header no reads one without');
  });
});

describe('on the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-reading-'));
  beforeAll(() => {
    writeFileSync(join(folder, 'a.txt'), '01/02/2024\t00501\t1.234\n02/02/2024\t00502\t2.345\n');
    writeFileSync(join(folder, 'b.jsonl'), '{"v": 1}\n');
    writeFileSync(join(folder, 'c.conll'), 'a X\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('data has the options of reading, and says how cells are written', async () => {
    const given = ['--header', 'no', '--separator', 'tab', '--kinds', 'column1=day/month/year,column3=comma'];
    const { stdout, stderr } = await backstepIn(folder, 'data', 'a.txt', ...given);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^a\.txt: 2 rows, 3 columns; cells separated by tabs\n/);
    expect(stdout).toMatch(/column1 +dates +2024-02-01 … 2024-02-02, daily, written day\/month\/year\n/);
    expect(stdout).toMatch(/column3 +numbers +1234 … 2345, mean 1789.5, decimal comma/);
    const { stdout: json } = await backstepIn(folder, 'data', 'a.txt', ...given, '--json');
    expect(JSON.parse(json)).toMatchObject({
      columns: [{ format: 'day/month/year' }, {}, { format: 'comma' }],
    });
  });

  it('the help lists the ways to read a column, and that a model reads as in training', async () => {
    const helpOf = async (command: string): Promise<string> =>
      (await backstepIn(folder, command, '--help')).stdout.replace(/\s+/g, ' ');
    expect(await helpOf('data')).toContain('day=day/month/year: numbers, dates, texts, lists, point, comma,');
    for (const command of ['predict', 'evaluate'])
      expect((await helpOf(command)).match(/\(default: as in training\)/g)).toHaveLength(4);
  });

  it.each([
    [['data', 'a.txt', '--separator', ', '], 'data: --separator must be one character, or tab, got ,'],
    [['data', 'a.txt', '--kinds', 'zip'], 'data: --kinds must be COLUMN=HOW, separated by commas, got zip'],
    [
      ['data', 'a.txt', '--kinds', 'zip=text'],
      'data: --kinds must be one of numbers, dates, texts, lists, point',
    ],
    [['data', 'b.jsonl', '--header', 'no'], 'header must be left out, got false (the file holds JSON)'],
    [['data', 'c.conll', '--separator', ';'], '--separator must be left out, got ; (it holds CoNLL columns)'],
    [['data', '.', '--kinds', 'a=texts'], '--kinds must be left out, got an object of a (it holds a folder)'],
    [['train', 'a.txt', '--header', 'no'], 'train: --header must be left out with --task text, got no'],
    [
      ['train', '--text', 'a.txt', '--kinds', 'a=texts'],
      'train: --kinds must be left out with --task text, got a=texts',
    ],
  ])('%j is refused', async (words, message) => {
    const { status, stderr } = await backstepIn(folder, ...words);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(status).toBe(2);
  });
});
