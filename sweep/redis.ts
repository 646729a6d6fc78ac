/** What a sweep and its workers share: a Redis server, the queue in it, and the texts. */
import { setTimeout as pause } from 'node:timers/promises';
import type * as BullMq from 'bullmq';
import type * as Ioredis from 'ioredis';
import * as v from 'valibot';
import { usage } from '../terminal/errors';
import { settingsSchema } from '../text/settings';
import { version } from '../terminal/version';

/** Milliseconds that an orderly end may take; a server that is away, or hangs, would have it last for ever. */
const PATIENCE = 5000;

/** Waits for `work` that needs the server, as long as there is one that answers. */
export const asLongAsThere = ({ redis }: Connection, work: Promise<unknown>): Promise<unknown> =>
  redis.status === 'ready'
    ? Promise.race([work, pause(PATIENCE, undefined, { ref: false })])
    : Promise.resolve();

/** A trial as it stands in the queue. Its text lies beside it, by its fingerprint. */
export const jobSchema = v.object({
  // it names a folder
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  label: v.string(),
  settings: settingsSchema,
});
export type JobData = v.InferOutput<typeof jobSchema>;

/** How far a trial is, and where. */
export const progressSchema = v.object({ done: v.number(), bits: v.number(), host: v.string() });

/** Results and texts that nobody has fetched for so many seconds are forgotten: a week. */
export const KEPT = 7 * 24 * 3600;
/** Other versions may learn other numbers: they have queues of their own. */
export const queueName = (): string => `backstep-${version()}`;
/** BullMQ takes no whole number for an id, and some fingerprints look like one. */
export const jobIdOf = (id: string): string => `trial-${id}`;
export const textKey = (sha256: string): string => `backstep:text:${sha256}`;

export interface Connection {
  bull: typeof BullMq;
  redis: Ioredis.Redis;
  /** The address without its password. */
  address: string;
  /** Hangs up, on every connection; what waits for an answer fails. A server that is away is not waited for. */
  leave: () => void;
}

/**
 * Connects to a Redis server.
 *
 * @param onTrouble is told when the connection is lost, once each time; it comes back by itself.
 * @throws CommandError when the address is none, nobody answers, or the packages are not installed.
 */
export async function connect(
  url: string,
  command: string,
  onTrouble: (text: string) => void,
): Promise<Connection> {
  const fix = '--queue redis://HOST:6379, or redis://:PASSWORD@HOST:6379';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !['redis:', 'rediss:'].includes(parsed.protocol))
    throw usage(`${command}: --queue must be the address of a Redis server, got ${url || "''"}`, fix);
  parsed.password = '';
  const address = parsed.href;
  const [bull, { Redis }] = packages(command);
  let begun = false;
  let lost = false;
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    // nobody there at the start is an error, later on a matter of patience
    retryStrategy: (times) => (begun ? Math.min(200 * times, 5000) : null),
  });
  // the queue makes further connections of this one
  const connections = [redis];
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (options) => {
    const made = duplicate(options);
    connections.push(made);
    return made;
  };
  const leave = (): void => connections.forEach((each) => each.disconnect());
  let cause: Error | undefined;
  redis.on('error', (error: Error) => {
    cause ??= error;
    if (!begun || lost) return;
    lost = true;
    onTrouble(`lost the connection to ${address} (${error.message}); reconnecting`);
  });
  redis.on('ready', () => (lost = false));
  try {
    await redis.connect();
    await redis.ping();
    begun = true;
  } catch (error) {
    redis.disconnect();
    const { message } = cause ?? (error as Error);
    throw usage(
      `${command}: --queue must be a reachable Redis server, got ${address}: ${message}`,
      fix,
      error,
    );
  }
  return { bull, redis, address, leave };
}

/** They are installed with a clone; who uses the package adds them where a queue is wanted. */
function packages(command: string): [typeof BullMq, typeof Ioredis] {
  try {
    /* eslint-disable @typescript-eslint/no-require-imports */
    return [require('bullmq') as typeof BullMq, require('ioredis') as typeof Ioredis];
    /* eslint-enable @typescript-eslint/no-require-imports */
  } catch (error) {
    throw usage(
      `${command}: --queue must have the packages bullmq and ioredis installed, got none`,
      'npm install bullmq ioredis',
      error,
    );
  }
}
