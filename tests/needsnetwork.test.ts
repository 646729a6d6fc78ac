/** Every public function that takes a network says so when it gets none, instead of failing on one of its properties. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as api from '../index';

const text = readFileSync(join(__dirname, '..', 'docs', 'api.txt'), 'utf8');
const names = [...text.matchAll(/^\s*function (\w+)\(\w+: Network\b/gm)].map(([, name]) => name);
const given = [undefined, null, {}, { parameters: {}, architecture: {} }];

test('there are such functions', () => {
  expect(names.length).toBeGreaterThan(12);
  expect(names).toContain('fit');
  expect(names).toContain('optimizer');
});

test.each(names)('%s', async (name) => {
  const call = (api as unknown as Record<string, (...given: unknown[]) => unknown>)[name];
  for (const wrong of given) {
    const outcome = new Promise((resolve) => resolve(call(wrong, {}, {})));
    await expect(outcome).rejects.toThrow(/^\w.*: .*must be a (Network|network)/);
  }
});
