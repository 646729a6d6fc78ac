/** Every package that `npm ci` installs supports every Node version that package.json promises. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';

interface Locked {
  version: string;
  engines?: { node?: string };
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(__dirname, '..', file), 'utf8'));

// the first and a late release of each supported line
const supported = ['20.19.0', '20.20.2', '22.13.0', '24.0.0', '24.11.0', '26.0.0'];

describe('supported Node versions', () => {
  const { engines } = read('package.json') as { engines: { node: string } };

  test.each(supported)('package.json admits Node %s', (node) => {
    expect(satisfies(node, engines.node)).toBe(true);
  });

  const locks = ['package-lock.json', 'docs/package-lock.json', 'tests/runtimes/package-lock.json'];
  test.each(locks.flatMap((lock) => supported.map((node) => [lock, node])))(
    '%s suits Node %s',
    (lock, node) => {
      const { packages } = read(lock) as { packages: Record<string, Locked> };
      const installed = Object.entries(packages).filter(([path]) => path !== '');
      expect(installed.length).toBeGreaterThan(10);
      const refusing = installed
        .filter(([, { engines }]) => !satisfies(node, engines?.node ?? '*'))
        .map(([path, { version, engines }]) => `${path} ${version} wants ${engines?.node}`);
      expect(refusing).toEqual([]);
    },
  );
});
