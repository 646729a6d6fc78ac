/** Describes in words how the last step's error vanishes or explodes on its way back through time. */
import type { Way } from '../engine/flow';
import { short } from '../../core/format';
import { say } from '../languages/say';

/** If each step keeps less than this fraction, half is lost within 14 steps. */
const KEPT = 0.95;

/**
 * Whether a gradient vanishes or explodes depends on the factor per step, not on the number of steps: 0.5 per step vanishes
 * over three steps too. One that changes by less than 5 % per step holds, unless the sequence is so long that it adds up.
 */
export function verdictText({ found }: Way): string {
  if (!found) return say('flow.notFinite');
  const { trend, left } = found;
  if (trend.rate <= KEPT) return say('flow.vanishes');
  if (trend.rate >= 1 / KEPT) return say('flow.explodes');
  if (left <= 0.1) return say('flow.fades');
  return say(left >= 10 ? 'flow.grows' : 'flow.holds');
}

/** The state, what each step back does, when half is left or it has doubled, what arrives at the first step, the verdict. */
export function rowOf(way: Way): string[] {
  const name = `‖∂L/∂${way.state}‖`;
  if (!way.found) return [name, '–', '–', '–', verdictText(way)];
  const { trend, left, steps } = way.found;
  const { rate, halfLife } = trend;
  const time = Number.isFinite(halfLife)
    ? say(halfLife < 0 ? 'flow.doubled' : 'flow.half', { steps: short(Math.abs(halfLife)) })
    : say('flow.stays');
  return [name, `× ${short(rate)}`, time, say('flow.left', { left: short(left), steps }), verdictText(way)];
}
