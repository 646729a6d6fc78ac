/** Comparisons at random points of a prime field, variable by variable, and the probability that one misses a difference. */
import type { Program } from '../../../core/programs/program';
import type { Point } from '../../../core/residues';
import { Degrees } from './degree';
import { degreesOf } from './oracle';
import { atPoints, chanceOf, type Look } from './points';
import type { Problem } from '../problem';

/** The comparison of one variable at a random point. */
export interface Compared {
  /** `l0.Wh`, or a Jacobian `l0.Jh`. */
  variable: string;
  /** Number of entries that were compared. */
  entries: number;
  /** Where the residues differ; undefined if they are equal. */
  where?: string;
  /** The residues that differ. */
  stated: number;
  exact: number;
}

/** Comparisons at all points. */
export interface ExactRows {
  /** For each variable, the first difference, or equality at all points. */
  rows: (Compared & { prime: number; coins: boolean })[];
  /** Upper bound on the probability that a difference is missed. */
  chance: number;
}

/** Runs a comparison of something that follows from a problem's programs at random points. */
export function rowsAtPoints(
  problem: Problem,
  backward: Program,
  seed: number,
  compare: (point: Point) => Compared[],
): ExactRows {
  const looks: Look[] = [];
  const rows = new Map<string, ExactRows['rows'][number]>();
  for (const { result, prime, ...look } of atPoints(seed, compare)) {
    looks.push(look);
    for (const row of result)
      if (rows.get(row.variable)?.where === undefined)
        rows.set(row.variable, { ...row, prime, coins: look.coins > 0 });
  }
  // steps that run again divide by the same expressions as before: only their products can be of a higher degree
  const again = new Degrees();
  compare(again);
  const degrees = degreesOf(problem, backward);
  const gradients = Math.max(degrees.gradients, again.products + degrees.denominator);
  return { rows: [...rows.values()], chance: chanceOf(looks, { ...degrees, gradients }) };
}

/** Compares all variables along one random direction; if that differs, each of them along its own. */
export function alongDirections(
  variables: Readonly<Record<string, number>>,
  compare: (names: string[]) => { stated: number; exact: number },
): Compared[] {
  const differs = (names: string[]): Pick<Compared, 'stated' | 'exact' | 'where'> => {
    const { stated, exact } = compare(names);
    return { stated, exact, ...(stated !== exact && { where: 'a random direction' }) };
  };
  const all = differs(Object.keys(variables));
  return Object.entries(variables).map(([variable, entries]) => ({
    ...{ variable, entries },
    ...(all.where === undefined ? all : differs([variable])),
  }));
}
