/** Large tables: what grows with the file is typed arrays, eight bytes per number, and not objects of JavaScript. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './process';

const ROWS = 4_000_000;

it('a forecast of four million rows is trained and evaluated in a heap of 128 MB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-big-'));
  try {
    const file = join(folder, 'big.csv');
    const handle = openSync(file, 'w');
    writeSync(handle, 'level\n');
    const rows = Array.from({ length: 10_000 }, (_, k) => (100 * Math.sin(k / 50) ** 2).toFixed(2));
    for (let from = 0; from < ROWS; from += rows.length) writeSync(handle, `${rows.join('\n')}\n`);
    closeSync(handle);
    const options = ['--task', 'forecast', '--steps', '2', '--hidden', '4', '--window', '4'];
    const limits = ['--max-old-space-size=128', '--max-semi-space-size=4'];
    const words = [...limits, ...command, 'train', file, ...options, '--out', join(folder, 'run')];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('heap')]);
    expect(stdout).toContain('100,000 of 600,000 windows, in runs of 1,000 evenly over them');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
