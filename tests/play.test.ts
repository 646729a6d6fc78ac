import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { host } from '../terminal/host';

const temp = mkdtempSync(join(tmpdir(), 'backstep-play-'));
const folder = join(temp, 'page');

beforeAll(() => {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<p>here</p>');
  writeFileSync(join(folder, 'assets', 'a b.js'), 'export {};');
  writeFileSync(join(temp, 'secret'), 'not yours');
});
afterAll(() => rmSync(temp, { recursive: true }));

interface Answer {
  status: number;
  type: string;
  text: string;
}

/** The path goes out as it is: `fetch` would tidy it up. */
const get = (url: string, path: string, method = 'GET'): Promise<Answer> =>
  new Promise((answered, failed) => {
    request(url, { path, method }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () =>
        answered({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
      );
    })
      .on('error', failed)
      .end();
  });

describe('host', () => {
  it('keeps back what it is told to', async () => {
    const server = await host(folder, 0, ['assets/a b.js']);
    for (const path of ['/assets/a%20b.js', '//assets/../assets/a%20b.js'])
      expect((await get(server.url, path)).status).toBe(404);
    expect((await get(server.url, '/')).status).toBe(200);
    await server.close();
  });

  let server: Awaited<ReturnType<typeof host>>;
  beforeAll(async () => {
    server = await host(folder, 0);
  });
  afterAll(() => server.close());

  test.each([
    ['/', 'text/html', '<p>here</p>'],
    ['/index.html?x=1', 'text/html', '<p>here</p>'],
    ['/assets/a%20b.js', 'text/javascript', 'export {};'],
  ])('%s', async (path, type, text) => {
    const answer = await get(server.url, path);
    expect([answer.status, answer.text]).toEqual([200, text]);
    expect(answer.type).toContain(type);
  });

  test.each([
    ['/none.html', 404],
    ['/assets', 404],
    ['/../secret', 404],
    ['/%2e%2e/secret', 404],
    ['/assets/..%2f..%2fsecret', 404],
    ['/index.html%00.js', 404],
    ['/%', 400],
  ])('%s is answered %d, and nothing outside the folder is read', async (path, status) => {
    const answer = await get(server.url, path);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('not yours');
  });

  test('HEAD has no body, and nothing can be written', async () => {
    expect(await get(server.url, '/', 'HEAD')).toMatchObject({ status: 200, text: '' });
    expect(await get(server.url, '/', 'POST')).toMatchObject({ status: 405 });
  });

  test('a port in use is an error', async () => {
    const port = Number(new URL(server.url).port);
    await expect(host(folder, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

test.each([
  ['70000', /play: --port must be a whole number in 0 … 65535, got 70000/],
  ['x', /play: --port must be a whole number in 0 … 65535, got x/],
])('backstep play --port %s is refused', (port, message) => {
  const words = ['-r', './scripts/register.js', 'cli/main.ts', 'play', '--port', port];
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd: join(__dirname, '..'),
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
