/** Splits rows into training, validation and test sets: by time, by groups, by classes, or at random. */
import { must, mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import { Random } from '../core/random/random';

/** Row indices in ascending order. */
export interface Split {
  training: number[];
  validation: number[];
  test: number[];
}

/** Options of a split. */
export interface SplitOptions {
  /**
   * `time`: the first rows are for training, the last ones for the test, without shuffling; `groups`: the rows of a group
   * stay together; `classes`: every class is split in the same proportions, and one that is too rare is for training;
   * `rows` (default): each row independently.
   */
  by?: 'rows' | 'groups' | 'classes' | 'time';
  /** The group of each row. */
  groups?: ArrayLike<string | number>;
  /** The class of each row. */
  classes?: ArrayLike<string | number>;
  /** Fractions of validation and test rows; default 0.15 each. */
  validation?: number;
  test?: number;
  /** Seed of the random choice; default 0. */
  seed?: number;
}

/**
 * Splits `rows` rows into three sets.
 *
 * @throws RangeError for a fraction outside 0…1, or if the training set would be empty.
 * @example
 * split(10, { by: 'time', validation: 0.2, test: 0.1 }).validation; // [7, 8]
 * const { training, test } = split(6, { by: 'groups', groups: ['a', 'a', 'b', 'b', 'c', 'c'], validation: 0, test: 0.34 });
 * training.length + test.length; // 6
 */
export function split(rows: number, options: SplitOptions = {}): Split {
  const where = 'split';
  mustCount(rows, where, 'rows');
  mustKnowKeys(options, ['by', 'groups', 'classes', 'validation', 'test', 'seed'], where);
  const { by = 'rows', groups, classes, validation = 0.15, test = 0.15, seed = 0 } = options;
  mustBeOneOf(by, ['rows', 'groups', 'classes', 'time'], where, 'by');
  const shares = validation >= 0 && test >= 0 && validation + test < 1;
  must(
    shares,
    where,
    'validation and test must be fractions that sum to less than 1',
    `${validation} and ${test}`,
  );
  // units are groups or single rows; each lot is split by itself
  const single = (own: readonly number[]): number[][] => own.map((row) => [row]);
  const all = Array.from({ length: rows }, (_, k) => k);
  const lots =
    by === 'classes'
      ? alike(rows, classes, 'classes').map(single)
      : [by === 'groups' ? alike(rows, groups, 'groups') : single(all)];
  const random = new Random(seed);
  const parts: Split = { training: [], validation: [], test: [] };
  for (const units of lots) {
    if (by !== 'time') random.shuffle(units);
    const count = (fraction: number): number => Math.round(fraction * units.length);
    const last = units.length - count(test);
    const middle = last - count(validation);
    const least = by === 'groups' ? 'groups' : 'rows';
    const rare = by === 'classes' && middle <= 0;
    must(rare || middle > 0, where, `there must be enough ${least} for training`, units.length);
    // a part may hold more rows than a call takes arguments
    const add = (part: keyof Split, low: number, high?: number): void => {
      parts[part] = parts[part].concat(units.slice(low, high).flat());
    };
    const [from, to] = rare ? [units.length, units.length] : [middle, last];
    add('training', 0, from);
    add('validation', from, to);
    add('test', to);
  }
  for (const part of Object.values(parts) as number[][]) part.sort((a, b) => a - b);
  return parts;
}

/** Collects rows with equal values. */
function alike(rows: number, of: ArrayLike<string | number> | undefined, name: string): number[][] {
  must(of?.length === rows, 'split', `${name} must be of ${rows} rows`, of?.length ?? 'none');
  const units = new Map<string | number, number[]>();
  for (let k = 0; k < rows; k++) {
    const unit = units.get(of[k]);
    if (unit) unit.push(k);
    else units.set(of[k], [k]);
  }
  return [...units.values()];
}
