/** Training can run for days: steps leak no memory. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { bounds, growth } from '../scripts/soak';

it('1,050 steps leave the memory as it was after the first tenth', () => {
  const flags = ['--expose-gc', '--max-semi-space-size=1', '-r', join(__dirname, '../scripts/register.js')];
  const script = [join(__dirname, '../scripts/soak.ts'), '--steps', '1050'];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, ...script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.match(/^\w+ memory: .*: (flat|GROWS)$/gm)).toHaveLength(3);
  expect(stdout).not.toContain('GROWS');
  expect(status).toBe(0);
});

it('a small leak is seen through the noise, and what came before the warm-up does not count', () => {
  const run = (leak: number) =>
    Array.from({ length: 40 }, (_, k) => {
      const noise = 2 ** 20 * Math.sin(7 * k);
      const warmUp = k < 4 ? 50 * 2 ** 20 : 0;
      const resident = 150 * 2 ** 20 - warmUp + noise + (leak * k) / 39;
      return { step: k, done: k / 39, resident, heap: 3e7, engine: 1e6 };
    });
  expect(growth(run(0), 'engine')).toBe(0);
  expect(growth(run(0), 'resident')).toBeLessThan(bounds.resident);
  expect(growth(run(8 * 2 ** 20), 'resident')).toBeGreaterThan(bounds.resident);
});
