/** The options that the benchmarks share, and how their values are read. */
import { oneOf, whole } from '../terminal/arguments';
import { clockNames } from '../measure/timing';
import { workloads } from '../measure/workloads';

/** Options of every benchmark. */
export const common = {
  smallest: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  out: { type: 'string' },
} as const;

/** Options of a benchmark that measures in rounds, with their usual number. */
export const timed = (rounds: string) =>
  ({
    ...common,
    rounds: { type: 'string', default: rounds },
    clock: { type: 'string', default: 'wall' },
  }) as const;

/** `wall` or `cpu`, for processor time. */
export const clockOf = oneOf('--clock', clockNames);

export const roundsOf = whole('--rounds');

const dtypes = ['float32', 'float64'] as const;

/** The one that is named, or both. */
export const dtypesOf = (text: string | undefined): readonly (typeof dtypes)[number][] =>
  text === undefined ? dtypes : [oneOf('--dtype', dtypes)(text)];

/** The names in a list such as `W1,W6`; undefined if there is none. */
export const workloadsOf = (text: string | undefined): string[] | undefined =>
  text?.split(',').map(
    oneOf(
      '--workload',
      workloads.map(({ name }) => name),
    ),
  );
