/**
 * The gradient check: the hand-derived gradients of a cell or a network against oracles that share nothing with them.
 *
 *   differences   (L(θ + h) − L(θ − h)) / 2h, from the loss alone
 *   forwardMode   the whole network differentiated forward with duals, exact
 *   doubleSum     for T ≤ 6, backpropagation through time written out with the Jacobian of every step
 *   jacobian      those Jacobians themselves, against the backward pass and forward mode of their step
 *   statement     each backward and each Jacobian's statement against the duals of its forward statement
 *
 * Nothing stops at the first failure: the report has a row for every variable and every oracle.
 */
import type { Cell } from '../cells/cell';
import { mustBeOneOf, mustCount, mustKnowKeys } from '../core/check';
import type { Executor } from '../core/program';
import { Random } from '../core/random';
import { sizeOf } from '../core/tensor';
import type { Batch } from './batch';
import { bounds, relativeError } from './bounds';
import { StepCopies, spansOf } from './copies';
import { doubleSum, hasDoubleSum } from './doublesum';
import { checkStatements } from './duals';
import { differences, type DifferenceOptions, type Differences, type Direction } from './finite';
import { jacobiansOf } from './jacobian';
import { directionsOf, type Layer } from './layer';
import { Network } from './network';
import { analyticGradients, draw, toProblem, type CellProblemOptions, type Problem } from './problem';
import { forwardMode } from './rtrl';
import type { Unroll } from './unroll';

/** What gradients are compared with; each is described at the top of `gradcheck.ts`. */
export type Oracle = 'differences' | 'forwardMode' | 'doubleSum' | 'jacobian' | 'statement';

/** By which oracles, on what, and at how many places the gradients are checked. */
export interface GradcheckOptions extends CellProblemOptions, DifferenceOptions {
  /** Needed for a network: the batch to check it on. */
  batch?: Batch;
  /** Default: all that apply. */
  oracles?: Oracle[];
  /** Coordinates per variable; more than that many are sampled and joined by random directions. Default 200. */
  coordinates?: number;
  /** Random directions per variable when its coordinates are sampled. Default 5. */
  directions?: number;
}

/** One variable under one oracle. */
export interface GradcheckRow {
  oracle: Oracle;
  /** `l0.Wx`, `x`, an initial state `l0.h0`, a Jacobian `l0.Jh`; of a statement, what it computes. */
  variable: string;
  /** Worst relative error (see `relativeError`), and the bound it must keep. */
  error: number;
  /** The largest error that passes; it belongs to the oracle. */
  bound: number;
  /** Where the worst one is, `[2, 3]`, or `a direction`. */
  where: string;
  /** The gradient that was derived by hand, at that place. */
  analytic: number;
  /** What the oracle says there. */
  numeric: number;
  /** How many derivatives were compared, and how many left out: too near a kink, or too small for differences. */
  checked: number;
  skipped: number;
  /** Whether the error keeps the bound; never where it is NaN. */
  ok: boolean;
}

/** What a gradient check found. */
export interface GradcheckReport {
  /** One for every variable under every oracle. */
  rows: GradcheckRow[];
  /** Whether all of them are ok. */
  ok: boolean;
}

const optionNames = 'T B lengths seed batch oracles coordinates directions step richardson'.split(' ');
const oracleNames: Oracle[] = ['differences', 'forwardMode', 'doubleSum', 'jacobian', 'statement'];

/**
 * Checks every gradient of a cell (its own or a user's), of a bidirectional layer, or of a whole network on a batch.
 *
 * Overwrites the network's gradients; its weights are as before when it returns.
 * @throws TypeError for a float32 network: rounding would hide any mistake below 1e-3.
 * @example
 * gradcheck(lstm({ input: 4, hidden: 5 })).ok // true
 */
export function gradcheck(subject: Layer | Network, options: GradcheckOptions = {}): GradcheckReport {
  mustKnowKeys(options, optionNames, 'gradcheck');
  for (const oracle of options.oracles ?? []) mustBeOneOf(oracle, oracleNames, 'gradcheck', 'an oracle');
  mustCount(options.coordinates ?? 1, 'gradcheck', 'coordinates');
  const problem = toProblem(subject, options);
  const layers = subject instanceof Network ? subject.architecture.layers : [subject];
  return checkProblem(problem, layers, options);
}

/** `gradcheck` of a problem that is already laid out; the statements of `layers` are checked by themselves. */
export function checkProblem(
  problem: Problem,
  layers: readonly Layer[],
  options: GradcheckOptions = {},
): GradcheckReport {
  const gradients = analyticGradients(problem);
  const wants = (oracle: Oracle): boolean => options.oracles?.includes(oracle) ?? true;

  const rows: GradcheckRow[] = [];
  if (wants('differences'))
    rows.push(...compare('differences', problem, gradients, differences(problem, options), options));
  if (wants('forwardMode'))
    rows.push(...compare('forwardMode', problem, gradients, forwardMode(problem), options));
  if (wants('doubleSum') && hasDoubleSum(problem)) {
    const slope = doubleSum(problem);
    rows.push(...compare('doubleSum', problem, gradients, slope, options, slope.variables));
  }
  if (wants('jacobian'))
    for (const unroll of problem.plan.unrolls) rows.push(...compareJacobians(unroll, problem.executor));
  if (wants('statement'))
    for (const { name, cell } of layers.flatMap(directionsOf))
      rows.push(...compareStatements(cell, `${name}.`));
  return { rows, ok: rows.every((row) => row.ok) };
}

type Slope = ((direction: Direction) => number | undefined) & Partial<Pick<Differences, 'refined'>>;

/** Compares analytic gradients with an oracle that gives the slope of the loss along any direction. */
function compare(
  oracle: Exclude<Oracle, 'jacobian' | 'statement'>,
  { variables }: Problem,
  gradients: Record<string, number[]>,
  slope: Slope,
  { coordinates = 200, directions = 5, seed = 0 }: GradcheckOptions,
  names = Object.keys(variables),
): GradcheckRow[] {
  const random = new Random(seed);
  return names.map((variable) => {
    const { value } = variables[variable];
    const size = sizeOf(value.shape);
    const gradient = gradients[variable];
    const row = new Worst(oracle, variable, gradient);
    const all = size <= coordinates;
    const chosen = all
      ? gradient.map((_, k) => k)
      : Array.from({ length: coordinates }, () => random.below(size));
    for (const k of chosen) {
      const unit = new Float64Array(size);
      unit[k] = 1;
      row.add(gradient[k], { [variable]: unit }, slope, `[${indexOf(k, value.shape).join(', ')}]`);
    }
    for (let d = 0; !all && d < directions; d++) {
      const along = draw(size, random);
      const norm = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
      const unit = along.map((v) => v / norm);
      row.add(
        unit.reduce((sum, v, k) => sum + v * gradient[k], 0),
        { [variable]: unit },
        slope,
        'a direction',
      );
    }
    return row.row();
  });
}

/** The cell's Jacobians, the rows of each state, against what backward pass and forward mode make of the same step. */
function compareJacobians(unroll: Unroll, executor: Executor): GradcheckRow[] {
  const { cell, name, options } = unroll;
  if (!cell.jacobian) return [];
  const jacobian = jacobiansOf(unroll, executor);
  const copies = new StepCopies(unroll);
  const steps = unroll
    .steps()
    .flatMap((t) =>
      Array.from({ length: options.B }, (_, row) => ({ t, row })).filter(
        ({ row }) => options.valid?.get(t * options.B + row, 0) !== 0,
      ),
    );
  const compared = steps.map(({ t, row }) => ({
    at: `step ${t}, row ${row}`,
    derived: jacobian(t, row),
    others: {
      'backward pass': copies.backward(t, row, executor),
      'forward mode': copies.forwardMode(t, row),
    },
  }));
  return Object.entries(spansOf(cell)).map(([s, { from, to }]) => {
    const all = compared.flatMap(({ derived }) => derived.slice(from, to).flat());
    const worst = new Worst('jacobian', `${name}.J${s}`, all);
    for (const { at, derived, others } of compared)
      for (const [other, matrix] of Object.entries(others))
        derived
          .slice(from, to)
          .forEach((line, r) =>
            line.forEach((v, c) => worst.compare(v, matrix[from + r][c], `[${r}, ${c}] of ${at}, ${other}`)),
          );
    return worst.row();
  });
}

function compareStatements(cell: Cell, prefix: string): GradcheckRow[] {
  return (cell.statements ?? []).flatMap((pair) =>
    checkStatements(pair).map(({ name, error, analytic, exact }) => ({
      oracle: 'statement' as const,
      variable: prefix + name,
      error,
      bound: bounds.statement,
      where: 'random points',
      analytic,
      numeric: exact,
      checked: 50,
      skipped: 0,
      ok: error <= bounds.statement,
    })),
  );
}

/** The worst of many comparisons for one variable. */
class Worst {
  private error = -1;
  private at = { where: 'nowhere', analytic: NaN, numeric: NaN };
  private checked = 0;
  private skipped = 0;
  private readonly largest: number;

  constructor(
    private readonly oracle: Exclude<Oracle, 'statement'>,
    private readonly variable: string,
    gradient: number[],
  ) {
    this.largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  }

  add(analytic: number, direction: Direction, slope: Slope, where: string): void {
    let numeric = slope(direction);
    const bound = bounds[this.oracle];
    if (numeric !== undefined && relativeError(analytic, numeric, this.largest) > bound && slope.refined) {
      const better = slope.refined(direction);
      // where differences cannot resolve the slope to the bound, whatever the analytic one is, they prove nothing
      const resolved =
        better && relativeError(better.slope + better.uncertainty, better.slope, this.largest) <= bound;
      numeric = resolved ? better.slope : undefined;
    }
    if (numeric === undefined) this.skipped++;
    else this.compare(analytic, numeric, where);
  }

  compare(analytic: number, numeric: number, where: string): void {
    this.checked++;
    const error = relativeError(analytic, numeric, this.largest);
    if (error <= this.error) return;
    this.error = error;
    this.at = { where, analytic, numeric };
  }

  row(): GradcheckRow {
    const { oracle, variable, checked, skipped } = this;
    const bound = bounds[oracle];
    // nothing compared is nothing proved
    const error = checked === 0 ? Infinity : this.error;
    return { oracle, variable, error, bound, ...this.at, checked, skipped, ok: error <= bound };
  }
}

function indexOf(k: number, shape: number[]): number[] {
  const width = shape[shape.length - 1];
  return shape.length === 1 ? [k] : [Math.floor(k / width), k % width];
}
