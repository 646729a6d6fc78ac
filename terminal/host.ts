/** Serves a folder over HTTP to this machine only, for the playground. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Serves the files of `folder` at http://127.0.0.1:port/, but for those `without`; port 0 picks a free one.
 * @throws the system's error when the port is not available.
 */
export async function host(
  folder: string,
  port: number,
  without: readonly string[] = [],
): Promise<{ url: string; close: () => Promise<void> }> {
  const hidden = without.map((path) => join(folder, path));
  const server = createServer((request, response) => void answer(folder, hidden, request, response));
  await new Promise<void>((ready, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', ready);
  });
  const address = server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  return { url: `http://127.0.0.1:${taken}/`, close: () => end(server) };
}

async function answer(
  folder: string,
  hidden: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const say = (status: number, words: string, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${words}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return say(405, 'only GET and HEAD are allowed', { allow: 'GET, HEAD' });
  let file: string;
  try {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    file = join(folder, decodeURIComponent(pathname));
  } catch {
    return say(400, 'malformed URL');
  }
  if (file.endsWith(sep)) file += 'index.html';
  if (!file.startsWith(folder + sep) || file.includes('\0') || hidden.includes(file))
    return say(404, 'no such file');
  try {
    // a page may be addressed without `.html`
    if (extname(file) === '') file += '.html';
    const contents = await readFile(file);
    const type = types[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'cache-control': 'no-cache',
      'content-length': contents.length,
    });
    response.end(request.method === 'HEAD' ? undefined : contents);
  } catch {
    say(404, 'no such file');
  }
}

/** Stops listening and closes open connections. */
function end(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}
