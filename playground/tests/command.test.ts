/** `backstep play` as a user runs it, on the built page. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { host } from '../../terminal/host';
import { pageFolder } from './browser';

const start = (port: string): ChildProcess =>
  spawn(process.execPath, ['-r', './scripts/register.js', 'cli/main.ts', 'play', '--port', port], {
    cwd: join(__dirname, '..', '..'),
  });
const ended = (child: ChildProcess): Promise<{ code: number | null; stderr: string }> =>
  new Promise((done) => {
    let stderr = '';
    child.stderr?.on('data', (part) => (stderr += String(part)));
    child.on('exit', (code) => done({ code, stderr }));
  });

test('it prints its address, serves the page, and Ctrl-C ends it', async () => {
  const child = start('0');
  const end = ended(child);
  const url = await new Promise<string>((found) =>
    child.stdout?.on('data', (part) => {
      const [address] = /http:\/\/\S+/.exec(String(part)) ?? [];
      if (address) found(address);
    }),
  );
  expect(await (await fetch(url)).text()).toContain('Backstep playground');
  // it would outlive the server
  expect((await fetch(new URL('service-worker.js', url))).status).toBe(404);
  child.kill('SIGINT');
  expect(await end).toEqual({ code: 0, stderr: '' });
});

test('a port in use is reported with its fix', async () => {
  const server = await host(pageFolder, 0);
  const { code, stderr } = await ended(start(new URL(server.url).port));
  await server.close();
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /play: --port must be free, got \d+: a port in use\n {2}fix: use --port 0 for any free port/,
  );
});
