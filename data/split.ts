/** Splits rows into training, validation and test sets: by time, by groups, or at random. */
import { must, mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import { Random } from '../core/random';

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
   * stay together; `rows` (default): each row independently.
   */
  by?: 'rows' | 'groups' | 'time';
  /** The group of each row. */
  groups?: ArrayLike<string | number>;
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
  mustKnowKeys(options, ['by', 'groups', 'validation', 'test', 'seed'], where);
  const { by = 'rows', groups, validation = 0.15, test = 0.15, seed = 0 } = options;
  mustBeOneOf(by, ['rows', 'groups', 'time'], where, 'by');
  const shares = validation >= 0 && test >= 0 && validation + test < 1;
  must(shares, where, 'validation and test must be shares below 1 in all', `${validation} and ${test}`);
  // units are groups or single rows
  const units = unitsOf(rows, by, groups);
  if (by !== 'time') new Random(seed).shuffle(units);
  const count = (share: number): number => Math.round(share * units.length);
  const last = units.length - count(test);
  const middle = last - count(validation);
  const least = by === 'groups' ? 'groups' : 'rows';
  must(middle > 0, where, `there must be enough ${least} for training`, units.length);
  const part = (from: number, to: number): number[] =>
    units
      .slice(from, to)
      .flat()
      .sort((a, b) => a - b);
  return { training: part(0, middle), validation: part(middle, last), test: part(last, units.length) };
}

function unitsOf(rows: number, by: string, groups: SplitOptions['groups']): number[][] {
  if (by !== 'groups') return Array.from({ length: rows }, (_, k) => [k]);
  must(groups?.length === rows, 'split', `groups must be of ${rows} rows`, groups?.length ?? 'none');
  const units = new Map<string | number, number[]>();
  for (let k = 0; k < rows; k++) {
    const unit = units.get(groups[k]);
    if (unit) unit.push(k);
    else units.set(groups[k], [k]);
  }
  return [...units.values()];
}
