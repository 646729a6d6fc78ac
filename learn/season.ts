/** The spacing of dates, the usual season that goes with it, and the dates that follow. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A spacing of dates: in calendar months for months and years, which vary in length, else in milliseconds. */
export interface Spacing {
  name: string;
  /** Steps in the usual season; null if there is none. */
  season: number | null;
  months?: number;
  milliseconds?: number;
}

/** Months since year 0. */
const monthOf = (time: number): number => {
  const date = new Date(time);
  return 12 * date.getUTCFullYear() + date.getUTCMonth();
};

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Number of steps that tell the spacing. */
const ENOUGH = 10_000;

const usual: [milliseconds: number, name: string, season: number][] = [
  [HOUR, 'hourly', 24],
  [DAY, 'daily', 7],
  [7 * DAY, 'weekly', 52],
];
const calendar: [months: number, name: string, season: number | null][] = [
  [1, 'monthly', 12],
  [3, 'quarterly', 4],
  [12, 'yearly', null],
];

/**
 * The spacing of ascending times: the median of their first 10,000 steps.
 * @example spacingOf([Date.UTC(2020, 0, 1), Date.UTC(2020, 1, 1), Date.UTC(2020, 2, 1)]).season // 12
 */
export function spacingOf(times: ArrayLike<number>): Spacing {
  const steps = Array.from({ length: Math.min(ENOUGH, times.length - 1) }, (_, k) => times[k + 1] - times[k]);
  const milliseconds = steps.length > 0 ? median(steps) : DAY;
  const months = median(
    steps.map((_, k) => monthOf(times[k + 1]) - monthOf(times[k])).concat(steps.length > 0 ? [] : [0]),
  );
  if (milliseconds >= 28 * DAY && months >= 1) {
    const [, name = `every ${months} months`, season = null] = calendar.find(([m]) => m === months) ?? [];
    return { name, season, months };
  }
  const [, name = 'even', season = null] = usual.find(([step]) => step === milliseconds) ?? [];
  return { name, season, milliseconds };
}

/** The time `steps` steps later. */
export function after(time: number, steps: number, { months, milliseconds = DAY }: Spacing): number {
  if (months === undefined) return time + steps * milliseconds;
  const date = new Date(time);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + steps * months);
  // the last day of a month stays the last
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const wasLast = new Date(time + DAY).getUTCDate() === 1;
  date.setUTCDate(wasLast ? last : Math.min(day, last));
  return date.getTime();
}

/** Formats a time as files write it: with the hour only if there is one. */
export const dateText = (time: number): string => {
  const text = new Date(time).toISOString();
  return time % DAY === 0 ? text.slice(0, 10) : text.replace('.000Z', 'Z');
};
