/** Distributes the trials of a sweep to workers on any machine through a queue, and collects the results. */
import type * as BullMq from 'bullmq';
import * as v from 'valibot';
import { parseWith } from '../io/metadata';
import { readWhole } from '../io/files';
import { fingerprint } from '../text/read';
import { commandLine } from '../terminal/arguments';
import { usage } from '../terminal/errors';
import type { Trial } from './config';
import {
  asLongAsThere,
  connectRedis,
  jobIdOf,
  KEPT,
  progressSchema,
  queueName,
  textKey,
  type Connection,
  type JobData,
} from './redis';
import type { Listener, TrialRunner } from './runner';
import { fileOf, mustBeTextOf } from './textfile';
import { outcomeSchema, type Outcome } from './outcome';

/** Number of retries of a trial after an error, with increasing pauses. */
const ATTEMPTS = 3;
/** Milliseconds between two checks of all submitted trials, because events can be missed. */
const LOOK_EVERY = 5000;
/** Maximum size of a value in Redis. */
const MOST_BYTES = 512 * 2 ** 20;

type Queue = BullMq.Queue<JobData, Outcome>;

/**
 * Connects to a queue.
 * @param fresh removes previous results of these trials from the queue.
 */
export async function queued(url: string, fresh: boolean): Promise<TrialRunner> {
  const trouble = { tell: (_text: string): void => undefined };
  const connection = await connectRedis(url, 'sweep', (text) => trouble.tell(text));
  return new Queued(connection, fresh, trouble);
}

class Queued implements TrialRunner {
  private readonly queue: Queue;
  private readonly events: BullMq.QueueEvents;
  private readonly out = new Map<string, Trial>();
  private stopped = false;
  private failure: Error | undefined;
  /** Ends the wait for events. */
  private wake: () => void = () => undefined;
  /** Ends the wait for an answer. */
  private leave: () => void = () => undefined;
  private readonly left = new Promise<void>((resolve) => (this.leave = resolve));

  constructor(
    private readonly connection: Connection,
    private readonly fresh: boolean,
    private readonly trouble: { tell: (text: string) => void },
  ) {
    const { bull, redis } = connection;
    this.queue = new bull.Queue(queueName(), { connection: redis });
    this.events = new bull.QueueEvents(queueName(), { connection: redis.duplicate() });
    // the connection reports its own errors
    this.queue.on('error', () => undefined);
    this.events.on('error', () => undefined);
  }

  async run(trials: readonly Trial[], listener: Listener): Promise<void> {
    // the server may not be reachable, so do not wait for an answer after `stop`
    await Promise.race([this.collect(trials, listener), this.left]);
    if (this.failure) throw this.failure;
  }

  private async collect(trials: readonly Trial[], listener: Listener): Promise<void> {
    this.trouble.tell = (text) => listener.note(text);
    for (const trial of trials) this.out.set(jobIdOf(trial.id), trial);
    this.listen(listener);
    await this.events.waitUntilReady();
    await this.sendTexts({ ifGone: false });
    if (this.fresh) await Promise.all([...this.out.keys()].map((id) => this.forget(id)));
    await this.add([...this.out.values()]);
    await this.tryAgain();
    let alone = false;
    while (this.out.size > 0 && !this.stopped) {
      for (const id of [...this.out.keys()]) await this.look(id, listener);
      if (this.out.size === 0 || this.stopped) break;
      const workers = await this.queue.getWorkersCount();
      if (workers === 0 && !alone)
        listener.note(
          `no workers are running; start some, on any machine:\n  ${commandLine(`worker --queue ${this.connection.address}`)}`,
        );
      alone = workers === 0;
      await this.change();
      await this.sendTexts({ ifGone: true });
    }
  }

  stop(): string {
    this.stopped = true;
    this.wake();
    this.leave();
    return 'the workers continue; run the same command again to collect their results';
  }

  async close(): Promise<void> {
    const { connection, events, queue } = this;
    await asLongAsThere(connection, Promise.allSettled([events.close(), queue.close()]));
    connection.leave();
  }

  /** Subscribes to events, which trigger checks and show progress. */
  private listen(listener: Listener): void {
    const { events, out } = this;
    const ended = ({ jobId }: { jobId: string }): void => {
      if (out.has(jobId)) this.look(jobId, listener).catch((error: unknown) => this.fail(error));
    };
    events.on('completed', ended);
    events.on('failed', ended);
    events.on('progress', ({ jobId, data }) => {
      const trial = out.get(jobId);
      const part = v.safeParse(progressSchema, data);
      if (trial && part.success) listener.moved(trial, part.output, part.output.host);
    });
    const back = (jobId: string, why: string): void => {
      const trial = out.get(jobId);
      if (!trial) return;
      listener.returned(trial);
      listener.note(`${trial.label}: ${why}; waiting for another worker`);
    };
    events.on('stalled', ({ jobId }) => back(jobId, 'its worker stopped responding'));
    events.on('waiting', ({ jobId, prev }) => {
      if (prev === 'active') back(jobId, 'its worker returned it');
    });
  }

  /** Records a trial that has ended; one that the queue no longer knows is added again. */
  private async look(jobId: string, listener: Listener): Promise<void> {
    const job = await this.queue.getJob(jobId);
    const trial = this.out.get(jobId);
    // it may have been recorded in the meantime
    if (!trial || this.stopped) return;
    if (!job) return this.add([trial]);
    if (job.finishedOn === undefined) return;
    this.out.delete(jobId);
    try {
      // a trial that has succeeded may still carry the reason of an earlier failure
      const result: unknown = job.returnvalue;
      if (result)
        listener.finished(trial, parseWith(outcomeSchema, result, `sweep: the result of ${trial.label}`));
      else listener.failed(trial, job.failedReason);
    } catch (error) {
      this.fail(error);
    }
    if (this.out.size === 0) this.wake();
  }

  private add(trials: readonly Trial[]): Promise<void> {
    const jobs = trials.map(({ id, label, settings }) => ({
      name: 'trial',
      // the local path of the text is not sent
      data: { id, label, settings: { ...settings, text: label } },
      opts: {
        jobId: jobIdOf(id),
        attempts: ATTEMPTS,
        // pauses of this and twice this, by which time a missing text has been uploaded again
        backoff: { type: 'exponential', delay: LOOK_EVERY / 2 },
        removeOnComplete: { age: KEPT },
        removeOnFail: { age: KEPT },
      },
    }));
    // a trial that already exists is not changed
    return this.queue.addBulk(jobs).then(() => undefined);
  }

  /** Retries trials that failed before this sweep started. */
  private async tryAgain(): Promise<void> {
    for (const id of this.out.keys()) {
      const job = await this.queue.getJob(id);
      if (job && (await job.isFailed()))
        await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    }
  }

  private async forget(jobId: string): Promise<void> {
    // a running trial cannot be removed, and is as good as a new one
    await (await this.queue.getJob(jobId))?.remove().catch(() => undefined);
  }

  /** Uploads the texts of all unfinished trials to the queue. */
  private async sendTexts({ ifGone }: { ifGone: boolean }): Promise<void> {
    const { redis } = this.connection;
    const texts = new Map([...this.out.values()].map(({ settings }) => [settings.sha256, settings]));
    for (const [sha256, settings] of texts) {
      if (ifGone && (await redis.expire(textKey(sha256), KEPT)) === 1) continue;
      const file = fileOf(settings);
      const bytes = readWhole(file);
      mustBeTextOf(settings, fingerprint(bytes), file);
      if (bytes.length > MOST_BYTES)
        throw usage(
          `sweep: a text must be at most 512 MB with --queue, got ${bytes.length} bytes in ${file}`,
          'run without --queue, which has no limit',
        );
      await redis.set(textKey(sha256), bytes, 'EX', KEPT);
    }
  }

  private fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    this.stop();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
