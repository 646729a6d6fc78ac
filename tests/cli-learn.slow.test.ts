/** A table on the command line, from the file to the forecast: each command in a separate process. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backstepProcessIn } from './command';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-learn-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rows = Array.from({ length: 160 }, (_, k) => {
  const day = new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10);
  return `${day};${(10 + 3 * Math.sin((2 * Math.PI * k) / 7)).toFixed(3).replace('.', ',')}`;
});
// as a German spreadsheet writes it
const file = (count: number): string => `\uFEFFTag;Umsatz\r\n${rows.slice(0, count).join('\r\n')}\r\n`;
writeFileSync(join(folder, 'sales.csv'), file(120));
writeFileSync(join(folder, 'newer.csv'), file(160));

const train = ['train', 'sales.csv', '--window', '7', '--horizon', '2', '--hidden', '8', '--threads', '1'];
const run = (...words: string[]) => backstepProcessIn(folder, ...words);

test('trains, draws, checks gradients, and measures on rows it never saw', () => {
  const { status, stdout, stderr } = run(...train, '--steps', '60', '--out', 'run', '--json');
  expect(stderr).toBe('train: --task forecast, for a horizon or a window is given\n');
  expect(status).toBe(0);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const of = (name: string) => events.filter(({ event }) => event === name);
  expect(of('start')[0]).toMatchObject({ task: 'forecast', training: 76, validation: 17, test: 17 });
  expect(of('step')).toHaveLength(60);
  // 76 windows are three batches: an epoch
  expect(of('validation')).toHaveLength(20);
  expect(of('gradcheck')[0]).toMatchObject({ verdict: 'right' });
  expect(of('end')[0]).toMatchObject({ test: { windows: 17, targets: [{ name: 'Umsatz' }] } });
  expect(readdirSync(join(folder, 'run')).sort()).toEqual([
    'checkpoint.safetensors',
    'forecast.svg',
    'loss.svg',
  ]);
  expect(readFileSync(join(folder, 'run', 'forecast.svg'), 'utf8')).toMatch(
    /^<svg .*forecast, 1 step before/s,
  );
});

test('predicts behind the last row, from a file and from a pipe', () => {
  const { stdout, status } = run('predict', 'run', 'sales.csv');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Tag,Umsatz\n2024-04-30,[\d.]+\n2024-05-01,[\d.]+\n$/);
  const piped = spawnSync(process.execPath, [...command, 'predict', 'run', '-'], {
    cwd: folder,
    input: file(120),
    encoding: 'utf8',
  });
  expect(piped.stdout).toBe(stdout);
});

test('of its own file it is measured on the test part, of a newer one on what came after', () => {
  expect(run('evaluate', 'run', 'sales.csv').stdout).toMatch(
    /^sales\.csv: the test part of the file that it was trained on\n/,
  );
  const { stdout } = run('evaluate', 'run', 'newer.csv', '--json');
  // rows 85…160: where the first 84 days are over, which trained
  expect(JSON.parse(stdout)).toMatchObject({
    on: 'rows after 2024-03-24, where training ended',
    windows: 75,
  });
});

test('a run goes on where it stopped, and only on the same file', () => {
  const more = run('train', '--resume', 'run', '--steps', '70', '--out', 'more');
  expect(more.status).toBe(0);
  expect(more.stdout).toMatch(/output +more, from step \d+ on\n/);
  for (const [given, message] of [
    [['--seq', '9'], 'train: --seq must be left out with --task forecast, got 9'],
    [['--beam', '2'], 'train: --beam must be left out with --task forecast, got 2'],
    [['--task', 'tag'], 'train: --task must stay forecast with --resume, got tag'],
  ] as const) {
    const refused = run('train', '--resume', 'run', '--steps', '80', ...given);
    expect(refused.stderr).toContain(message);
    expect(refused.status).toBe(2);
  }
  writeFileSync(join(folder, 'sales.csv'), file(121));
  const { status, stderr } = run('train', '--resume', 'run', '--steps', '80');
  expect(stderr).toContain(
    'train: the file must be the one that the checkpoint was trained on, got a different one',
  );
  expect(status).toBe(2);
});

const json = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a folder for each class becomes a classifier, which labels files without labels', () => {
  for (const label of ['up', 'down']) {
    mkdirSync(join(folder, 'texts', label), { recursive: true });
    for (let k = 0; k < 40; k++)
      writeFileSync(
        join(folder, 'texts', label, `${k}.txt`),
        `${label === 'up' ? 'abc' : 'cba'}`.repeat(1 + (k % 4)),
      );
  }
  const { status, stdout, stderr } = run(
    ...[
      'train',
      'texts',
      '--hidden',
      '8',
      '--lr',
      '0.02',
      '--threads',
      '1',
      '--steps',
      '80',
      '--out',
      'labels',
      '--json',
    ],
  );
  expect(stderr).toBe('train: --task classify, for text and label\n');
  expect(status).toBe(0);
  const events = json(stdout);
  expect(events[0]).toMatchObject({ task: 'classify', training: 56, validation: 12, test: 12 });
  expect(events.at(-1)).toMatchObject({ test: { model: { accuracy: 1 }, baseline: { accuracy: 0.5 } } });
  expect(readFileSync(join(folder, 'labels', 'confusion.svg'), 'utf8')).toMatch(/^<svg .*>down</s);
  mkdirSync(join(folder, 'new'));
  writeFileSync(join(folder, 'new', 'x.txt'), '\uFEFFabcabc\r\n');
  expect(run('predict', 'labels', 'new').stdout).toMatch(/^file,label,probability\nx\.txt,up,0\.\d+\n$/);
});

test('sentences become a tagger, which reads tokens from a pipe', () => {
  const text = Array.from({ length: 60 }, (_, k) => (k % 2 === 0 ? 'a X\nb Y' : 'b Z\na X\nb Y')).join(
    '\r\n\r\n',
  );
  writeFileSync(join(folder, 'sentences.conll'), text.replace(/(?<!\r)\n/g, '\r\n'));
  const trained = run(
    ...[
      'train',
      'sentences.conll',
      '--hidden',
      '8',
      '--lr',
      '0.02',
      '--threads',
      '1',
      '--steps',
      '60',
      '--out',
      'tags',
    ],
  );
  expect(trained.stderr).toBe('train: --task tag, for lists of tokens and tags\n');
  expect(trained.status).toBe(0);
  const { stdout } = spawnSync(process.execPath, [...command, 'predict', 'tags', '-', '--json'], {
    ...{ cwd: folder, input: 'b\na\nb\n', encoding: 'utf8' },
  });
  expect(json(stdout).map(({ sentence, token, tag }) => [sentence, token, tag])).toEqual([
    [1, 'b', 'Z'],
    [1, 'a', 'X'],
    [1, 'b', 'Y'],
  ]);
  expect(json(run('evaluate', 'tags', 'sentences.conll', '--json').stdout)[0]).toMatchObject({
    ...{ task: 'tag', sequences: 9, sequenceAccuracy: 1 },
  });
});

test('pairs become a translator, whose picture is its attention; pieces become music', () => {
  const pairs = Array.from({ length: 60 }, (_, k) => {
    const word = ['ab', 'ba', 'abc', 'cab', 'bca'][k % 5];
    return `${word}\t${word.toUpperCase()}`;
  });
  writeFileSync(join(folder, 'pairs.tsv'), `${pairs.join('\n')}\n`);
  const small = ['--hidden', '8', '--threads', '1', '--steps', '20'];
  const columns = ['--header', 'no', '--inputs', 'column1', '--target', 'column2'];
  const trained = run('train', 'pairs.tsv', '--task', 'translate', ...columns, ...small, '--out', 'pairs');
  expect(trained.stderr).toBe('');
  expect(trained.stdout).toMatch(/gradients +right/);
  expect(readFileSync(join(folder, 'pairs', 'attention.svg'), 'utf8')).toMatch(/^<svg .*>read</s);
  // all 60 rows are pairs: none of them is a header
  expect(trained.stdout).toContain('examples    42 for training, 9 for validation, 9 for the test');
  writeFileSync(join(folder, 'new.tsv'), 'ab\tx\n');
  expect(run('predict', 'pairs', 'new.tsv').stdout).toMatch(/^row,column2,probability\n1,[A-C]*,\S+\n$/);

  const pieces = Array.from({ length: 20 }, () => [[60, 64], [62], [60, 64], [62], []]);
  writeFileSync(join(folder, 'pieces.json'), JSON.stringify(pieces));
  const music = run('train', 'pieces.json', ...small, '--out', 'music');
  expect(music.stderr).toBe('train: --task music, for lists of notes in notes\n');
  expect(music.stdout).toMatch(/gradients +right/);
  expect(readFileSync(join(folder, 'music', 'roll.svg'), 'utf8')).toMatch(/^<svg .*MIDI number/s);
  expect(run('evaluate', 'music', 'pieces.json', '--json').stdout).toContain('"pieces":3');
});

test('classes and numbers become sequences', () => {
  const lines = Array.from({ length: 60 }, (_, k) => (k % 2 === 0 ? 'abab,up' : 'cd,down'));
  writeFileSync(join(folder, 'kinds.csv'), `word,kind\n${lines.join('\n')}\n`);
  const { status, stdout } = run(
    ...['train', 'kinds.csv', '--task', 'generate', '--target', 'word', '--hidden', '8', '--threads', '1'],
    ...['--steps', '20', '--out', 'kinds'],
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/gradients +right/);
  expect(readFileSync(join(folder, 'kinds', 'positions.svg'), 'utf8')).toMatch(/^<svg .*bits per symbol/s);
  writeFileSync(join(folder, 'new.csv'), 'kind\nup\ndown\n');
  const first = run('predict', 'kinds', 'new.csv').stdout;
  expect(first).toMatch(/^row,word,probability\n1,[a-d]*,\S+\n2,[a-d]*,\S+\n$/);
  expect(run('predict', 'kinds', 'new.csv').stdout).toBe(first);
});
