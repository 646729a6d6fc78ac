/**
 * The slope of the loss from the gradients that reach the states of every step: for two oracles that find these gradients in
 * different ways.
 */
import { must } from '../../../core/check';
import { Program } from '../../../core/programs/program';
import type { Arithmetic } from '../arithmetic';
import { inLanes, type Direction } from '../judge';
import type { Problem } from '../problem';
import { spansOf } from './stepcopies';
import type { Unroll } from '../../unroll';

/** For 0…T steps taken and each row of the batch, dL/ds of all states, concatenated: h, c. */
export type Reaching = readonly (readonly ArrayLike<number>[])[];

/** The directional derivative of the loss with respect to some of the variables. */
export interface StateSlope {
  (direction: Direction): number;
  /** Computes the slopes along directions that are asked for next, several at once. */
  ahead: (directions: readonly Direction[]) => void;
  /** The supported variables: the parameters and the initial states of every cell. */
  variables: string[];
}

/**
 * The gradient of a problem along any direction (row-major, zeros where it is missing).
 *
 * The gradients of outputs and final states, on which `reachingOf` depends, are those of the problem's own backward pass:
 * they do not depend on the recurrence. Both of its programs must have run in the given arithmetic, in which the immediate
 * derivatives of each step are computed.
 */
export function slopeFrom(
  problem: Problem,
  where: string,
  arithmetic: Arithmetic,
  reachingOf: (unroll: Unroll) => Reaching,
): StateSlope {
  const { add, mul, lanes } = arithmetic;
  const parts: Record<string, (alongs: readonly ArrayLike<number>[]) => number[]> = {};
  for (const unroll of problem.plan.unrolls) {
    const reaching = reachingOf(unroll);
    const steps = immediate(unroll, reaching, problem.variables, arithmetic);
    for (const parameter of Object.keys(unroll.cell.parameters)) {
      const name = `${unroll.name}.${parameter}`;
      parts[name] = (alongs) => steps(alongs.map((along) => ({ [name]: along })));
    }
    for (const [s, { from, to }] of Object.entries(spansOf(unroll.cell))) {
      const all = reaching[0].flatMap((line) => Array.from(line).slice(from, to));
      // trained initial states are one row shared by all rows of the batch
      parts[`${unroll.name}.${s}0`] = (alongs) =>
        alongs.map((along) => all.reduce((sum, v, k) => add(sum, mul(v, along[k % along.length])), 0));
    }
  }
  // a decoder starts from the encoder's final states, so its initial states are not variables
  const variables = Object.keys(parts).filter((name) => name in problem.variables);
  const slope = inLanes(lanes, (directions) => {
    const sums = directions.map(() => 0);
    for (const name of new Set(directions.flatMap((direction) => Object.keys(direction)))) {
      must(name in parts, where, `variables must be among ${variables.join(', ')}`, name);
      const along = [...directions.keys()].filter((lane) => name in directions[lane]);
      const more = parts[name](along.map((lane) => directions[lane][name]));
      along.forEach((lane, k) => (sums[lane] = add(sums[lane], more[k])));
    }
    return sums;
  });
  return Object.assign(slope, { variables });
}

/** Σ_k (total gradient at the states after step k) · ∂⁺h_k/∂W, the immediate derivative along directions of W. */
function immediate(
  unroll: Unroll,
  reaching: Reaching,
  variables: Problem['variables'],
  arithmetic: Arithmetic,
): (directions: readonly Direction[]) => number[] {
  const { add, mul, lanes } = arithmetic;
  const spans = Object.entries(spansOf(unroll.cell));
  // last step first: after a step has run, its states have tangents, which the next step would count as those of h_{k−1}
  const steps = unroll
    .steps()
    .map((t, taken) => {
      const program = new Program();
      unroll.step(program, t);
      const moved = spans.map(([s, { from }]) => {
        const after = unroll.at(t)[s];
        return { from, d: Array.from({ length: lanes }, (_, lane) => arithmetic.tangentOf(after, lane)) };
      });
      return { run: program.bind(arithmetic.moving), moved, lines: reaching[taken + 1] };
    })
    .reverse();
  return (directions) => {
    arithmetic.move(variables, ...directions);
    const sums = directions.map(() => 0);
    for (const { run, moved, lines } of steps) {
      run();
      for (const { from, d } of moved)
        for (let lane = 0; lane < sums.length; lane++)
          lines.forEach((line, row) => {
            for (let u = 0; u < d[lane].shape[1]; u++)
              sums[lane] = add(sums[lane], mul(line[from + u], d[lane].get(row, u)));
          });
    }
    return sums;
  };
}
