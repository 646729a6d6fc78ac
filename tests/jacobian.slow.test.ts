/** Every planted mistake in the Jacobian of every cell is detected. */
import {
  clockwork,
  diagonal,
  elman,
  gru,
  jacobiansOf,
  jordan,
  lmu,
  lstm,
  lstm1997,
  mingru,
  minlstm,
  problemOfCell,
  Program,
  reservoir,
  type Cell,
} from '../index';
import { errorBounds, relativeError } from '../bptt/check/bounds';
import { mutate } from '../bptt/check/mutants';
import { analyticGradients } from '../bptt/check/problem';
import { StepCopies, type Matrix } from '../bptt/check/jacobians/stepcopies';
import type { Unroll } from '../bptt/unroll';

const sizes = { input: 4, hidden: 5 };
const cells: [string, Cell][] = [
  ['elman', elman(sizes)],
  ['elman relu', elman({ ...sizes, activation: 'relu' })],
  ['elman sigmoid', elman({ ...sizes, activation: 'sigmoid' })],
  ['lstm', lstm(sizes)],
  ['lstm peepholes', lstm({ ...sizes, peepholes: true })],
  ['lstm projection', lstm({ ...sizes, projection: 3 })],
  ['lstm1997', lstm1997(sizes)],
  ['gru reset after', gru(sizes)],
  ['gru reset before', gru({ ...sizes, reset: 'before' })],
  ['jordan o', jordan({ ...sizes, output: 3 })],
  ['jordan p', jordan({ ...sizes, output: 3, feedback: 'p' })],
  ['lmu', lmu({ ...sizes, order: 3, theta: 5 })],
  ['reservoir', reservoir({ ...sizes, leak: 0.5 })],
  ['mingru', mingru(sizes)],
  ['minlstm', minlstm(sizes)],
  ['diagonal', diagonal(sizes)],
  ['diagonal signed', diagonal({ ...sizes, eigenvalues: 'signed' })],
  ['clockwork', clockwork({ input: 4, hidden: 6, periods: [1, 2, 3] })],
];

// that of a linear recurrence is one line
const linear = ['mingru', 'minlstm', 'diagonal'];

it.each(cells)('%s', (_name, cell) => {
  const problem = problemOfCell(cell, { T: 2, B: 2 });
  analyticGradients(problem);
  const [unroll] = problem.plan.unrolls;
  const copies = new StepCopies(unroll);
  const [t, row] = [1, 1];
  const expected = copies.forwardMode(t, row);
  const largest = Math.max(...expected.flat().map(Math.abs));
  const worst = (J: Matrix): number =>
    Math.max(...J.flatMap((line, r) => line.map((v, c) => relativeError(v, expected[r][c], largest))));
  /** The cell with its Jacobian's program replaced by the k-th of its mutants. */
  const broken = (k?: number): { J: Matrix; count: number; what: string } => {
    let mutants: ReturnType<typeof mutate>['mutants'] = [];
    const jacobian: Cell['jacobian'] = (program, v, time) => {
      const own = new Program();
      cell.jacobian?.(own, v, time);
      ({ mutants } = mutate({ backward: own, variables: {} }));
      program.append(k === undefined ? own : mutants[k].backward);
    };
    const J = jacobiansOf(Object.assign(Object.create(unroll) as Unroll, { cell: { ...cell, jacobian } }))(
      t,
      row,
    );
    return { J, count: mutants.length, what: k === undefined ? '' : mutants[k].what };
  };
  const { J, count } = broken();
  expect(worst(J)).toBeLessThan(errorBounds.jacobian);
  expect(count).toBeGreaterThan(linear.includes(cell.name) ? 4 : 8);
  const survivors = Array.from({ length: count }, (_, k) => broken(k)).filter(
    (mutant) => worst(mutant.J) <= errorBounds.jacobian,
  );
  // of the identity both make the same: the Jacobian of a softmax is symmetric
  const same = cell.options?.feedback === 'p' ? ['swap p and JflowSum'] : [];
  expect(survivors.map(({ what }) => what)).toEqual(same);
});
