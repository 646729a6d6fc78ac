/** Sweeps over a queue: a real Redis server, real workers, and the effects of killing any of them. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { readSweep } from '../sweep/config';
import { describeWith } from './outside';
import { Running, started } from './running';

const root = join(__dirname, '..');
const there = spawnSync('redis-server', ['--version']).status === 0;

describeWith(there, 'sweeps over a queue (Debian: redis-server)')('a sweep over a queue', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-queue-'));
  const children = new Set<Running>();
  const fixed = { text: 'text.txt', steps: 1500, hidden: 24, batch: 4, seq: 10 };
  let daemon: ChildProcess;
  let port: number;
  let redis: Redis;
  let url: string;

  beforeAll(async () => {
    // below those that the system gives to connections: it can come back on the same one
    do port = randomInt(10_000, 32_000);
    while (!(await serves()));
    url = `redis://127.0.0.1:${port}`;
    redis = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    await redis.ping();
    writeFileSync(join(folder, 'text.txt'), 'she sells sea shells by the sea shore\n'.repeat(40));
    writeFileSync(
      join(folder, 'grid.json'),
      JSON.stringify({ fixed, vary: { cell: ['gru', 'lstm', 'elman'] }, seeds: 2 }),
    );
    writeFileSync(join(folder, 'long.json'), JSON.stringify({ fixed: { ...fixed, steps: 10_000_000 } }));
  });
  afterAll(() => {
    redis.disconnect();
    daemon.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const { child } of children) child.kill('SIGKILL');
    children.clear();
    await redis.flushall();
  });

  /** Starts the server; false where something else has its port. */
  async function serves(): Promise<boolean> {
    const options = ['--port', String(port), '--save', '', '--bind', '127.0.0.1'];
    const running = new Running((daemon = spawn('redis-server', options)));
    return running.says('Ready to accept connections').then(
      () => true,
      () => false,
    );
  }

  const run = (...words: string[]): Running => {
    const running = started(folder, words);
    children.add(running);
    return running;
  };
  const sweep = (out: string, config = 'grid.json', ...more: string[]) =>
    run('sweep', config, '--out', out, '--queue', url, ...more);
  /** Runs a worker: one that is to be killed is soon considered stalled, any other has time for its heartbeat. */
  const worker = (out: string, stalledAfter = '5') =>
    run('worker', '--queue', url, '--jobs', '1', '--stalled-after', stalledAfter, '--out', out);
  const doomed = (out: string) => worker(out, '1');

  const figuresOf = (out: string) =>
    readFileSync(join(folder, out, 'trials.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => ({ ...(JSON.parse(line) as { id: string }), seconds: 0, model: '' }))
      .sort((a, b) => a.id.localeCompare(b.id));
  let expected: ReturnType<typeof figuresOf>;

  beforeAll(async () => {
    const { status } = await run('sweep', 'grid.json', '--out', 'embedded').end;
    expect(status).toBe(0);
    expected = figuresOf('embedded');
    expect(expected).toHaveLength(6);
  });

  it('workers killed in the middle of trials, and the sweep itself: every trial is there once, with the figures of an embedded sweep', async () => {
    const first = sweep('queued');
    await first.says('no workers are running; start some, on any machine:');
    const a = doomed('a');
    const b = doomed('b');
    await a.says(': started', 2);
    await a.kill('SIGKILL');
    await b.says(': started', 2);
    // trials that end while nobody collects wait in the queue
    await first.kill('SIGKILL');
    await b.says('bits/char', 2);
    await b.kill('SIGKILL');

    const c = worker('c');
    expect((await sweep('queued').end).status).toBe(0);
    expect(figuresOf('queued')).toEqual(expected);
    // killed trials were started again
    const begins = [a, b, c].map(({ output }) => output.split(': started').length - 1);
    expect(begins[0] + begins[1] + begins[2]).toBeGreaterThan(6);
    // the same sweep from elsewhere: the queue remembers, nothing is trained again
    const begun = c.output.split(': started').length;
    expect((await sweep('elsewhere').end).status).toBe(0);
    expect(figuresOf('elsewhere')).toEqual(expected);
    expect(c.output.split(': started').length).toBe(begun);
    // and with --fresh it is
    const fresh = await sweep('elsewhere', 'grid.json', '--fresh').end;
    expect(fresh.status).toBe(0);
    // c has been there all the time
    expect(fresh.output).not.toContain('no workers are running');
    // its models are found from any folder of the machine
    expect(fresh.output).toContain(`sample ${join(folder, 'c', 'models')}`);
    expect(c.output.split(': started').length).toBe(begun + 6);
    expect(figuresOf('elsewhere')).toEqual(expected);
    expect((await c.kill('SIGINT')).status).toBe(130);
  });

  it('a worker that is killed loses its trial to another; one that is asked to stop saves it and gives it back', async () => {
    const long = sweep('long', 'long.json');
    const a = doomed('a');
    await a.says(': started');
    await a.kill('SIGKILL');
    const b = worker('b');
    await long.says('its worker stopped responding; waiting for another worker');
    await b.says(': started');
    const { status, output } = await b.kill('SIGINT');
    expect(status).toBe(130);
    expect(output).toMatch(/stopping: running trials are saved and returned to the queue/);
    await long.says('its worker returned it; waiting for another worker');
    const c = worker('c');
    await c.says(': started');
    // the sweep can end: the worker keeps running
    const left = await long.kill('SIGINT');
    expect(left.status).toBe(130);
    expect(left.output).toMatch(/the workers continue; run the same command again to collect their results/);
    expect(c.child.exitCode).toBeNull();
  });

  it('a trial that fails is tried three times; the same command tries it again', async () => {
    const { id } = expected[0];
    const model = join(folder, 'c', 'models', id);
    mkdirSync(model, { recursive: true });
    writeFileSync(join(model, 'checkpoint.safetensors'), 'none');
    const c = worker('c');
    const { status, output } = await sweep('hindered').end;
    expect(status).toBe(1);
    expect(output).toMatch(/: failed: checkpoint: .* must be a whole checkpoint.*\n/);
    expect(c.output.split(': failed: checkpoint: ').length - 1).toBe(3);
    // which of many machines it was
    expect(output.split(`(on ${hostname()})\n`).length - 1).toBe(1);
    expect(output).toMatch(/\n5 of 6 trials have ended; run the same command to continue\n$/);
    rmSync(model, { recursive: true });
    expect((await sweep('hindered').end).status).toBe(0);
    expect(figuresOf('hindered').filter((line) => 'validation' in line)).toEqual(expected);
  });

  it('a text that the queue has lost, or that is damaged where a worker keeps it, is sent again', async () => {
    writeFileSync(join(folder, 'one.json'), JSON.stringify({ fixed: { ...fixed, steps: 20 } }));
    const running = sweep('evicted', 'one.json');
    await running.says('no workers are running; start some, on any machine:');
    const [key, ...more] = await redis.keys('backstep:text:*');
    expect(more).toEqual([]);
    // the sweep may send it again only when the worker has missed it
    running.child.kill('SIGSTOP');
    await redis.del(key);
    const texts = join(folder, 'damaged', 'texts');
    mkdirSync(texts, { recursive: true });
    const textFile = join(texts, `${key.slice('backstep:text:'.length)}.txt`);
    writeFileSync(textFile, 'she sells');
    await worker('damaged').says('failed: worker: the text must be in the queue, got none');
    running.child.kill('SIGCONT');
    const { status, output } = await running.end;
    expect(status).toBe(0);
    // its first failure no longer matters
    expect(output).not.toContain('failed');
    expect(readFileSync(textFile).equals(readFileSync(join(folder, 'text.txt')))).toBe(true);
  });

  it('a text that is another one than when the sweep began is not sent', async () => {
    writeFileSync(join(folder, 'passing.txt'), 'peter piper picked a peck of pickled pepper\n'.repeat(40));
    writeFileSync(
      join(folder, 'passing.json'),
      JSON.stringify({ fixed: { ...fixed, text: 'passing.txt', steps: 20 } }),
    );
    const running = sweep('passing', 'passing.json');
    await running.says('no workers are running; start some, on any machine:');
    writeFileSync(join(folder, 'passing.txt'), 'peter piper');
    await redis.flushall();
    const { status, output } = await running.end;
    expect(status).not.toBe(0);
    expect(output).toMatch(
      /sweep: .*passing\.txt must stay as it was when the sweep began, got another text/,
    );
  });

  it('a worker tells what the server objects to', async () => {
    await redis.config('SET', 'maxmemory', '1');
    try {
      await worker('full').says(': OOM');
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });

  it('a server that goes, and comes back empty, costs nothing but time', async () => {
    const running = sweep('lost');
    const a = worker('a');
    await running.says('bits/char');
    daemon.kill('SIGKILL');
    await running.says('lost the connection to ');
    await a.says('lost the connection to ');
    rmSync(join(folder, 'a', 'texts'), { recursive: true });
    while (!(await serves()));
    const { status, output } = await running.end;
    expect(status).toBe(0);
    expect(output.split('reconnecting').length - 1).toBe(1);
    expect(figuresOf('lost')).toEqual(expected);
  });

  /** Waits until a trial has reported progress. */
  async function trained(): Promise<void> {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const queue = new Queue(`backstep-${version}`, { connection: redis });
    for (;;) {
      const [job] = await queue.getActive();
      if (typeof job?.progress === 'object') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await queue.close();
  }

  it.each([
    ['has gone', 'SIGKILL'],
    ['hangs', 'SIGSTOP'],
  ] as const)(
    'a server that %s keeps neither a sweep nor a worker from ending at the first Ctrl-C',
    async (_what, signal) => {
      const running = sweep(`away-${signal}`, 'long.json');
      const a = worker(`away-${signal}-a`);
      await a.says(': started');
      // the first step has been made
      await trained();
      daemon.kill(signal);
      try {
        if (signal === 'SIGKILL')
          await Promise.all([running.says('lost the connection to '), a.says('lost the connection to ')]);
        // whether a command already waits for its answer cannot be observed; the result must be the same if none does
        else await new Promise((resolve) => setTimeout(resolve, 1000));
        const [swept, worked] = await Promise.all([running.kill('SIGINT'), a.kill('SIGINT')]);
        expect([swept.status, worked.status]).toEqual([130, 130]);
        expect(swept.output + worked.output).not.toMatch(/^\s+at |Unhandled/m);
        const models = join(folder, `away-${signal}-a`, 'models');
        const [id] = readdirSync(models);
        expect(readdirSync(join(models, id))).toEqual(['checkpoint.safetensors']);
      } finally {
        if (signal === 'SIGKILL') while (!(await serves()));
        else daemon.kill('SIGCONT');
      }
    },
  );

  it('what somebody else has put into the queue can neither name a file nor write to the terminal', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const queue = new Queue(`backstep-${version}`, { connection: redis });
    const { settings } = readSweep(join(folder, 'grid.json')).trials[0];
    const a = worker('a');
    await a.says('waiting for trials');
    await queue.add('trial', { id: '../../escaped', label: 'far away', settings });
    await a.says('a trial: id must be', 1);
    await redis.set(`backstep:text:${'0'.repeat(64)}`, 'another text');
    const forged = { ...settings, sha256: '0'.repeat(64) };
    await queue.add('trial', { id: '0'.repeat(16), label: 'red \u001b[31m', settings: forged });
    await a.says('red ·[31m: failed: worker: the text must be in the queue, got a different one');
    expect(a.output).not.toContain('\u001b');
    expect(existsSync(join(folder, 'escaped'))).toBe(false);
    await queue.close();
  });
});
