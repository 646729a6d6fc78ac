/** The course of a training run of the playground. */
import { Session } from '../../playground/engine/session';
import { settingsFor, type PageSettings } from '../../playground/engine/settings';
import type { CurvePoint } from '../../playground/engine/run';

const sine: PageSettings = { ...settingsFor('sine'), cell: 'gru' };

/** Its steps until the last one, or until it diverges. */
export function trained(settings: Partial<PageSettings>, steps: number): CurvePoint[] {
  const session = new Session({ ...sine, ...settings });
  const points: CurvePoint[] = [];
  try {
    while (points.length < steps) points.push(session.step()[0]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return points;
}

/** The loss, as the mean of ten steps. */
export function losses(points: readonly CurvePoint[]): { x: number; y: number }[] {
  return points.flatMap(({ step }, k) => {
    if (k % 10 !== 9) return [];
    const ten = points.slice(k - 9, k + 1);
    return [{ x: step, y: ten.reduce((sum, { loss }) => sum + loss / 10, 0) }];
  });
}
