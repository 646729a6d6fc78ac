/** A user's own cell in worker threads: the module that makes it, by every form of its address. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { network, type Network } from '../bptt/network/network';
import { parallel } from '../bptt/parallel/parallel';
import { mine } from './parallelcells';

const execArgv = ['-r', join(__dirname, '..', 'scripts', 'register.js')];
const folder = mkdtempSync(join(tmpdir(), 'backstep-cells-'));
afterAll(() => rmSync(folder, { recursive: true }));

const own = join(__dirname, 'parallelcells.ts');
const awaiting = join(folder, 'awaiting.mjs');
writeFileSync(
  awaiting,
  `import { createRequire } from 'node:module';
   await Promise.resolve();
   export const { mine } = createRequire(${JSON.stringify(own)})('./parallelcells.ts');`,
);
const failing = join(folder, 'failing.cjs');
writeFileSync(failing, "throw new Error('broken on purpose');");

const make = (): Network =>
  network({ layers: [mine({ input: 3, hidden: 4 })], output: 2, loss: 'squared', seed: 1 });
const batch = {
  x: [
    [
      [1, 2, 3],
      [0, -1, 2],
    ],
  ],
  targets: [
    [
      [1, 0],
      [0, 1],
    ],
  ],
};

test.each([
  ['its path', own],
  ['its path from here', relative(process.cwd(), own)],
  ['its URL', pathToFileURL(own).href],
  ['the path of an ES module that awaits', awaiting],
])('%s', async (_, cells) => {
  const net = make();
  const team = await parallel(net, { threads: 2, execArgv, cells });
  try {
    const { loss } = await team.forwardBackward(batch);
    expect(loss).toBeCloseTo(make().forward(batch).loss, 14);
    expect(team.threads).toBe(2);
  } finally {
    team.close();
  }
});

test.each([
  ['a module that does not exist', join(folder, 'nowhere.js'), /Cannot find module .*nowhere.js/],
  ['a module that fails', failing, /broken on purpose/],
  ['a module without the cell', join(__dirname, 'errors.ts'), /the cell must be one of .*, got mine/],
])('%s is refused', async (_, cells, message) => {
  await expect(parallel(make(), { threads: 2, execArgv, cells })).rejects.toThrow(message);
});
