/** Dates as inputs of a forecast: the place in the year, in the week and in the day, each as a point on a circle. */
import { mustBe } from '../../core/check';
import type { Spacing } from '../season';
import type { Series } from '../series';

/** The circles, the longest first. */
export const circles = ['year', 'week', 'day'] as const;
export type Circle = (typeof circles)[number];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The circles of which neighboring dates are at different places. */
export function circlesOf(spacing: Spacing | undefined, where: string): Circle[] {
  const why = 'its dates tell the place in the year, the week and the day';
  mustBe(spacing !== undefined, where, '--dates must be given with a column of dates', 'none', why);
  const step = spacing.milliseconds ?? (spacing.months ?? 1) * 30 * DAY;
  const turns: Record<Circle, number> = { year: 360 * DAY, week: 7 * DAY, day: DAY };
  const fitting = circles.filter((circle) => step < turns[circle]);
  mustBe(fitting.length > 0, where, '--dates must be given with dates within a year', spacing.name);
  return fitting;
}

/** The part of a circle that has passed at a time, 0…1. */
function partOf(circle: Circle, time: number): number {
  if (circle === 'day') return (((time % DAY) + DAY) % DAY) / DAY;
  // the first of January 1970 was a Thursday; a week begins on Monday
  if (circle === 'week') return ((((time + 3 * DAY) % (7 * DAY)) + 7 * DAY) % (7 * DAY)) / (7 * DAY);
  const year = new Date(time).getUTCFullYear();
  const [begin, end] = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)];
  return (time - begin) / (end - begin);
}

/** The series with two more columns for each circle, the sine and the cosine. */
export function withDates(series: Series, given: readonly Circle[]): Series {
  if (given.length === 0) return series;
  const times = series.times as Float64Array;
  const more = given.flatMap((circle) =>
    [Math.sin, Math.cos].map((wave) =>
      Float64Array.from(times, (time) => wave(2 * Math.PI * partOf(circle, time))),
    ),
  );
  return { ...series, columns: [...series.columns, ...more] };
}
