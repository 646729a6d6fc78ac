/** The rows of the gradient check that compare Jacobians, and the states that Newton's method finds with them. */
import type { Executor } from '../../../core/programs/program';
import { toFlat } from '../../../core/tensor';
import type { Unroll } from '../../unroll';
import { errorBounds } from '../bounds';
import { judge } from '../judge';
import { largestOf, RowBuilder, type GradcheckRow } from '../row';
import { jacobiansOf } from './jacobian';
import { newton } from './newton';
import { StepCopies, spansOf } from './stepcopies';

/** Compares the states of all steps with those of Newton's method. */
export function compareNewtonStates(unroll: Unroll, executor: Executor): GradcheckRow[] {
  const { cell, name } = unroll;
  const { T, B } = unroll.options;
  const at = newton(unroll, { executor }).states;
  return Object.entries(spansOf(cell)).map(([s, { from, to }]) => {
    const worst = new RowBuilder('newton', `${name}.${s}`);
    const largest = largestOf(toFlat(unroll.states[s]));
    const exactly = { bound: errorBounds.newton, largest, rounding: () => 0 };
    for (let count = 0; count <= T; count++)
      for (let row = 0; row < B; row++)
        for (let k = from; k < to; k++) {
          const value = unroll.after(count, unroll.states[s]).get(row, k - from);
          const where = `[${k - from}] after ${count} steps, row ${row}`;
          worst.add(
            value,
            judge(value, {}, () => at(count, row)[k], exactly),
            where,
          );
        }
    return worst.row();
  });
}

/** Compares the cell's Jacobians, state by state, with those by backward pass and by forward mode of the same step. */
export function compareJacobians(unroll: Unroll, executor: Executor): GradcheckRow[] {
  const { cell, name, options } = unroll;
  if (!cell.jacobian) return [];
  const jacobian = jacobiansOf(unroll, executor);
  const stepCopies = new StepCopies(unroll);
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
      'backward pass': stepCopies.backward(t, row, executor),
      'forward mode': stepCopies.forwardMode(t, row),
    },
  }));
  return Object.entries(spansOf(cell)).map(([s, { from, to }]) => {
    const largest = largestOf(compared.flatMap(({ derived }) => derived.slice(from, to).flat()));
    const exactly = { bound: errorBounds.jacobian, largest, rounding: () => 0 };
    const worst = new RowBuilder('jacobian', `${name}.J${s}`);
    for (const { at, derived, others } of compared)
      for (const [other, matrix] of Object.entries(others))
        derived.slice(from, to).forEach((line, r) =>
          line.forEach((v, c) =>
            worst.add(
              v,
              judge(v, {}, () => matrix[from + r][c], exactly),
              `[${r}, ${c}] of ${at}, ${other}`,
            ),
          ),
        );
    return worst.row();
  });
}
