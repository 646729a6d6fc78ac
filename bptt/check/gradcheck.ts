/**
 * The gradient check: the hand-derived gradients of a cell or a network against oracles, which compute them in other ways.
 *
 *   differences   (L(θ + h) − L(θ − h)) / 2h; shares only the loss with the backward pass
 *   forwardMode   the whole network on dual numbers, each of which carries its derivative along; shares the forward statements
 *   jacobian      the Jacobian ∂h_t/∂h_{t−1} that a cell states, against its backward pass and forward mode of the same step
 *   doubleSum     for T ≤ 6, Σ_t Σ_{k≤t} over the products of these Jacobians; shares the Jacobians
 *   newton        states and gradients of whole sequences by Newton's method; shares the forward statements and the Jacobians
 *   statement     each line of the backward pass and of the Jacobian against dual numbers of its line in the forward pass
 *   exact         forward mode on residues modulo a prime, which have no rounding: equal or not, for all weights; shares the
 *                 forward statements
 *   exactDoubleSum, exactJacobian   the double sum and the Jacobians on residues
 *   exactTruncated   truncated backpropagation in chunks of half the steps, on residues
 *
 * First, the subject is turned into a problem: the variables that the loss depends on, each with value and gradient, and
 * two programs, one from the values to the loss and one from there to the gradients. An oracle is a function that returns
 * the slope of the loss along a direction of the variables, or along one entry. `judge` compares it with the hand-derived
 * gradient: right if the relative error |a − n| / max(|a| + |n|, 1e-4 · largest) is within the oracle's bound; undecided
 * if rounding hides the slope, or a kink such as that of relu at 0; otherwise wrong.
 *
 * A `RowBuilder` collects the comparisons of one variable; its row states the one with the largest error.
 *
 * The check does not stop at the first failure: the report has a row for every variable and every oracle. If one oracle
 * is undecided, the others decide.
 */
import type { Cell } from '../../cells/cell';
import { mustBeList, mustBeOneOf, mustBeSwitch, mustCount, mustKnowKeys } from '../../core/check';
import { lazy } from '../../core/once';
import { Random } from '../../core/random/random';
import { sizeOf } from '../../core/tensor';
import type { Batch } from '../network/batch/batch';
import { errorBounds } from './bounds';
import { compareJacobians, compareNewtonStates } from './jacobians/compare';
import { doubleSum, hasDoubleSum } from './jacobians/doublesum';
import { checkStatements } from './duals';
import { exactCheck, unlessZero } from './exact/oracle';
import { exactDoubleSum, exactJacobians } from './exact/matrices';
import { exactTruncated } from './exact/truncated';
import { centralDifferences, type DifferenceOptions } from './finite';
import { judge, none, together, unitDirection, type Slope, type Verdict } from './judge';
import { directionsOf, type Layer } from '../network/layers/layer';
import { Network } from '../network/network';
import {
  analyticGradients,
  randomNormals,
  toProblem,
  type CellProblemOptions,
  type Problem,
} from './problem';
import { hasNewton, newtonSlope } from './jacobians/newton';
import { compareExactly, exactRowsOf, type Derived } from './exact/compare';
import { gradientRounding } from './rounding';
import { indexOf, largestOf, RowBuilder, type ExactOracle, type GradcheckRow, type Oracle } from './row';
import { forwardMode, LANES } from './rtrl';

/** The oracles of a gradient check, its batch and sizes, and how many entries it compares. */
export interface GradcheckOptions extends CellProblemOptions, DifferenceOptions {
  /** The batch to check a network on; required for a network. */
  batch?: Batch;
  /** Default: all that apply. */
  oracles?: Oracle[];
  /** Coordinates per variable; larger variables are sampled, and also checked in random directions. Default 200. */
  coordinates?: number;
  /** Random directions per variable when its coordinates are sampled. Default 5. */
  directions?: number;
}

/** The result of a gradient check. */
export interface GradcheckReport {
  /** One for every variable and every oracle. */
  rows: GradcheckRow[];
  /** Probability that an exact oracle passes a wrong gradient (see `exactCheck`); absent if none was run or decided. */
  chance?: number;
  /** `wrong` if any row is wrong; else `right` if every variable is right by at least one oracle. */
  verdict: Verdict;
  /** Whether the verdict is `right`. */
  ok: boolean;
}

const optionNames = 'T B lengths seed batch oracles coordinates directions step richardson'.split(' ');
export const exactOracles: readonly ExactOracle[] = [
  'exact',
  'exactDoubleSum',
  'exactJacobian',
  'exactTruncated',
];
const oracleNames: readonly Oracle[] = [
  ...(['differences', 'forwardMode', 'doubleSum', 'newton', 'jacobian', 'statement'] as const),
  ...exactOracles,
];

/**
 * Checks every gradient of a cell (built-in or your own), of a bidirectional layer, or of a whole network on a batch.
 *
 * Overwrites the network's gradients; its weights are as before when it returns.
 * @throws TypeError for a float32 network: rounding would hide mistakes below 1e-3.
 * @example
 * gradcheck(lstm({ input: 4, hidden: 5 })).ok // true
 */
export function gradcheck(subject: Layer | Network, options: GradcheckOptions = {}): GradcheckReport {
  mustKnowKeys(options, optionNames, 'gradcheck');
  mustBeList(options.oracles ?? [], 'gradcheck', 'oracles', 'oracles');
  for (const oracle of options.oracles ?? []) mustBeOneOf(oracle, oracleNames, 'gradcheck', 'an oracle');
  mustCount(options.coordinates ?? 1, 'gradcheck', 'coordinates');
  mustCount(options.directions ?? 0, 'gradcheck', 'directions', 0);
  mustBeSwitch(options, 'richardson', 'gradcheck');
  const problem = toProblem(subject, options);
  const layers = subject instanceof Network ? subject.architecture.layers : [subject];
  return checkProblem(problem, layers, options);
}

/** `gradcheck` of a given problem; the statements of `layers` are checked separately. */
export function checkProblem(
  problem: Problem,
  layers: readonly Layer[],
  options: GradcheckOptions = {},
): GradcheckReport {
  const wants = (oracle: Oracle): boolean => options.oracles?.includes(oracle) ?? true;
  // before any pass: the numbers that a pass leaves behind would count as constants
  const run = <R>(
    oracle: ExactOracle,
    check: (problem: Problem, seeded: { seed?: number }) => R,
  ): R | undefined => (wants(oracle) ? unlessZero(() => check(problem, { seed: options.seed })) : undefined);
  const exact = run('exact', exactCheck);
  const [sum, steps] = [run('exactDoubleSum', exactDoubleSum), run('exactJacobian', exactJacobians)];
  const chunks = run('exactTruncated', exactTruncated);
  // the same passes as in training: forward, then the hand-derived backward
  const gradients = analyticGradients(problem);
  const derived = { gradients, rounding: gradientRounding(problem, gradients) };
  const against = (oracle: SlopeOracle, slope: Slope, names?: string[]): GradcheckRow[] =>
    compare(oracle, problem, derived, slope, options, names);
  const { executor, plan } = problem;

  const rows: GradcheckRow[] = [];
  if (wants('differences')) rows.push(...against('differences', centralDifferences(problem, options)));
  if (wants('forwardMode')) rows.push(...against('forwardMode', forwardMode(problem)));
  const sums = lazy((): GradcheckRow[] => {
    const slope = doubleSum(problem);
    return against('doubleSum', slope, slope.variables);
  });
  if (wants('doubleSum') && hasDoubleSum(problem)) rows.push(...sums());
  if (wants('newton') && hasNewton(problem)) {
    rows.push(...plan.unrolls.flatMap((one) => compareNewtonStates(one, executor)));
    const slope = newtonSlope(problem);
    rows.push(...against('newton', slope, slope.variables));
  }
  const jacobians = lazy(() => plan.unrolls.flatMap((one) => compareJacobians(one, executor)));
  if (wants('jacobian')) rows.push(...jacobians());
  if (wants('statement'))
    for (const { name, cell } of layers.flatMap(directionsOf))
      rows.push(...compareStatements(cell, `${name}.`));
  const variables = wants('exact') ? compareExactly(problem, derived, exact) : [];
  rows.push(...variables);
  const isRight = (all: () => GradcheckRow[]) => (name: string) =>
    all().some((row) => row.variable === name && row.ok);
  const isOpen = (name: string): boolean =>
    variables.some((row) => row.variable === name && row.verdict === 'undecided');
  rows.push(...exactRowsOf('exactDoubleSum', sum, isRight(sums)));
  rows.push(...exactRowsOf('exactJacobian', steps, isRight(jacobians)));
  rows.push(...exactRowsOf('exactTruncated', chunks, isOpen));
  const verdict = verdictOf(rows);
  const chances = [exact, sum, steps, chunks].flatMap((one) => one?.chance ?? []);
  return {
    rows,
    ...(chances.length > 0 && { chance: Math.max(...chances) }),
    verdict,
    ok: verdict === 'right',
  };
}

/** Every variable needs at least one oracle that decides it. */
function verdictOf(rows: GradcheckRow[]): Verdict {
  const all = rows.map(({ verdict }) => verdict);
  const names = [...new Set(rows.map(({ variable }) => variable))];
  const each = names.map((name) => together(all.filter((_, k) => rows[k].variable === name)));
  return each.includes('undecided') && !each.includes('wrong') ? 'undecided' : together(each);
}

/** The oracles that return slopes of the loss. */
type SlopeOracle = Exclude<Oracle, 'jacobian' | 'statement' | ExactOracle>;

/** Compares the hand-derived gradients with an oracle that returns the slope of the loss along any direction. */
function compare(
  oracle: SlopeOracle,
  { variables }: Problem,
  { gradients, rounding }: Derived,
  slope: Slope,
  { coordinates = 200, directions = 5, seed = 0 }: GradcheckOptions,
  names = Object.keys(variables),
): GradcheckRow[] {
  const random = new Random(seed);
  return names.map((variable) => {
    const { value } = variables[variable];
    const size = sizeOf(value.shape);
    const gradient = gradients[variable];
    const row = new RowBuilder(oracle, variable);
    const measure = { bound: errorBounds[oracle], largest: largestOf(gradient), rounding };
    const all = size <= coordinates;
    const chosen = all
      ? gradient.map((_, k) => k)
      : Array.from({ length: coordinates }, () => random.below(size));
    // a few at a time: a direction is as large as its variable
    for (let from = 0; from < chosen.length; from += LANES) {
      const some = chosen.slice(from, from + LANES);
      const units = some.map((k) => unitDirection(variable, size, k));
      slope.ahead?.(units);
      some.forEach((k, lane) => {
        const where = `[${indexOf(k, value.shape).join(', ')}]`;
        row.add(gradient[k], judge(gradient[k], units[lane], slope, measure), where);
      });
    }
    for (let d = 0; !all && d < directions; d++) {
      const along = randomNormals(size, random);
      const norm = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
      const unit = along.map((v) => v / norm);
      const analytic = unit.reduce((sum, v, k) => sum + v * gradient[k], 0);
      row.add(analytic, judge(analytic, { [variable]: unit }, slope, measure), 'a direction');
    }
    return row.row();
  });
}

/** Compares the lines of a cell's backward pass and Jacobian with dual numbers, at random points. */
function compareStatements(cell: Cell, prefix: string): GradcheckRow[] {
  return (cell.statements ?? []).flatMap((pair) =>
    checkStatements(pair).map(({ name, error, analytic, exact }) => {
      const ok = error <= errorBounds.statement;
      return {
        oracle: 'statement' as const,
        variable: prefix + name,
        error,
        bound: errorBounds.statement,
        where: 'random points',
        analytic,
        numeric: exact,
        checked: 50,
        undecided: none,
        verdict: ok ? ('right' as const) : ('wrong' as const),
        ok,
      };
    }),
  );
}
