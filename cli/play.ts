/** `backstep play`: serves the playground on this machine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { whole } from '../terminal/arguments';
import { failure, usage } from '../terminal/errors';
import { host } from '../terminal/host';
import { onInterrupt } from '../terminal/interrupt';
import { line } from '../terminal/output';

const PORT = 4321;

export function add(program: Command): void {
  program
    .command('play')
    .summary('serve the playground: a page that trains networks and steps through time')
    .description(
      'Serves the playground to this machine and prints its address: a page that trains networks in the browser, steps ' +
        'through backpropagation through time with every number, and checks the gradients. Ctrl-C stops the server.',
    )
    .option(
      '--port <number>',
      'port to listen on; 0 for any free port',
      whole('play: --port', 0, 65535),
      PORT,
    )
    .action(play);
}

async function play({ port }: { port: number }): Promise<void> {
  // a service worker would go on to show the page at this address after the server has ended
  const server = await host(pageFolder(), port, ['service-worker.js']).catch(
    (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'a port in use'
          : error.code === 'EACCES'
            ? 'no permission'
            : error.message;
      throw usage(`play: --port must be free, got ${port}: ${why}`, 'use --port 0 for any free port', error);
    },
  );
  line(`The playground is at ${server.url}\nPress Ctrl-C to stop.`);
  await new Promise<void>((stopped) => onInterrupt(stopped, () => undefined));
  await server.close();
}

/** Folder of the built page: next to this file's folder in the package, in dist when run from source. */
function pageFolder(): string {
  const places = [join(__dirname, '..', 'playground'), join(__dirname, '..', 'dist', 'playground')];
  // the page's source folder has an index.html too, but no assets
  const found = places.find((folder) => existsSync(join(folder, 'assets')));
  if (!found) throw failure('play: the playground must be built first, got none', 'npm run build:play');
  return found;
}
