/** Newton's method over the sequence: the same states and gradients as the loop over time, or a refusal. */
import {
  bidirectional,
  clockwork,
  elman,
  gradcheck,
  gru,
  network,
  newton,
  newtonSlope,
  problemOfCell,
  Random,
  type Cell,
  type Network,
  type NewtonOptions,
} from '../index';
import { inForm, kinds } from '../cells/kinds';
import { scaleRecurrence } from '../bptt/flow/recurrence';
import { analyticGradients } from '../bptt/check/problem';
import { spansOf } from '../bptt/check/jacobians/stepcopies';
import { planOf } from '../bptt/network/passes/pass';
import type { Unroll } from '../bptt/unroll';
import { testErrors } from './errors';

const sizes = { input: 4, hidden: 5 };
const lengths = [7, 3, 1];
const cells = kinds.all.flatMap((kind) =>
  Object.entries(kind.variants).map(([variant, form]): [string, Cell] => [
    `${kind.name} ${variant}`,
    inForm(kind, form, { ...sizes, output: 3 }),
  ]),
);
const steady = cells.filter(([, cell]) => cell.phase === undefined);

/** The largest differences of states, and of the gradients that reach them, from those of the loop; relative above 1. */
function differences(unroll: Unroll, options?: NewtonOptions): { states: number; gradients: number } {
  const { cell, options: own, outputName } = unroll;
  const result = newton(unroll, options);
  const gradients = result.gradients();
  const worst = { states: 0, gradients: 0 };
  const note = (kind: keyof typeof worst, newtons: number, loops: number): void => {
    const difference = Math.abs(newtons - loops) / Math.max(1, Math.abs(loops));
    worst[kind] = Math.max(worst[kind], difference);
  };
  for (const [s, { from, to }] of Object.entries(spansOf(cell)))
    for (let count = 0; count <= own.T; count++)
      for (let row = 0; row < own.B; row++)
        for (let k = from; k < to; k++) {
          note(
            'states',
            result.states(count, row)[k],
            unroll.after(count, unroll.states[s]).get(row, k - from),
          );
          // ds of the loop is what comes from later steps; the output's own gradient is beside it
          const t = unroll.steps()[count - 1];
          const output = s === outputName && count > 0 ? unroll.dOutput.get(t * own.B + row, k - from) : 0;
          const loop = output + unroll.after(count, unroll.dStates[s]).get(row, k - from);
          note('gradients', gradients(count, row)[k], loop);
        }
  return worst;
}

/** The unrolled cell of a network on normal inputs. */
function ran(net: Network, T: number, deviation = 0.5): Unroll {
  const random = new Random(2);
  const numbers = Float64Array.from({ length: T * net.input }, () => random.normal(0, deviation));
  const [unroll] = planOf(net.forward({ x: { shape: [T, 1, net.input], numbers } })).unrolls;
  return unroll;
}

const ends: [string, number[] | undefined][] = [
  ['equal lengths', undefined],
  ['unequal lengths', lengths],
];
describe.each(ends)('%s', (_name, ragged) => {
  test.each(steady)('%s: states and gradients are those of the loop', (_cell, cell) => {
    const problem = problemOfCell(cell, { T: 7, B: 3, lengths: ragged });
    analyticGradients(problem);
    const { states, gradients } = differences(problem.plan.unrolls[0]);
    expect(states).toBeLessThan(1e-13);
    expect(gradients).toBeLessThan(1e-13);
  });
});

test('in reverse, too', () => {
  const problem = problemOfCell(bidirectional(gru(sizes)), { T: 7, B: 3, lengths });
  analyticGradients(problem);
  for (const unroll of problem.plan.unrolls) {
    const { states, gradients } = differences(unroll);
    expect(states).toBeLessThan(1e-13);
    expect(gradients).toBeLessThan(1e-13);
  }
});

test('a linear recurrence is solved by the first iteration; the second finds nothing to change', () => {
  for (const name of ['mingru', 'minlstm', 'diagonal']) {
    const kind = kinds.get(name, 'test');
    const { changes } = newton(problemOfRun(inForm(kind, {}, sizes), 50));
    expect(changes).toHaveLength(2);
    expect(changes[1]).toBeLessThan(1e-14);
  }
});

const problemOfRun = (cell: Cell, T: number): Unroll => ran(network({ layers: [cell], seed: 1 }), T);

test('near the solution, each iteration squares the error', () => {
  const { changes, iterations } = newton(problemOfRun(gru(sizes), 300));
  expect(iterations).toBeLessThanOrEqual(7);
  const small = changes.filter((change) => change < 0.1);
  for (let k = 1; k < small.length; k++)
    expect(small[k]).toBeLessThan(10 * small[k - 1] ** 2 + Number.EPSILON * 10);
});

describe('a network in which the product of many Jacobians explodes', () => {
  const chaotic = (T: number): Unroll => {
    // the same executor as that of Newton's method: here, another rounding gives other states
    const net = network({ layers: [elman({ input: 4, hidden: 8 })], seed: 1, executor: 'plain' });
    scaleRecurrence(net, 3);
    return ran(net, T);
  };

  test('takes about as many iterations as steps, and the guesses in between are astronomical', () => {
    const { iterations, changes } = newton(chaotic(60));
    expect(iterations).toBeGreaterThan(25);
    expect(iterations).toBeLessThanOrEqual(61);
    expect(Math.max(...changes)).toBeGreaterThan(1e10);
  });

  test('is refused with the reason when it is long', () => {
    expect(() => newton(chaotic(1000))).toThrow(
      /^newton: the states of elman must converge within 100 iterations, got a change of \S+ in iteration \d+ \(where the product of many Jacobians explodes, a smaller damping may help\)$/,
    );
  });

  test('with damping, the guesses stay bounded; without Jacobians, k iterations make k steps right', () => {
    const { changes } = newton(chaotic(60), { damping: 0.2 });
    expect(Math.max(...changes)).toBeLessThan(10);
    expect(newton(chaotic(60), { damping: 0 }).iterations).toBe(61);
    expect(differences(chaotic(60), { damping: 0 }).states).toBe(0);
  });
});

test('float32: within a few roundings of the loop', () => {
  const net = network({ layers: [gru({ input: 16, hidden: 16 })], dtype: 'float32', seed: 1 });
  const unroll = ran(net, 500, 1);
  expect(newton(unroll, { executor: net.executor }).iterations).toBeLessThan(20);
  expect(differences(unroll, { executor: net.executor }).states).toBeLessThan(5e-7);
});

describe('as an oracle', () => {
  const { rows, ok } = gradcheck(gru(sizes), { T: 12, oracles: ['newton'] });

  test('it checks states, parameters and initial states, for longer sequences than the double sum', () => {
    expect(ok).toBe(true);
    expect(rows.map(({ variable }) => variable)).toEqual([
      ...['l0.h', 'l0.Wx', 'l0.Wh', 'l0.b', 'l0.bhn', 'l0.h0'],
    ]);
  });

  test('it finds a path that is missing in the backward pass', () => {
    const right = gru(sizes);
    const wrong: Cell = {
      ...right,
      stepBackward: (program, v, t) => right.stepBackward(program, { ...v, dhNext: v.dhOut }, t),
    };
    const failed = gradcheck(wrong, { oracles: ['newton'] }).rows.filter((row) => !row.ok);
    expect(failed.map(({ variable }) => variable)).toEqual(['l0.Wx', 'l0.Wh', 'l0.b', 'l0.bhn', 'l0.h0']);
  });

  test('its slope is that of the parameters and initial states', () => {
    const problem = problemOfCell(elman(sizes));
    expect(newtonSlope(problem).variables).toEqual(['l0.Wx', 'l0.Wh', 'l0.b', 'l0.h0']);
    expect(() => newtonSlope(problem)({ x: [1] })).toThrow(
      'newtonSlope: variables must be among l0.Wx, l0.Wh, l0.b, l0.h0, got x',
    );
  });
});

const unroll = (): Unroll => problemOfRun(elman(sizes), 3);
testErrors(RangeError, [
  [() => newton(unroll(), { damping: 1.5 }), 'newton: damping must be in 0…1, got 1.5'],
  [() => newton(unroll(), { tolerance: 0 }), 'newton: tolerance must be positive, got 0'],
  [() => newton(unroll(), { damping: '1' as never }), "newton: damping must be in 0…1, got the string '1'"],
  [
    () => newton(unroll(), { tolerance: '1' as never }),
    "newton: tolerance must be positive, got the string '1'",
  ],
  [() => newton(unroll(), { most: 0 }), 'newton: most must be'],
]);
testErrors(TypeError, [
  [
    () => newton(problemOfRun(clockwork({ input: 4, hidden: 6, periods: [1, 2] }), 3)),
    'newton: the cell must have no clock, got clockwork',
  ],
  [
    () => newton(problemOfRun({ ...elman(sizes), jacobian: undefined }, 3)),
    'newton: the cell must have a jacobian, got elman',
  ],
]);
