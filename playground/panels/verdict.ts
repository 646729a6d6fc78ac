/** Describes in words how the last step's error vanishes or explodes on its way back through time. */
import type { Way } from '../engine/flow';
import { short } from '../../core/format';

/** If each step keeps less than this fraction, half is lost within 14 steps. */
const KEPT = 0.95;

/**
 * Whether a gradient vanishes or explodes depends on the factor per step, not on the number of steps: 0.5 per step vanishes
 * over three steps too. One that changes by less than 5 % per step holds, unless the sequence is so long that it adds up.
 */
export function verdictOf({ found }: Way): string {
  if (!found) return 'not finite, or 0';
  const { trend, left } = found;
  if (trend.rate <= KEPT) return 'it vanishes';
  if (trend.rate >= 1 / KEPT) return 'it explodes';
  if (left <= 0.1) return 'it fades slowly';
  return left >= 10 ? 'it grows slowly' : 'it holds';
}

/** The state, what each step back does, when half is left or it has doubled, what arrives at the first step, the verdict. */
export function rowOf(way: Way): string[] {
  const name = `‖∂L/∂${way.state}‖`;
  if (!way.found) return [name, '–', '–', '–', verdictOf(way)];
  const { trend, left, steps } = way.found;
  const { rate, halfLife } = trend;
  const time = Number.isFinite(halfLife)
    ? `${halfLife < 0 ? 'doubled' : 'half'} after ${short(Math.abs(halfLife))} steps`
    : 'stays';
  return [name, `× ${short(rate)}`, time, `× ${short(left)} over ${steps} steps`, verdictOf(way)];
}
