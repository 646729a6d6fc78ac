/** Writes the service worker of a built site, `playground/offline.ts` with the site's files, into its folder. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { transformSync } from 'esbuild';

/** The name of the service worker in the site. */
export const SERVICE_WORKER = 'service-worker.js';

/** @param leftOut the paths that are not kept for use without a network. */
export function writeServiceWorker(site: string, leftOut?: RegExp): void {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(site, path)).isFile())
    .map((path) => path.replaceAll(sep, '/'))
    // a host may send the page for missing files with the status 404, which no cache takes
    .filter((path) => !path.endsWith(SERVICE_WORKER) && path !== '404.html' && !leftOut?.test(path))
    .sort();
  const hash = createHash('sha256');
  for (const path of files) hash.update(`${path}\0`).update(readFileSync(join(site, path)));
  const { code } = transformSync(readFileSync(join(__dirname, '..', 'playground', 'offline.ts'), 'utf8'), {
    loader: 'ts',
    minify: true,
    define: { VERSION: JSON.stringify(hash.digest('hex').slice(0, 16)), FILES: JSON.stringify(files) },
  });
  writeFileSync(join(site, SERVICE_WORKER), code);
}
