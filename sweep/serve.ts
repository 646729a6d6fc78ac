/** A worker: takes trials from a queue, runs them in threads of this process, and returns the results. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Job } from 'bullmq';
import { parseWith } from '../io/metadata';
import { readWhole, writeWhole } from '../io/files';
import { fingerprint } from '../text/read';
import { exitCodes } from '../terminal/errors';
import { onInterrupt } from '../terminal/interrupt';
import { outFolder } from '../terminal/outfolder';
import { line } from '../terminal/output';
import { inWords, type Outcome } from './outcome';
import { TrialPool } from './pool';
import {
  asLongAsThere,
  connectRedis,
  jobSchema,
  queueName,
  textKey,
  type Connection,
  type JobData,
} from './redis';

export interface WorkerOptions {
  queue: string;
  jobs: number;
  out: string;
  stalledAfter: number;
}

/** Milliseconds between two progress reports of a trial. */
const REPORT_EVERY = 1000;
/** How often a trial may lose its worker before it is considered the cause. */
const MOST_STALLED = 5;

/** Works until it is stopped; returns the exit code. */
export async function serveQueue({ queue, jobs, out, stalledAfter }: WorkerOptions): Promise<number> {
  outFolder('worker', out, () => undefined);
  const connection = await connectRedis(queue, 'worker', line);
  const { bull, redis, address } = connection;
  const pool = new TrialPool(jobs);
  const run = (job: Job<JobData, Outcome>, token?: string): Promise<Outcome> =>
    work(job, token, pool, out, connection).catch((error: unknown) => {
      // returned to the queue, not failed
      if (error instanceof bull.WaitingError) throw error;
      // for instance a full disk: the sweep's message must name the machine
      throw new Error(`${(error as Error).message} (on ${hostname()})`, { cause: error });
    });
  const worker = new bull.Worker<JobData, Outcome>(queueName(), run, {
    connection: redis,
    concurrency: jobs,
    lockDuration: stalledAfter * 1000,
    stalledInterval: stalledAfter * 1000,
    maxStalledCount: MOST_STALLED,
    // without spaces: Redis would reject the name, and the worker would be invisible
    name: `${hostname()}:${process.pid}`,
  });
  const objections = new Set<string>();
  worker.on('error', ({ name, message }) => {
    // the connection reports its own loss
    if (name !== 'ReplyError' || objections.has(message)) return;
    objections.add(message);
    line(`error from ${address}: ${message}`);
  });
  worker.on('completed', ({ data }, outcome) => line(`${data.label}: ${inWords(outcome)}`));
  worker.on('failed', (job, { message }) => line(`${job?.data.label ?? 'a trial'}: failed: ${message}`));
  line(`waiting for trials from ${address}, up to ${jobs} in parallel; models are saved in ${out}`);

  const stopped = new Promise<number>((resolve) => {
    const interrupt = onInterrupt(
      () => {
        line(
          'stopping: running trials are saved and returned to the queue; press Ctrl-C again to stop at once',
        );
        pool.stop();
        const given = worker.close();
        const end = (): void => resolve(interrupt.code ?? exitCodes.interrupted);
        // a trial that cannot be returned goes to other workers after a timeout
        void pool.idle().then(() => asLongAsThere(connection, given).then(end, end));
      },
      () => undefined,
    );
  });
  const code = await stopped;
  await pool.close();
  connection.leave();
  return code;
}

async function work(
  job: Job<JobData, Outcome>,
  token: string | undefined,
  pool: TrialPool,
  out: string,
  { bull, redis }: Connection,
): Promise<Outcome> {
  const { id, label, settings } = parseWith(jobSchema, job.data, 'worker: a trial');
  const text = resolve(out, 'texts', `${settings.sha256}.txt`);
  if (!existsSync(text) || fingerprint(readWhole(text)) !== settings.sha256) {
    const bytes = await redis.getBuffer(textKey(settings.sha256));
    const sha256 = bytes && fingerprint(bytes);
    if (!bytes || sha256 !== settings.sha256)
      throw new Error(
        `worker: the text must be in the queue, got ${bytes ? 'a different one' : 'none'} (start the sweep again)`,
      );
    writeWhole(text, bytes);
  }
  line(`${label}: started`);
  let reported = 0;
  // an absolute path, because the sweep may run in another folder of this machine
  const folder = resolve(out, 'models', id);
  const order = { settings: { ...settings, text }, text, folder };
  const outcome = await pool.run(order, (part) => {
    if (performance.now() - reported < REPORT_EVERY) return;
    reported = performance.now();
    job.updateProgress({ ...part, host: hostname() }).catch(() => undefined); // progress reports are optional
  });
  if (outcome) return outcome;
  await job.moveToWait(token);
  throw new bull.WaitingError();
}
