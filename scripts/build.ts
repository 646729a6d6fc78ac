/**
 * Builds dist/: CommonJS and its declarations by tsc, one ES module bundled by esbuild, and the playground's page.
 *
 * The ES module's declarations re-export the CommonJS ones, so that a type has one identity whichever way a
 * program imports it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { buildPlayground } from './playground';

const root = join(__dirname, '..');
const dist = join(root, 'dist');

/** The ES module is one file: the worker threads it starts run the CommonJS one, which lies beside it. */
const workerFile: Plugin = {
  name: 'worker file',
  setup(building) {
    building.onLoad({ filter: /[\\/]bptt[\\/]parallel[\\/]workerfile\.ts$/ }, () => ({
      contents: "export const workerFile = () => new URL('./bptt/parallel/worker.js', import.meta.url);\n",
    }));
  },
};

async function main(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  const tsc = require.resolve('typescript/bin/tsc');
  const compile = (project: string, ...options: string[]): Buffer =>
    execFileSync(process.execPath, [tsc, '-p', join(root, project), ...options], { stdio: 'inherit' });
  // declarations of what index.ts reaches, with the docstrings, and all code without comments: the package stays small
  compile('tsconfig.types.json');
  compile('tsconfig.build.json', '--declaration', 'false', '--removeComments');
  await build({
    entryPoints: [join(root, 'index.ts')],
    outfile: join(dist, 'index.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    // the declarations beside it are what people read; names stay, for the sake of stack traces
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [workerFile],
    logLevel: 'warning',
  });
  writeFileSync(join(dist, 'index.d.mts'), "export * from './index.js';\n");
  chmodSync(join(dist, 'cli', 'main.js'), 0o755);
  await buildPlayground();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
