/** A table on the command line, from the file to the forecast: each command in a process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  writeFileSync(join(folder, 'sales.csv'), file(121));
  const { status, stderr } = run('train', '--resume', 'run', '--steps', '80');
  expect(stderr).toContain(
    'train: the file must be the one that the checkpoint was trained on, got a different one',
  );
  expect(status).toBe(2);
});
