/**
 * Builds the playground into dist/playground, a static page on the engine's own source. Run on its own by `npm run
 * build:play`, and as part of the build by scripts/build.ts.
 */
import { join } from 'node:path';
import { writeServiceWorker } from './offline';
import type { Plugin } from 'vite' with { 'resolution-mode': 'import' };
import { script } from './script';

const root = join(__dirname, '..');

/** Node's built-in modules and worker threads do not exist in a page: `core/builtin.ts` reports that there are none. */
const withoutNode: Plugin = {
  name: 'without node',
  enforce: 'pre',
  load(id) {
    if (id.endsWith('/core/builtin.ts')) return 'export const builtin = async () => undefined;\n';
    if (id.endsWith('/bptt/parallel/workerfile.ts')) return "export const workerFile = () => '';\n";
    return undefined;
  },
};

export async function buildPlayground(outDir = join(root, 'dist', 'playground')): Promise<void> {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: join(root, 'playground'),
    base: './',
    logLevel: 'warn',
    plugins: [withoutNode],
    worker: { format: 'es', plugins: () => [withoutNode] },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
    },
  });
  writeServiceWorker(outDir);
}

if (require.main === module) void script(__filename, {}, () => buildPlayground());
