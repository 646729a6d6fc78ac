/** The Redis connection that a sweep and its workers share: the queue and the texts. */
import { setTimeout as pause } from 'node:timers/promises';
import type * as BullMq from 'bullmq';
import type * as Ioredis from 'ioredis';
import * as v from 'valibot';
import { usage } from '../terminal/errors';
import { settingsSchema } from '../text/settings';
import { version } from '../terminal/version';

/** Maximum milliseconds of an orderly shutdown, in case the server does not answer. */
const PATIENCE = 5000;

/** Waits for `work` on the server for a limited time, and not at all while it is not connected. */
export const asLongAsThere = ({ redis }: Connection, work: Promise<unknown>): Promise<unknown> =>
  redis.status === 'ready'
    ? Promise.race([work, pause(PATIENCE, undefined, { ref: false })])
    : Promise.resolve();

/** A trial in the queue. Its text is stored separately, under its fingerprint. */
export const jobSchema = v.object({
  // used as a folder name
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  label: v.string(),
  settings: settingsSchema,
});
export type JobData = v.InferOutput<typeof jobSchema>;

/** Progress of a trial, and the machine where it runs. */
export const progressSchema = v.object({ done: v.number(), bits: v.number(), host: v.string() });

/** Seconds after which unfetched results and texts expire: a week. */
export const KEPT = 7 * 24 * 3600;
/** Each version has its own queue, because results may differ between versions. */
export const queueName = (): string => `backstep-${version()}`;
/** A prefix, because BullMQ does not accept integers as ids, and some fingerprints look like one. */
export const jobIdOf = (id: string): string => `trial-${id}`;
export const textKey = (sha256: string): string => `backstep:text:${sha256}`;

export interface Connection {
  bull: typeof BullMq;
  redis: Ioredis.Redis;
  /** The address without its password. */
  address: string;
  /** Closes every connection; pending requests fail. Does not wait for an unreachable server. */
  leave: () => void;
}

/**
 * Connects to a Redis server.
 *
 * @param onTrouble called once each time the connection is lost; reconnection is automatic.
 * @throws CommandError for an invalid address, if no server answers, or if the packages are not installed.
 */
export async function connectRedis(
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
    // an unreachable server is an error at the start; later, keep trying to reconnect
    retryStrategy: (times) => (begun ? Math.min(200 * times, 5000) : null),
  });
  // the queue opens further connections from this one
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

/** Loads packages that are installed with a clone; users of the npm package must add them to use a queue. */
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
