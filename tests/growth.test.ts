/** Training must run for days: nothing is left behind by a step. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

it('1,000 steps grow the process by less than 5 MB after the first 50', () => {
  // V8 sizes its young generation as it likes; kept at 1 MB, it hides nothing
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const script = ['-r', join(__dirname, '../scripts/register.js'), join(__dirname, 'growth.ts'), 'wasm'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, ...script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^-?\d/);
  expect(Number(stdout)).toBeLessThan(5);
}, 60_000);
