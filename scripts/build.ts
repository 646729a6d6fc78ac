/**
 * Builds dist/: all code as CommonJS and the declarations by tsc, the public interface in bundles by esbuild, and the
 * playground's page.
 *
 *   index.js    one CommonJS file, because reading hundreds takes Node several times as long; a dependency is loaded
 *               when it is first used
 *   node.mjs    names what index.js exports, for `import` in Node: both ways to load it give the same objects
 *   index.mjs   one ES module for bundlers, which leave out what a program does not use
 *   the others  what the command line and the worker threads run
 *
 * The ES modules' declarations re-export the CommonJS ones, so that a type has one identity whichever way a program
 * imports it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { buildPlayground } from './playground';
import { script } from './script';

const root = join(__dirname, '..');
const dist = join(root, 'dist');

/** The dependencies that code may import, by name. */
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** A module with the exports of a dependency, which it loads when one of them is first read. */
function loadedLater(name: string): string {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a dependency that is known only by its name
  const names = Object.keys(require(name) as object).filter((key) => key !== 'default');
  return `let found;
const load = () => (found ??= require(${JSON.stringify(name)}));
const reads = (key, get) => Object.defineProperty(exports, key, { enumerable: true, get });
Object.defineProperty(exports, '__esModule', { value: true });
reads('default', () => (load().__esModule ? found.default : found));
for (const key of ${JSON.stringify(names)}) reads(key, () => load()[key]);`;
}

const laterDependencies: Plugin = {
  name: 'dependencies loaded at first use',
  setup(building) {
    building.onResolve({ filter: /^[^./]/ }, ({ path, namespace }) => {
      if (!Object.hasOwn(dependencies, path)) return undefined;
      return namespace === 'later' ? { path, external: true } : { path, namespace: 'later' };
    });
    building.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({ contents: loadedLater(path) }));
  },
};

/** Bundles the public interface into one file of dist/. */
function bundle(outfile: string, format: 'cjs' | 'esm', plugins: Plugin[] = []): Promise<unknown> {
  // bptt/parallel/workerfile.ts finds the worker file beside its own, which the bundle contains
  const own = format === 'cjs' ? '__filename' : 'import.meta.filename';
  return build({
    entryPoints: [join(root, 'index.ts')],
    outfile: join(dist, outfile),
    bundle: true,
    format,
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    // the declarations beside it are what people read; names stay, for the sake of stack traces
    minifyWhitespace: true,
    minifySyntax: true,
    define: { __filename: 'fileInParallel' },
    banner: {
      js: `'use strict'; const fileInParallel = ${own}?.replace(/index\\.m?js$/, 'bptt/parallel/workerfile.js') ?? '';`,
    },
    plugins,
    logLevel: 'warning',
  });
}

async function main(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  const tsc = require.resolve('typescript/bin/tsc');
  const compile = (project: string, ...options: string[]): Buffer =>
    execFileSync(process.execPath, [tsc, '-p', join(root, project), ...options], { stdio: 'inherit' });
  // declarations of what index.ts reaches, with the docstrings, and all code without comments: the package stays small
  compile('tsconfig.types.json');
  compile('tsconfig.build.json', '--declaration', 'false', '--removeComments');
  await bundle('index.mjs', 'esm');
  await bundle('index.js', 'cjs', [laterDependencies]);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- it was written a moment ago
  const exported = Object.keys(require(join(dist, 'index.js')) as object);
  writeFileSync(
    join(dist, 'node.mjs'),
    `import { createRequire } from 'node:module';
export const { ${exported.join(', ')} } = createRequire(import.meta.url)('./index.js');
`,
  );
  writeFileSync(join(dist, 'index.d.mts'), "export * from './index.js';\n");
  chmodSync(join(dist, 'cli', 'main.js'), 0o755);
  await buildPlayground();
}

void script(__filename, {}, main);
