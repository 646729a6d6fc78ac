/** The result of a trial as a line of the sweep's file. */
import * as v from 'valibot';
import type { Records } from '../io/records';
import type { Trial } from './config';
import { outcomeSchema, type Outcome } from './outcome';

const trial = {
  id: v.string(),
  varied: v.record(v.string(), v.unknown()),
  settings: v.record(v.string(), v.unknown()),
};
export const recordSchema = v.variant('status', [
  v.object({ ...trial, ...outcomeSchema.entries }),
  v.object({ ...trial, status: v.literal('failed'), error: v.string() }),
]);
export type Record = v.InferOutput<typeof recordSchema>;
export type Ended = Extract<Record, Outcome>;

export const ended = ({ id, varied, settings }: Trial, outcome: Outcome): Ended => ({
  ...{ id, ...outcome },
  ...{ varied, settings },
});

export const failed = ({ id, varied, settings }: Trial, error: string): Record => ({
  ...{ id, status: 'failed' as const, error },
  ...{ varied, settings },
});

/** The finished trials by id; failed ones are not among them, because they are retried. */
export function endedIn({ all }: Records<typeof recordSchema>): Map<string, Ended> {
  const found = all.filter((record): record is Ended => record.status !== 'failed');
  return new Map(found.map((record) => [record.id, record]));
}
