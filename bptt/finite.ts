/** Central differences of the unrolled loss in float64: the oracle that knows nothing of calculus. */
import { positionOf, type Problem } from './problem';
import { SideExecutor } from './sides';

export interface DifferenceOptions {
  /** h = step · max(1, |θ|); default 3e-3 with Richardson extrapolation, 1e-5 without: truncation against rounding. */
  step?: number;
  /** Removes the h² term by a second difference at h/2, (4 D(h/2) − D(h)) / 3, which allows a wider h; default true. */
  richardson?: boolean;
}

/** A direction over the variables: row-major numbers by name, zeros where a name is missing. */
export type Direction = Record<string, ArrayLike<number>>;

export interface Differences {
  /** The slope along a direction; `undefined` where a kink lies within ±h: there is no slope there. */
  (direction: Direction): number | undefined;
  /** The slope as exactly as differences can tell it, and how far off it may still be. Slower. */
  refined: (direction: Direction) => { slope: number; uncertainty: number } | undefined;
}

/** The slope of the loss along a direction v, (L(θ + h v) − L(θ − h v)) / 2h. */
export function differences(
  { variables, forward, loss }: Problem,
  { richardson = true, step = richardson ? 3e-3 : 1e-5 }: DifferenceOptions = {},
): Differences {
  const sides = new SideExecutor();
  const run = forward.bind(sides);

  const lossAt = (places: Place[], h: number): { loss: number; side: number } => {
    for (const { data, at, start, along } of places) data[at] = start + h * along;
    sides.reset();
    run();
    for (const { data, at, start } of places) data[at] = start;
    return { loss: loss.get(0), side: sides.hash };
  };
  const slope = (places: Place[], h: number): number | undefined => {
    const up = lossAt(places, h);
    const down = lossAt(places, -h);
    return up.side === down.side ? (up.loss - down.loss) / (2 * h) : undefined;
  };
  const placesOf = (direction: Direction): Place[] =>
    Object.entries(direction).flatMap(([name, along]) => {
      const { value } = variables[name];
      return Array.from(along).flatMap((v, k) => {
        const at = positionOf(value, k);
        return v === 0 ? [] : [{ data: value.data, at, start: value.data[at], along: v }];
      });
    });
  /** A single coordinate's h grows with the coordinate, so that θ + h differs from θ in enough digits. */
  const scale = (places: Place[]): number =>
    places.length === 1 ? Math.max(1, Math.abs(places[0].start / places[0].along)) : 1;

  const quick = (direction: Direction): number | undefined => {
    const places = placesOf(direction);
    const h = step * scale(places);
    const wide = slope(places, h);
    if (!richardson || wide === undefined) return wide;
    const narrow = slope(places, h / 2);
    return narrow === undefined ? undefined : (4 * narrow - wide) / 3;
  };
  const refined = (direction: Direction): { slope: number; uncertainty: number } | undefined => {
    const places = placesOf(direction);
    const start = WIDEST * scale(places);
    return ridders((h) => slope(places, h), start);
  };
  return Object.assign(quick, { refined });
}

/** Where the search for the best h begins, and the factor by which it narrows. */
const WIDEST = 0.1;
const NARROWING = 1.6;
const ROUNDS = 12;

/**
 * Extrapolates central differences at ever smaller h to h = 0, and keeps the estimate that changed least on the way:
 * wide h suffer from curvature, narrow ones from rounding (Ridders 1982).
 */
function ridders(
  slope: (h: number) => number | undefined,
  widest: number,
): { slope: number; uncertainty: number } | undefined {
  let best: { slope: number; uncertainty: number } | undefined;
  let before: number[] = [];
  for (let round = 0, h = widest; round < ROUNDS; round++, h /= NARROWING) {
    const first = slope(h);
    if (first === undefined) {
      before = []; // a kink lies within ±h: begin again closer by
      continue;
    }
    const row = [first];
    before.forEach((above, order) => {
      const factor = NARROWING ** (2 * (order + 1));
      const value = (factor * row[order] - above) / (factor - 1);
      row.push(value);
      const uncertainty = Math.max(Math.abs(value - row[order]), Math.abs(value - above));
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
