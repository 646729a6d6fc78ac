/**
 * Builds dist/: the declarations by tsc, bundles by esbuild, and the playground's page.
 *
 *   index.js    the public interface as one CommonJS file, because reading hundreds takes Node several times as long; a
 *               dependency is loaded when it is first used
 *   node.mjs    names what index.js exports, for `import` in Node: both ways to load it give the same objects
 *   index.mjs   one ES module for bundlers, which leave out what a program does not use
 *   the others  the command line and the program of worker threads, one file each
 *
 * The ES modules' declarations re-export the CommonJS ones, so that a type has one identity whichever way a program
 * imports it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix, relative, sep } from 'node:path';
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
  const made = require(name) as object;
  // exports of a function that is the module, such as a class, are its own properties
  const own = typeof made === 'function' ? Object.getOwnPropertyNames(Function) : [];
  const names = Object.getOwnPropertyNames(made).filter(
    (key) => !['default', '__esModule', ...own].includes(key),
  );
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

/** The programs of threads that only the command line starts; they are in its bundle. */
const threads = ['sweep/thread', 'papers/worker'];

/** Code that looks for files beside its own, such as those of worker threads, finds them from a bundle as well. */
const beside = (outfile: string): Plugin => ({
  name: 'the own place of each file',
  setup(building) {
    building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const code = readFileSync(path, 'utf8');
      if (!/\b__(file|dir)name\b/.test(code)) return undefined;
      const own = relative(dirname(outfile), relative(root, path).replace(/ts$/, 'js')).replaceAll(sep, '/');
      const place = (name: string): string => `fileBeside(${JSON.stringify(name)})`;
      const contents = code
        .replace(/\b__filename\b/g, place(own))
        .replace(/\b__dirname\b/g, place(posix.dirname(own)));
      return { contents, loader: 'ts' };
    });
  },
});

/** Bundles `code`, a module in the project's folder, and all that it imports into one file of dist/. */
function bundle(code: string, outfile: string, format: 'cjs' | 'esm', begin = ''): Promise<unknown> {
  const own = format === 'cjs' ? '__filename' : 'import.meta.filename';
  return build({
    stdin: { contents: code, resolveDir: root, loader: 'ts' },
    outfile: join(dist, outfile),
    bundle: true,
    format,
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    // the declarations beside it are what people read; names stay, for the sake of stack traces
    minifyWhitespace: true,
    minifySyntax: true,
    banner: {
      // where a bundler has moved the code, its own place is left as it is
      js: `${begin}'use strict'; const fileBeside = (path) => ${own}?.replace(/\\b${basename(outfile).split('.')[0]}\\.m?js$/, path) ?? '';`,
    },
    plugins: [beside(outfile), ...(format === 'cjs' ? [laterDependencies] : [])],
    logLevel: 'warning',
  });
}

async function main(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  const tsc = require.resolve('typescript/bin/tsc');
  // declarations of what index.ts reaches, with the docstrings
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.types.json')], { stdio: 'inherit' });
  await bundle("export * from './index';", 'index.mjs', 'esm');
  await bundle("export * from './index';", 'index.js', 'cjs');
  await bundle("import './bptt/parallel/worker';", 'bptt/parallel/worker.js', 'cjs');
  const started = threads.map((name) => `'${name}': () => require('./${name}')`).join();
  const commands = `import './cli/main'; export const threads = { ${started} };`;
  await bundle(commands, 'cli/main.js', 'cjs', '#!/usr/bin/env node\n');
  for (const name of threads) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    writeFileSync(
      join(dist, `${name}.js`),
      `'use strict';\nmodule.exports = require('../cli/main.js').threads['${name}']();\n`,
    );
  }
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
