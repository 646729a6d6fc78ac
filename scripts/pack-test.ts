/**
 * Packs the package and uses the tarball as a user would: in an empty ES module project and in an empty CommonJS
 * project, from JavaScript, from strict TypeScript without skipLibCheck, and from the command line. Nothing of the
 * repository is visible there except the compiler.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { script } from './script';

const root = join(__dirname, '..');
/** Size limit: room for the engine to grow, but not for tests or data included by mistake. */
const MAX_TARBALL = 1_600_000;

/**
 * Runs unchanged as an ES module and as TypeScript; for CommonJS its import becomes a require. In each, the worker
 * thread must be found, and must not keep the process alive.
 */
const program = `import * as backstep from 'backstep';
const names = Object.entries(backstep).filter(([name]) => name !== 'default');
console.log(names.map(([name, value]) => name + ': ' + typeof value).sort().join(', '));
const net = backstep.network({ layers: [backstep.lstm({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
backstep.parallel(net, 2).then(async (team) => {
  const { loss } = await team.forwardBackward({ x: [[0, 1]], targets: [[1, 0]] });
  console.log(team.threads + ' threads, loss ' + loss);
});
`;

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const temp = mkdtempSync(join(tmpdir(), 'backstep-pack-'));
process.on('exit', () => rmSync(temp, { recursive: true, force: true }));

function run(cwd: string, command: string, ...args: string[]): string {
  console.log(
    `  ${[command, ...args].map((word) => word.replace(root, '.').replace(temp, '$TMP')).join(' ')}`,
  );
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const words = `${stdout}${stderr}`.slice(-4000);
    throw new Error(`pack-test: ${command} ${args.join(' ')} must succeed\n${words}`, { cause: error });
  }
}

const own = (name: string) => join(root, 'node_modules', '.bin', name);

function expect(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`pack-test: ${what} must be ${String(wanted)}, got ${String(got)}`);
}

function pack(): string {
  const json = run(root, 'npm', 'pack', '--json', '--silent', '--pack-destination', temp);
  const [{ filename, size, files }] = JSON.parse(json.slice(json.indexOf('['))) as [
    { filename: string; size: number; files: { path: string }[] },
  ];
  const strays = files.filter(({ path }) => !/^(dist\/|package\.json$|README\.md$|LICENSE$)/.test(path));
  expect('number of stray files in the tarball', strays.map(({ path }) => path).join(' ') || 0, 0);
  const page = files.some(({ path }) => path === 'dist/playground/index.html');
  expect('a page of the playground in the tarball', page, true);
  if (size > MAX_TARBALL)
    throw new Error(`pack-test: tarball must be at most ${MAX_TARBALL} bytes, got ${size}`);
  console.log(`  ${files.length} files, ${Math.round(size / 1024)} kB packed`);
  return join(temp, filename);
}

/** The exported names, as seen by one import style. */
function useFrom(kind: 'module' | 'commonjs', tarball: string): string {
  const folder = join(temp, kind);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'stranger', private: true, type: kind }),
  );
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball);
  expect('backstep --version', run(folder, 'npx', '--no-install', 'backstep', '--version').trim(), version);

  const asRequire = program.replace(/^import (?:\* as )?(.*) from ('.*');$/gm, 'const $1 = require($2);');
  writeFileSync(join(folder, 'program.js'), kind === 'module' ? program : asRequire);
  const printed = run(folder, process.execPath, 'program.js').trim();
  expect('threads of the program', /\d threads/.exec(printed)?.[0], '2 threads');
  if (kind === 'module') {
    const bundled = run(folder, process.execPath, '--conditions=module', 'program.js').trim();
    expect('output of the program with the ES module for bundlers', bundled, printed);
  } else {
    const loaded = "require('backstep'); console.log(Object.keys(require.cache).length)";
    expect('files that require reads', run(folder, process.execPath, '-e', loaded).trim(), '1');
  }

  writeFileSync(join(folder, 'typed.ts'), program);
  const tsc = (...options: string[]) =>
    run(folder, own('tsc'), '--strict', '--target', 'es2022', '--outDir', 'out', ...options, 'typed.ts');
  tsc('--module', 'node16');
  expect(
    'output of the program compiled by tsc',
    run(folder, process.execPath, 'out/typed.js').trim(),
    printed,
  );
  tsc('--noEmit', '--module', 'preserve', '--moduleResolution', 'bundler');
  return printed;
}

function main(): void {
  const tarball = pack();
  const printed = useFrom('module', tarball);
  expect('output of the CommonJS program', useFrom('commonjs', tarball), printed);
  run(temp, own('attw'), tarball);
  run(temp, own('publint'), 'run', '--strict', tarball);
  console.log('pack-test: the tarball works from ES modules, CommonJS, TypeScript and the command line');
}

void script(__filename, {}, main);
