/**
 * Runs the tests of the executors, the gradients and the golden vectors on every version of Node in `tests/nodes`:
 *
 *   npm ci --prefix tests/nodes && npm run test:nodes
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../terminal/errors';
import { script } from './script';

const FOLDER = join('tests', 'nodes', 'node_modules');
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
  if (!existsSync(FOLDER))
    throw failure('the versions of Node must be installed', 'npm ci --prefix tests/nodes (Linux on x64)');
  for (const name of readdirSync(FOLDER).filter((each) => each.startsWith('node-'))) {
    const node = join(FOLDER, name, 'bin', 'node');
    console.log(`-- ${name}: ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`);
    const jest = join('node_modules', 'jest', 'bin', 'jest.js');
    const patterns = TESTS.map((test) => `tests/${test}[^/]*$`);
    const { status } = spawnSync(node, [jest, ...patterns], { stdio: 'inherit' });
    if (status !== 0) throw failure(`the tests must pass on ${name}`, 'see the failures above');
  }
}

void script(__filename, {}, main);
