/** Files as they occur: other encodings, links in folders, missing values in rows that arrive one by one. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { readTable, type Table } from '../data/table';
import { encodeCheckpoint } from '../io/checkpoint';
import { filesUnder } from '../io/folder';
import { folderTable } from '../learn/folder';
import { forecast } from '../learn/forecast/forecast';
import { readText } from '../text/read';
import { backstepIn } from './command';
import { noteFor, trainerFor } from './learning';

const folder = mkdtempSync(join(tmpdir(), 'backstep-real-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);

const utf16 = (text: string, big = false): Buffer => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return big ? bytes.swap16() : bytes;
};

describe('UTF-16 with a byte order mark', () => {
  const text = 'Grüße, Welt 😀\nund noch einmal\n';

  it.each([false, true])('is read as the same text in UTF-8 (big-endian: %j)', (big) => {
    writeFileSync(at('wide.txt'), utf16(text, big));
    writeFileSync(at('narrow.txt'), text);
    const [wide, narrow] = [readText(at('wide.txt')), readText(at('narrow.txt'))];
    expect(wide.vocabulary.symbols).toEqual(narrow.vocabulary.symbols);
    expect(wide.indices).toEqual(narrow.indices);
    const both = readText([at('wide.txt'), at('narrow.txt')], { held: 1 });
    expect(both.indices.slice(0, both.indices.length)).toEqual(
      Uint8Array.from([...(narrow.indices as Uint8Array), ...(narrow.indices as Uint8Array)]),
    );
  });

  it('half a pair is refused, and UTF-16 without its mark', () => {
    writeFileSync(at('half.txt'), Buffer.concat([utf16('ab'), Buffer.of(0x3d, 0xd8)]));
    expect(() => readText(at('half.txt'))).toThrow(
      'must be UTF-16 text, by its byte order mark, got bytes that are not',
    );
    writeFileSync(at('bare.txt'), Buffer.from('ab', 'utf16le'));
    expect(() => readText(at('bare.txt'))).toThrow(
      'must be text, got a zero byte near byte 0: a binary file',
    );
  });

  it('is read in a folder of classes, too', () => {
    mkdirSync(at('classes', 'a'), { recursive: true });
    writeFileSync(at('classes', 'a', '1.txt'), utf16('é'));
    expect(folderTable(at('classes')).column('text', 'texts').values).toEqual(['é']);
  });
});

describe('links in folders', () => {
  beforeAll(() => {
    mkdirSync(at('mail', 'good', 'old'), { recursive: true });
    mkdirSync(at('elsewhere', 'bad'), { recursive: true });
    writeFileSync(at('mail', 'good', '1.txt'), 'one');
    writeFileSync(at('mail', 'good', 'old', '2.txt'), 'two');
    writeFileSync(at('mail', 'good', '.hidden'), 'x');
    writeFileSync(at('elsewhere', 'bad', '3.txt'), 'three');
    symlinkSync(at('elsewhere', 'bad'), at('mail', 'bad'));
    symlinkSync(at('elsewhere', 'bad', '3.txt'), at('mail', 'good', 'link.txt'));
  });

  it('are followed, to files and to folders; deeper files belong to the class of their folder', () => {
    const table = folderTable(at('mail'));
    expect(table.column('text', 'texts').values).toEqual(['three', 'one', 'three', 'two']);
    expect(table.column('label', 'texts').values).toEqual(['bad', 'good', 'good', 'good']);
    expect(readText(at('mail')).indices).toHaveLength('three one three two'.replaceAll(' ', '').length);
  });

  it('that lead nowhere or in a circle are refused, and what is no file', () => {
    for (const [name, target, message] of [
      ['gone', at('nothing'), 'links must lead to a file, got gone, which leads nowhere'],
      ['round', at('odd'), 'links must not lead into a folder that holds them, got round'],
    ] as const) {
      mkdirSync(at('odd'));
      symlinkSync(target, at('odd', name));
      expect(() => filesUnder(at('odd'))).toThrow(message);
      expect(() => readText(at('odd'))).toThrow(message);
      rmSync(at('odd'), { recursive: true });
    }
    mkdirSync(at('odd'));
    execFileSync('mkfifo', [at('odd', 'pipe')]);
    expect(() => filesUnder(at('odd'))).toThrow(
      'it must hold files and folders only, got pipe, which is neither',
    );
  });
});

describe('missing values', () => {
  const day = (k: number): string => new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10);
  const text = (rows: (number | string)[]): string =>
    `day,sold\n${rows.map((value, k) => `${day(k)},${value}\n`).join('')}`;
  const read = (rows: (number | string)[]): Promise<Table> => readTable([text(rows)], { name: 'x.csv' });
  const plain = Array.from({ length: 40 }, (_, k) => k % 7);

  it.each(['previous', 'mean'])('of a stream are those of the file (%s)', async (missing) => {
    const given = { window: 3, missing };
    const table = await read(plain);
    const trainer = trainerFor('forecast', table, given);
    const note = noteFor(forecast, table, given);
    // one at the beginning, and more than a window of them
    const rows = ['NA', 2, 3, 'NA', '', 'NA', 'NA', 5];
    const follow = forecast.follow!(note)!;
    const format = table.format(Object.keys(forecast.reads(note)));
    expect(format.kinds).toMatchObject({ sold: 'numbers' });
    for (const [k, value] of rows.entries()) {
      const row = await readTable([`day,sold\n${day(k)},${value}\n`], { kinds: { sold: 'numbers' } });
      for (const some of follow(row)) {
        const predicted = forecast.predict(trainer.network, some, note);
        const whole = forecast.predict(trainer.network, await read(rows.slice(0, k + 1)), note);
        expect(predicted).toEqual(whole);
      }
    }
  });

  it('at the beginning are the first value that is there; of none they are refused', async () => {
    const note = (rows: (number | string)[]) => async () =>
      noteFor(forecast, await read(rows), { window: 3, missing: 'previous', target: 'sold' });
    expect(await note(['NA', 'NA', 0, 1, ...plain.slice(4)])()).toEqual(
      await note([0, 0, 0, 1, ...plain.slice(4)])(),
    );
    const kinds = { sold: 'numbers' } as const;
    const none = await readTable([text(plain.map(() => 'NA'))], { kinds });
    expect(() => noteFor(forecast, none, { window: 3, missing: 'previous', target: 'sold' })).toThrow(
      'forecast: column sold: some row must have a value, got none',
    );
  });

  it('predict and evaluate take another rule than the training', async () => {
    const trainer = trainerFor('forecast', await read(plain), { window: 3 });
    writeFileSync(at('run.safetensors'), encodeCheckpoint(trainer.checkpoint()));
    writeFileSync(at('gap.csv'), text([...plain, 'NA']));
    writeFileSync(at('full.csv'), text([...plain, plain.at(-1) as number]));
    const predict = (...words: string[]) => backstepIn(folder, 'predict', 'run.safetensors', ...words);
    const refused = await predict('gap.csv');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('every row must have a value');
    const { stdout } = await predict('full.csv');
    expect((await predict('gap.csv', '--missing', 'previous')).stdout).toBe(stdout);
    const judged = await backstepIn(folder, 'evaluate', 'run.safetensors', 'gap.csv', '--missing', 'mean');
    expect(judged.status).toBe(0);
  });
});
