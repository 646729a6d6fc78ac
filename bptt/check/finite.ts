/** Central differences of the unrolled loss in float64, the oracle that uses no derivatives. */
import { plain } from '../../core/programs/plain';
import { Random } from '../../core/random/random';
import type { Direction, Estimate } from './judge';
import { positionOf, type Problem } from './problem';
import { ROUNDOFF, RoundingExecutor, measuredSpread } from './rounding';
import { SideExecutor } from './kinks';

/** Options of the difference quotients. */
export interface DifferenceOptions {
  /** h = step · max(1, |θ|); default 3e-3 with Richardson extrapolation, 1e-5 without: truncation against rounding. */
  step?: number;
  /** Cancels the h² term with a second difference at h/2, (4 D(h/2) − D(h)) / 3, which allows a larger h; default true. */
  richardson?: boolean;
}

/** Directional derivatives by differences. */
export interface Differences {
  /** The slope along a direction; `undefined` where a kink lies within ±h. */
  (direction: Direction): number | undefined;
  /** How much rounding of the loss may change that slope. */
  rounding: (direction: Direction) => number;
  /** The slope as accurately as differences allow, with its uncertainty from truncation and rounding. Slower. */
  refined: (direction: Direction) => Estimate | undefined;
}

/**
 * The slope of the loss along a direction v, (L(θ + h v) − L(θ − h v)) / 2h.
 * @example
 * const slope = centralDifferences(problem);
 * slope({ 'l0.b': [1, 0, 0] }); // 0.0140
 */
export function centralDifferences(
  { variables, forward, loss }: Problem,
  { richardson = true, step = richardson ? 3e-3 : 1e-5 }: DifferenceOptions = {},
): Differences {
  const around = lossesAround(forward, loss);
  const slope = (places: Place[], h: number): number | undefined => {
    const losses = around(places, h);
    return losses && (losses[0] - losses[1]) / (2 * h);
  };
  const placesOf = (direction: Direction): Place[] =>
    Object.entries(direction).flatMap(([name, along]) => {
      const { value } = variables[name];
      return Array.from(along).flatMap((v, k) => {
        const at = positionOf(value, k);
        return v === 0 ? [] : [{ data: value.data, at, start: value.data[at], along: v }];
      });
    });
  const quick = (direction: Direction): number | undefined => {
    const places = placesOf(direction);
    const h = step * scaleOf(places);
    const wide = slope(places, h);
    if (!richardson || wide === undefined) return wide;
    const narrow = slope(places, h / 2);
    return narrow === undefined ? undefined : (4 * narrow - wide) / 3;
  };
  let measured: number | undefined;
  /** How much rounding changes the loss. */
  const noise = (): number => {
    if (measured === undefined) {
      const again = forward.bind(new RoundingExecutor(new Random(0)));
      forward.bind(plain)();
      measured = measuredSpread(loss.get(0), () => (again(), loss.get(0)));
    }
    return measured;
  };
  const rounding = (direction: Direction): number => {
    const h = step * scaleOf(placesOf(direction));
    return ((richardson ? 3 : 1) * noise()) / h; // (4 · 2 + 1) / 3 = 3
  };
  const refined = (direction: Direction): Estimate | undefined => {
    const places = placesOf(direction);
    return ridders(
      (h) => {
        const losses = around(places, h);
        if (losses === undefined) return undefined;
        const [up, down] = losses;
        // at a minimum of 0, the loss has no rounding errors, but it has some beside it
        const error = Math.max(noise(), ROUNDOFF * Math.max(Math.abs(up), Math.abs(down)));
        return { slope: (up - down) / (2 * h), uncertainty: error / h };
      },
      WIDEST * scaleOf(places),
    );
  };
  return Object.assign(quick, { rounding, refined });
}

/** Moves places by h and by −h, and gives the losses there; undefined if a kink lies between them. */
function lossesAround(
  forward: Problem['forward'],
  loss: Problem['loss'],
): (places: Place[], h: number) => [up: number, down: number] | undefined {
  const executor = new SideExecutor();
  const run = forward.bind(executor);
  const lossAt = (places: Place[], h: number): { loss: number; side: number } => {
    for (const { data, at, start, along } of places) data[at] = start + h * along;
    executor.reset();
    run();
    for (const { data, at, start } of places) data[at] = start;
    return { loss: loss.get(0), side: executor.hash };
  };
  return (places, h) => {
    executor.hold(run);
    const up = lossAt(places, h);
    const down = lossAt(places, -h);
    return up.side === down.side ? [up.loss, down.loss] : undefined;
  };
}

/** For a single coordinate, h grows with the coordinate, so that θ + h differs from θ in enough digits. */
const scaleOf = (places: Place[]): number =>
  places.length === 1 ? Math.max(1, Math.abs(places[0].start / places[0].along)) : 1;

/** The first h of the search for the best one, and the factor by which it shrinks. */
const WIDEST = 0.1;
const NARROWING = 1.6;
const ROUNDS = 12;

/**
 * Extrapolates central differences at decreasing h to h = 0, and keeps the estimate that changed least on the way: large
 * h suffer from truncation, small ones from rounding (Ridders 1982). The uncertainty of each difference from rounding is
 * propagated through the same arithmetic and gives a lower bound of the uncertainty.
 */
function ridders(difference: (h: number) => Estimate | undefined, widest: number): Estimate | undefined {
  let best: Estimate | undefined;
  let before: Estimate[] = []; // their uncertainty is from rounding only
  for (let round = 0, h = widest; round < ROUNDS; round++, h /= NARROWING) {
    const first = difference(h);
    if (first === undefined) {
      before = []; // a kink lies within ±h: start again with a smaller h
      continue;
    }
    const row: Estimate[] = [first];
    before.forEach((above, order) => {
      const factor = NARROWING ** (2 * (order + 1));
      const last = row[order];
      const value = (factor * last.slope - above.slope) / (factor - 1);
      const rounding = (factor * last.uncertainty + above.uncertainty) / (factor - 1);
      row.push({ slope: value, uncertainty: rounding });
      const change = Math.max(Math.abs(value - last.slope), Math.abs(value - above.slope));
      const uncertainty = Math.max(change, rounding);
      if (!best || uncertainty < best.uncertainty) best = { slope: value, uncertainty };
    });
    before = row;
  }
  return best;
}

interface Place {
  data: Float32Array | Float64Array;
  at: number;
  start: number;
  along: number;
}
