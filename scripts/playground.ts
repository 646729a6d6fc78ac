/**
 * Builds the playground into dist/playground: a page that any web host can serve, on the engine's own source. Run by
 * itself (`npm run build:play`) and with everything else by scripts/build.ts.
 */
import { join } from 'node:path';
import type { Plugin } from 'vite' with { 'resolution-mode': 'import' };

const root = join(__dirname, '..');

/** Node's own modules and worker threads have no place in a page: `core/builtin.ts` answers that there are none. */
const withoutNode: Plugin = {
  name: 'without node',
  enforce: 'pre',
  load(id) {
    if (id.endsWith('/core/builtin.ts')) return 'export const builtin = async () => undefined;\n';
    if (id.endsWith('/bptt/parallel/workerfile.ts')) return "export const workerFile = () => '';\n";
    return undefined;
  },
};

export async function buildPlayground(): Promise<void> {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: join(root, 'playground'),
    base: './',
    logLevel: 'warn',
    plugins: [withoutNode],
    worker: { format: 'es', plugins: () => [withoutNode] },
    build: {
      outDir: join(root, 'dist', 'playground'),
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
    },
  });
}

if (require.main === module)
  buildPlayground().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
