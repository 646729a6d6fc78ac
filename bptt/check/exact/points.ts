/**
 * The random points of the exact oracle, and the probability that a wrong gradient passes at all of them.
 *
 * d is the degree of the gradients, p the smallest prime (≈ 2²⁶), n the number of arguments of functions and kinks.
 *
 *   roots       a wrong gradient equals the right one at a point with probability d / p, at four points (d / p)⁴
 *   collisions  two different arguments may have the same residue; they then share one value, which could hide a mistake.
 *               So the four points must agree on which arguments are equal, or new ones are drawn. The remaining risk is
 *               that two arguments of degree e collide at all four: n² / 2 · (e / p)⁴
 *   kinks       at the first four points, all arguments lie on their positive side. A mistake on one side of a kink shows
 *               at half of the other points; 56 of them leave ½⁵⁶. With collisions: (½ + ½ (d + n² / 2) / p)⁵⁶
 */
import { NoInverse, primes } from '../../../core/field';
import { Point } from '../../../core/residues';

/** Number of points at which the sides of kinks are chosen at random. */
const COIN_POINTS = 14 * primes.length;

/** How often a point is drawn at most until no divisor is 0; a second draw is already rare. */
const DRAWS = 4;

/** Maximum number of points drawn to find four that agree on which arguments are equal. */
const MOST_DRAWN = 8 * primes.length;

/** The statistics of a point that the probability depends on. */
export type Look = Pick<Point, 'coins' | 'known' | 'equalities'>;

/** The result of an action at a point. */
export interface PointResult<R> extends Look {
  result: R;
  prime: number;
}

/**
 * Runs `act` at four random points, and at 56 more if it depends on kinks.
 * @throws NoInverse if a divisor is always 0.
 */
export function* atPoints<R>(seed: number, act: (point: Point) => R): Generator<PointResult<R>> {
  const first = agreeing((k) => atPoint(k, seed, true, act));
  yield* first;
  if (first.every(({ coins }) => coins === 0)) return;
  for (let k = 0; k < COIN_POINTS; k++) yield atPoint(MOST_DRAWN + k, seed, false, act);
}

/** Runs `act` at the k-th random point, and at a new one if a divisor happens to be 0. */
function atPoint<R>(k: number, seed: number, positive: boolean, act: (point: Point) => R): PointResult<R> {
  for (let draw = 0; ; draw++) {
    const point = new Point(primes[k % primes.length], (seed * 1009 + k) * DRAWS + draw, positive);
    try {
      const result = act(point);
      const { prime, coins, known, equalities } = point;
      return { result, prime, coins, known, equalities };
    } catch (error) {
      if (!(error instanceof NoInverse) || draw === DRAWS - 1) throw error;
    }
  }
}

/** Four points, one per prime, at which the same arguments are equal; or the first four, if collisions are too frequent. */
function agreeing<R>(at: (k: number) => PointResult<R>): PointResult<R>[] {
  const drawn: PointResult<R>[] = [];
  for (let k = 0; k < MOST_DRAWN; k++) {
    drawn.push(at(k));
    const same = primes.map((_, residue) =>
      drawn.find(({ equalities }, j) => j % primes.length === residue && equalities === drawn[k].equalities),
    );
    if (!same.includes(undefined)) return same as PointResult<R>[];
  }
  return drawn.slice(0, primes.length);
}

/** Upper bound on the probability that a wrong gradient passes at these points. */
export function chanceOf(looks: readonly Look[], degrees: { gradients: number; arguments: number }): number {
  const p = Math.min(...primes);
  const first = looks.slice(0, primes.length);
  const pairs = Math.max(...looks.map(({ known }) => known)) ** 2 / 2;
  const [right, meet] = [degrees.gradients / p, degrees.arguments / p];
  const agreed = first.every(({ equalities }) => equalities === first[0].equalities);
  const smooth = agreed
    ? right ** primes.length + pairs * meet ** primes.length
    : (right + pairs * meet) ** primes.length;
  const thrown = looks.length - first.length;
  const kinks = thrown === 0 ? 0 : (0.5 + (0.5 * (degrees.gradients + pairs)) / p) ** thrown;
  return Math.min(1, smooth + kinks);
}
