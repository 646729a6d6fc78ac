/**
 * Runs all quick tests on the newest version of Node in `tests/nodes`, and those of the executors, the gradients and
 * the golden vectors on the others:
 *
 *   npm ci --prefix tests/nodes && npm run test:nodes
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { failure } from '../terminal/errors';
import { testedNodes } from './installednodes';
import { script } from './script';

/** Tests of what depends on V8's compiler and arithmetic. */
const TESTS = [
  'wide',
  'wasm-',
  'program',
  'hoist',
  'arithmetic',
  'portable',
  'network',
  'jacobian',
  'goldenruns',
  'verify',
  'fit',
];

function main(): void {
  const nodes = testedNodes();
  if (nodes.length === 0)
    throw failure('the versions of Node must be installed', 'npm ci --prefix tests/nodes (Linux on x64)');
  const newest = nodes[nodes.length - 1].major;
  for (const { major, path: node } of nodes) {
    console.log(`-- Node ${major}: ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`);
    const jest = join('node_modules', 'jest', 'bin', 'jest.js');
    const patterns = TESTS.map((test) => `tests/${test}[^/]*$`);
    const runs =
      major === newest
        ? [
            ['-c', 'jest.quick.config.js'],
            ['-c', 'jest.slow.config.js', ...patterns],
          ]
        : [patterns];
    for (const args of runs) {
      const { status } = spawnSync(node, [jest, ...args], { stdio: 'inherit' });
      if (status !== 0) throw failure(`the tests must pass on Node ${major}`, 'see the failures above');
    }
  }
}

void script(__filename, {}, main);
