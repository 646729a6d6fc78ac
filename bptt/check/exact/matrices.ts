/**
 * The exact oracle for Jacobians: over a prime field, the Jacobian that a cell states must equal forward mode of the same
 * step in every entry, and the double sum over the products of these Jacobians must equal the hand-derived gradients.
 */
import { hoist } from '../../../core/programs/hoist';
import { Program } from '../../../core/programs/program';
import { zeros } from '../../../core/tensor';
import { doubleSumIn, hasDoubleSum } from '../jacobians/doublesum';
import { ExactPass } from './oracle';
import { alongDirections, rowsAtPoints, type Compared, type ExactRows } from './rows';
import { derivativesOf, uprightAt } from '../jacobians/jacobian';
import { fillTensor, type Problem } from '../problem';
import { spansOf, statesSize } from '../jacobians/stepcopies';
import type { Unroll } from '../../unroll';

/**
 * For all steps that are not padding, the Jacobian that the cell states, times a random direction of the states before the
 * step, against forward mode of the step along that direction.
 */
function compareJacobians(unroll: Unroll, { executor, point }: ExactPass): Compared[] {
  const { cell, name, options } = unroll;
  const { B, valid } = options;
  const spans = Object.entries(spansOf(cell));
  const before = zeros([statesSize(cell), 1]);
  const { states, buffers } = derivativesOf(unroll, before);
  const [direction, stated] = [executor.value(before), executor.value(states)];
  const rows = spans.map(([s]): Compared => {
    return { variable: `${name}.J${s}`, entries: 0, stated: 0, exact: 0 };
  });
  for (const t of unroll.steps()) {
    executor.move({}, {});
    for (const [s] of spans) fillTensor(executor.tangentOf(unroll.at(t)[`${s}Prev`]), () => point.draw());
    const step = new Program();
    unroll.step(step, t);
    step.bind(executor)();
    for (let row = 0; row < B; row++) {
      if (valid?.get(t * B + row, 0) === 0) continue;
      spans.forEach(([s, { from, to }]) => {
        const along = executor.tangentOf(unroll.at(t)[`${s}Prev`]);
        for (let u = from; u < to; u++) direction.set(u, 0, along.get(row, u - from));
      });
      const program = new Program();
      cell.jacobian?.(program, { ...buffers, ...uprightAt(unroll, t, row) }, unroll.timeOf(t));
      program.bind(executor.still)();
      spans.forEach(([s, { from, to }], k) => {
        const moved = executor.tangentOf(unroll.at(t)[s]);
        for (let u = from; u < to; u++)
          compareEntry(
            rows[k],
            stated.get(u, 0),
            moved.get(row, u - from),
            () => `[${u - from}] of step ${t}, row ${row}`,
          );
      });
    }
  }
  return rows;
}

/** Counts an entry, and keeps the first that differs. */
function compareEntry(row: Compared, stated: number, exact: number, where: () => string): void {
  row.entries++;
  if (row.where === undefined && stated !== exact) Object.assign(row, { where: where(), stated, exact });
}

/** The gradients of the cells' variables, by the backward program and by the double sum. */
function compareDoubleSum(problem: Problem, pass: ExactPass, backward: Program): Compared[] {
  pass.run();
  const gradients = pass.gradients(backward);
  const sum = doubleSumIn(problem, pass.executor);
  const sizes = Object.fromEntries(sum.variables.map((name) => [name, gradients[name].length]));
  return alongDirections(sizes, (names) => {
    const direction = pass.direction(names);
    return { stated: pass.along(gradients, direction), exact: sum(direction) };
  });
}

/**
 * Holds the Jacobians of a problem's cells against forward mode; undefined if no cell states one.
 * @throws NoInverse where the program divides by an expression that is always 0.
 */
export function exactJacobians(problem: Problem, { seed = 0 } = {}): ExactRows | undefined {
  if (problem.plan.unrolls.every(({ cell }) => !cell.jacobian)) return undefined;
  return rowsAtPoints(problem, hoist(problem.backward), seed, (point) => {
    const pass = new ExactPass(problem, point);
    pass.run();
    return problem.plan.unrolls
      .filter(({ cell }) => cell.jacobian !== undefined)
      .flatMap((unroll) => compareJacobians(unroll, pass));
  });
}

/** Holds the gradients of a problem against the double sum; undefined where that does not apply. */
export function exactDoubleSum(problem: Problem, { seed = 0 } = {}): ExactRows | undefined {
  if (!hasDoubleSum(problem)) return undefined;
  const backward = hoist(problem.backward);
  return rowsAtPoints(problem, backward, seed, (point) =>
    compareDoubleSum(problem, new ExactPass(problem, point), backward),
  );
}
