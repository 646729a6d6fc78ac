/** The gradient check itself: its oracles, what they cannot decide, and that it fails wrong gradients. */
import {
  copyNetwork,
  centralDifferences,
  doubleSum,
  elman,
  forwardMode,
  gradcheck,
  gru,
  lstm,
  network,
  problemOfCell,
  Random,
  relativeError,
  statement,
  type Cell,
  type GradcheckReport,
} from '../index';
import type { Oracle } from '../bptt/check/row';
import { randomNormals } from '../bptt/check/problem';
import { apply, Dual, language, mul, type OperationName } from '../core/programs/scalar';
import { dualsOf, inputsOf, statementOf } from '../core/programs/statement';

const sizes = { input: 4, hidden: 5 };

/** The same cell with a replaced backward pass. */
const withBackward = (cell: Cell, stepBackward: Cell['stepBackward']): Cell => ({
  ...cell,
  statements: [],
  stepBackward,
});
const failing = ({ rows }: GradcheckReport): string[] =>
  rows.filter(({ ok }) => !ok).map(({ variable }) => variable);

describe('oracles', () => {
  it('the double sum is for short sequences, and for cells with a Jacobian', () => {
    const long = problemOfCell(elman(sizes), { T: 7 });
    expect(() => doubleSum(long)).toThrow('doubleSum: T must be at most 6, got 7');
    expect(gradcheck(elman(sizes), { T: 7, oracles: ['doubleSum'] }).rows).toEqual([]);
    const own: Cell = { ...elman(sizes), jacobian: undefined };
    expect(() => doubleSum(problemOfCell(own))).toThrow(
      'doubleSum: l0 must be a cell with a jacobian, got elman',
    );
    expect(() => doubleSum(problemOfCell(elman(sizes)))({ x: [1] })).toThrow(
      'doubleSum: variables must be among l0.Wx, l0.Wh, l0.b, l0.h0, got x',
    );
  });

  it.each([
    ['forward mode', forwardMode],
    ['the double sum', doubleSum],
  ])('%s gives the same slopes of many directions at once as of one', (_name, oracle) => {
    const problem = problemOfCell(lstm({ ...sizes, peepholes: true }), { lengths: [4, 2, 3] });
    const random = new Random(1);
    const sizeOf = { 'l0.Wx': 80, 'l0.Wh': 100, 'l0.b': 20, 'l0.c0': 15 };
    const names = Object.entries(sizeOf);
    // more than one group of them, over different variables
    const directions = Array.from({ length: 37 }, (_, k) =>
      Object.fromEntries(
        names
          .filter((_, at) => (k >> at) % 2 === 1)
          .map(([name, size]) => [name, randomNormals(size, random)]),
      ),
    );
    const together = oracle(problem);
    together.ahead(directions);
    const apart = oracle(problem);
    directions.forEach((direction) => expect(together(direction)).toBeCloseTo(apart({ ...direction }), 12));
    expect(new Set(directions.map(together)).size).toBe(35); // three have no variable
  });

  it('dual numbers in several directions are those in one, for every operation', () => {
    const random = new Random(2);
    for (const op of Object.keys(language) as OperationName[]) {
      const { graph } = statement(({ a, b, c }) => ({ y: apply(op, a, b, c) }));
      const names = inputsOf(graph);
      const { re, du, run } = dualsOf(graph, 4);
      for (const scale of [0, 1]) {
        const values = names.map(() => scale * random.normal() ** 2);
        // the second is constant, where a slope may be infinite
        const slopes = names.map(() => [random.normal(), 0, random.normal(), NaN]);
        names.forEach((_, k) => {
          re[k] = values[k];
          du.set(slopes[k], 4 * k);
        });
        run(3);
        const y = graph.outputs.y;
        for (let lane = 0; lane < 3; lane++) {
          const duals = names.map((name, k) => [name, new Dual(values[k], slopes[k][lane])]);
          const one = statementOf(graph)(Object.fromEntries(duals) as Record<string, Dual>).y as Dual;
          expect([re[y], du[4 * y + lane]]).toEqual([one.re, one.du]);
        }
      }
    }
  });

  it('gradients of both initial states are compared', () => {
    const variables = gradcheck(lstm(sizes), { coordinates: 2, directions: 1 }).rows.map(
      ({ variable }) => variable,
    );
    expect(variables).toEqual(expect.arrayContaining(['l0.h0', 'l0.c0', 'x']));
  });

  it('coordinates at a kink of relu are skipped and counted', () => {
    const problem = problemOfCell(elman({ ...sizes, activation: 'relu' }));
    for (const { value } of Object.values(problem.variables)) value.data.fill(0); // every z is exactly 0
    const slope = centralDifferences(problem);
    const unit = new Float64Array(5);
    unit[0] = 1;
    expect(slope({ 'l0.b': unit })).toBeUndefined();
    expect(slope.refined({ 'l0.b': unit })).toBeUndefined();
  });

  it('what is skipped is counted, and where nothing is left nothing is proved', () => {
    const cell = elman({ input: 3, hidden: 5, activation: 'relu', bias: false });
    const net = network({ layers: [cell], output: 2, loss: 'squared' });
    const targets = [[[1, 0]], [[0, 1]]];
    // at the first step z = x Wx; the first unit sees weights of zero, so there z is exactly 0
    for (let d = 0; d < 3; d++) net.parameters.values['l0.Wx'].set(d, 0, 0);
    const { rows } = gradcheck(net, { batch: { x: [[[1, 2, 3]], [[3, 2, 1]]], targets } });
    const row = rows.find(({ oracle, variable }) => oracle === 'differences' && variable === 'l0.Wx');
    expect(row).toMatchObject({ checked: 12, undecided: { kink: 3, rounding: 0 }, ok: true });
    // when every unit is at its kink, differences can check not one weight: the other oracles decide
    net.parameters.set('l0.Wx', new Float64Array(15));
    const batch = { x: [[[1, 2, 3]], [[3, 2, 1]]], targets };
    const still = gradcheck(net, { batch });
    const none = still.rows.find(({ oracle, variable }) => oracle === 'differences' && variable === 'l0.Wx');
    expect(none).toMatchObject({ checked: 0, undecided: { kink: 15 }, verdict: 'undecided', ok: false });
    expect(still).toMatchObject({ verdict: 'right', ok: true });
    // and alone they have proved nothing
    expect(gradcheck(net, { batch, oracles: ['differences'] })).toMatchObject({
      verdict: 'undecided',
      ok: false,
    });
    expect(gradcheck(elman(sizes), { T: 7, oracles: ['doubleSum'] })).toMatchObject({ rows: [], ok: false });
  });

  it('plain central differences work too, less exactly than extrapolated ones', () => {
    const problem = problemOfCell(lstm(sizes));
    const exact = forwardMode(problem);
    const [plainly, extrapolated] = [
      centralDifferences(problem, { richardson: false }),
      centralDifferences(problem),
    ];
    let [worstPlain, worstExtrapolated] = [0, 0];
    for (let k = 0; k < 20; k++) {
      const unit = new Float64Array(20);
      unit[k] = 1;
      const direction = { 'l0.b': unit };
      worstPlain = Math.max(worstPlain, Math.abs((plainly(direction) as number) - exact(direction)));
      worstExtrapolated = Math.max(
        worstExtrapolated,
        Math.abs((extrapolated(direction) as number) - exact(direction)),
      );
    }
    expect(worstPlain).toBeLessThan(1e-8);
    expect(worstExtrapolated).toBeLessThan(worstPlain);
  });

  it('refined differences say how far they can be trusted', () => {
    const problem = problemOfCell(lstm(sizes));
    const unit = new Float64Array(20);
    unit[3] = 1;
    const direction = { 'l0.b': unit };
    const refined = centralDifferences(problem).refined(direction) as { slope: number; uncertainty: number };
    expect(refined.uncertainty).toBeLessThan(1e-8);
    expect(Math.abs(refined.slope - forwardMode(problem)(direction))).toBeLessThanOrEqual(
      10 * refined.uncertainty + 1e-13,
    );
  });

  it('leaves the weights as they were', () => {
    const net = network({ layers: [gru(sizes)], output: 3, loss: 'softmax' });
    const before = net.parameters.flat.data.slice();
    gradcheck(net, { batch: { x: [[[1, 0, -1, 2]], [[0.5, 1, 1, -1]]], targets: [[2], [0]] } });
    expect(net.parameters.flat.data).toEqual(before);
  });

  it('draws no random number of the network, so that training goes on as if it had not been checked', () => {
    const net = network({ layers: [gru(sizes)], output: 3, loss: 'softmax', dropout: 0.5 });
    const { state } = net.random;
    gradcheck(net, { batch: { x: [[[1, 0, -1, 2]], [[0.5, 1, 1, -1]]], targets: [[2], [0]] } });
    expect(net.random.state).toEqual(state);
  });

  it('samples coordinates and directions of large variables', () => {
    const report = gradcheck(lstm({ input: 8, hidden: 12 }), { coordinates: 10, directions: 3, T: 3 });
    const row = report.rows.find(({ oracle, variable }) => oracle === 'forwardMode' && variable === 'l0.Wh');
    expect(row).toMatchObject({ checked: 13, ok: true });
    expect(report.ok).toBe(true);
  });

  it('a variable of as many coordinates as are asked for is not sampled, nor are there directions', () => {
    const oracles: Oracle[] = ['forwardMode'];
    const checkedAt = (coordinates: number) =>
      gradcheck(elman({ input: 2, hidden: 3 }), { coordinates, oracles }).rows.map((row) => row.checked);
    // Wx, Wh, b, x, h0
    expect(checkedAt(9)).toEqual([6, 9, 3, 9 + 5, 9]);
    expect(checkedAt(8)).toEqual([6, 8 + 5, 3, 8 + 5, 8 + 5]);
  });

  it('a report counts the derivatives of each variable that each oracle compared, and says where', () => {
    const weights = { 'l0.Wx': 24, 'l0.Wh': 36, 'l0.b': 12 };
    const starts = { 'l0.h0': 9, 'l0.c0': 9 };
    const all = { ...weights, x: 24, ...starts };
    // 12 rows of all steps, 3 · 6 entries, two ways each
    const jacobians = { 'l0.Jh': 432, 'l0.Jc': 432 };
    const statements = ['dai', 'daf', 'dag', 'dcPrev', 'dao', 'Jc', 'Jh'].map((name) => [`l0.${name}`, 50]);
    const entry = /^\[\d+(, \d+)?\]$/;
    const expected: Partial<Record<Oracle, [counts: object, bound: number, where: RegExp]>> = {
      differences: [all, 1e-6, entry],
      forwardMode: [all, 1e-11, entry],
      doubleSum: [{ ...weights, ...starts }, 1e-11, entry],
      jacobian: [
        jacobians,
        1e-11,
        /^\[[012], [0-5]\] of step [0-3], row [012], (backward pass|forward mode)$/,
      ],
      statement: [Object.fromEntries(statements), 1e-12, /^random points$/],
      exact: [all, 0, /^random points$/],
    };
    const oracles = Object.keys(expected) as Oracle[];
    const { rows } = gradcheck(lstm({ input: 2, hidden: 3 }), { T: 4, B: 3, oracles });
    expect([...new Set(rows.map(({ oracle }) => oracle))]).toEqual(oracles);
    for (const [oracle, [counts, bound, where]] of Object.entries(expected)) {
      const own = rows.filter((row) => row.oracle === oracle);
      expect(Object.fromEntries(own.map(({ variable, checked }) => [variable, checked]))).toEqual(counts);
      for (const row of own) {
        expect(row).toMatchObject({
          bound,
          ok: true,
          verdict: 'right',
          where: expect.stringMatching(where) as string,
        });
        expect(row.undecided).toEqual({ kink: 0, rounding: 0, field: 0 });
        expect(row.error).toBeLessThanOrEqual(bound);
        if (oracle !== 'exact') expect(Math.abs(row.analytic - row.numeric)).toBeLessThan(1e-6);
      }
    }
  });
});

describe('where an oracle cannot tell', () => {
  /** A text of one letter, of which the network is as sure as `sure`: the loss is about 2 exp(−sure). */
  const certain = (sure: number, cell: Cell = gru(sizes)) => {
    const net = network({ layers: [cell], output: 3, loss: 'softmax', seed: 4 });
    net.parameters.set('head.by', [sure, 0, 0]);
    return {
      net,
      batch: {
        x: [
          [3, 1],
          [3, 2],
          [0, 1],
        ],
        targets: [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      },
    };
  };

  it.each([1, 10, 15, 20, 24])('a gradient off by 1.001 is wrong all the same, at exp(−%d)', (sure) => {
    const right = gru(sizes);
    const wrong = withBackward(right, (program, v, t) => {
      right.stepBackward(program, v, t);
      program.pointwise(
        statement(({ db }) => ({ db: mul(1.001, db) })),
        { db: v.db },
      );
    });
    const { net, batch } = certain(sure, wrong);
    // all 15 numbers of b
    const { rows, verdict } = gradcheck(net, { batch, coordinates: 15, directions: 2 });
    expect(verdict).toBe('wrong');
    const failed = rows.filter((row) => row.verdict === 'wrong');
    expect(new Set(failed.map(({ variable }) => variable))).toEqual(new Set(['l0.b']));
    expect(failed.map(({ oracle }) => oracle)).toContain('forwardMode');
  });

  it.each([1e-6, 1e-7, 1e-8, 1e-9, 1e-12])(
    'slopes of %d beside a loss of 1 are left to forward mode',
    (small) => {
      const net = network({ layers: [gru(sizes)], output: 3, loss: 'softmax' });
      const { data } = net.parameters.values['l0.Wx'];
      net.parameters.set(
        'l0.Wx',
        Array.from({ length: 60 }, (_, k) => data[k] * small),
      );
      const x = { shape: [3, 2, 4], numbers: randomNormals(24, new Random(1)) };
      const { rows, verdict } = gradcheck(net, {
        batch: {
          x,
          targets: [
            [0, 1],
            [2, 1],
            [1, 0],
          ],
        },
      });
      expect(verdict).toBe('right');
      const of = (oracle: string) => rows.find((row) => row.oracle === oracle && row.variable === 'x');
      if (small < 1e-8) expect(of('differences')?.undecided.rounding).toBeGreaterThan(10);
      expect(of('forwardMode')).toMatchObject({ checked: 24, verdict: 'right' });
    },
  );

  it.each([lstm, gru])('at a minimum of 0, where every gradient is 0, no oracle calls it wrong', (cell) => {
    const net = network({ layers: [cell(sizes)], output: 2, loss: 'squared' });
    const none = (count: number, width: number) => ({
      shape: [count, 2, width],
      numbers: new Float64Array(count * 2 * width),
    });
    const batch = { x: none(12, 4), targets: none(12, 2) };
    expect(net.forward(batch).loss).toBe(0);
    const { rows } = gradcheck(net, { batch });
    expect(rows.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
  });

  it('relu at exactly 0 in the first step', () => {
    const layers = [elman({ ...sizes, activation: 'relu' })];
    const net = network({ layers, output: 2, loss: 'squared' });
    const x = [[[0, 0, 0, 0]], [[1, 2, -1, 0.5]]];
    const { rows, verdict } = gradcheck(net, { batch: { x, targets: [[[1, 0]], [[0, 1]]] } });
    expect(verdict).toBe('right');
    const bias = rows.find(({ oracle, variable }) => oracle === 'differences' && variable === 'l0.b');
    expect(bias).toMatchObject({ checked: 0, undecided: { kink: 5 }, verdict: 'undecided' });
  });

  it('agreement by chance is none: nothing moves where the loss is 0 to the last digit', () => {
    const { net, batch } = certain(700);
    const { rows, verdict } = gradcheck(net, { batch, oracles: ['differences'] });
    expect(verdict).toBe('undecided');
    expect(rows.reduce((sum, { checked }) => sum + checked, 0)).toBe(0);
  });
});

describe('wrong gradients fail', () => {
  const right = lstm(sizes);
  /** Enough where a mistake is everywhere. */
  const few = { coordinates: 6, directions: 2 };

  it('scaled by 1.001, in one parameter only', () => {
    const wrong = withBackward(right, (program, v, t) => {
      right.stepBackward(program, v, t);
      const graph = {
        nodes: [
          { op: 'input', name: 'db' },
          { op: 'constant', value: 1.001 },
          { op: 'mul', args: [0, 1] },
        ],
        outputs: { db: 2 },
        locals: {},
      } as const;
      program.pointwise(statementOf(graph as never), { db: v.db });
    });
    const report = gradcheck(wrong);
    expect(new Set(failing(report))).toEqual(new Set(['l0.b']));
    // by differences, forward mode, the double sum, Newton's method, and exactly by three
    expect(failing(report)).toHaveLength(7);
  });

  it('a dropped dhNext, and the report goes on to the last variable', () => {
    const wrong = withBackward(right, (program, v, t) => {
      const nothing = statementOf({ nodes: [{ op: 'constant', value: 0 }], outputs: { z: 0 }, locals: {} });
      program.pointwise(nothing, { z: v.dhNext });
      right.stepBackward(program, v, t);
    });
    const report = gradcheck(wrong, few);
    expect(failing(report)).toEqual(expect.arrayContaining(['l0.Wx', 'l0.Wh', 'l0.b', 'x', 'l0.h0']));
    const whole = gradcheck(withBackward(right, right.stepBackward.bind(right)), few);
    expect(report.rows.length).toBe(whole.rows.length);
  });

  it('only the first term of the sum over time, by each oracle', () => {
    const whole = elman(sizes);
    const wrong = withBackward(whole, (program, v) => {
      whole.stepBackward(program, v, 0);
      // nothing is handed to the step before
      const nothing = statementOf({ nodes: [{ op: 'constant', value: 0 }], outputs: { z: 0 }, locals: {} });
      program.pointwise(nothing, { z: v.dhPrev });
    });
    const { rows } = gradcheck(wrong);
    for (const oracle of ['differences', 'forwardMode', 'doubleSum', 'newton'] as const) {
      const failed = rows.filter((row) => row.oracle === oracle && !row.ok).map(({ variable }) => variable);
      expect(failed).toEqual(expect.arrayContaining(['l0.Wx', 'l0.Wh', 'l0.b']));
    }
    // a single step has no sum over time; only the gradient of the initial state is wrong
    expect(failing(gradcheck(wrong, { T: 1, oracles: ['doubleSum'] }))).toEqual(['l0.h0']);
  });

  it('two swapped gates', () => {
    const wrong = withBackward(right, (program, v, t) =>
      right.stepBackward(program, { ...v, i: v.f, f: v.i }, t),
    );
    expect(gradcheck(wrong, few).ok).toBe(false);
  });

  it('a backward statement whose output nothing explains', () => {
    const [pair] = right.statements ?? [];
    const graph = pair.backward.graph;
    const renamed = { ...graph, outputs: { ...graph.outputs, dstray: graph.outputs.dai } };
    const cell = { ...right, statements: [{ ...pair, backward: statementOf(renamed) }] };
    const report = gradcheck(cell, { oracles: ['statement'] });
    expect(failing(report)).toEqual(['l0.dstray']);
  });
});

describe('relative error', () => {
  it('divides by the sum, or by a part of the largest gradient', () => {
    expect(relativeError(2.001, 2, 10)).toBeCloseTo(0.001 / 4.001, 12);
    expect(relativeError(1e-9, 0, 1)).toBeCloseTo(1e-5, 12); // 1e-9 against 1e-4 of the largest
    expect(relativeError(0, 0, 0)).toBe(0);
    expect(relativeError(NaN, 1, 1)).toBe(Infinity);
    expect(relativeError(1, NaN, 1)).toBe(Infinity);
  });
});

describe('errors', () => {
  const batch = { x: [[[1, 0, -1, 2]]], targets: [[2]] };
  const single = () => network({ layers: [lstm(sizes)], output: 3, loss: 'softmax', dtype: 'float32' });

  it('float32 is refused, and a float64 copy passes', () => {
    expect(() => gradcheck(single(), { batch })).toThrow(
      new TypeError(
        'gradcheck: the network must be float64, got float32 (check a float64 copy: copyNetwork(network))',
      ),
    );
    expect(gradcheck(copyNetwork(single()), { batch }).ok).toBe(true);
  });

  it.each([
    ['a network without a batch', () => gradcheck(network({ layers: [lstm(sizes)] })), /batch must be given/],
    ['no cell and no network', () => gradcheck({} as never), /the subject must be a cell or a network/],
    [
      'an unknown option',
      () => gradcheck(lstm(sizes), { bathc: batch } as never),
      /options must be among .*got bathc/,
    ],
    [
      'an unknown oracle',
      () => gradcheck(lstm(sizes), { oracles: ['dual' as never] }),
      /an oracle must be one of/,
    ],
    [
      'no coordinates',
      () => gradcheck(lstm(sizes), { coordinates: 0 }),
      /coordinates must be a whole number >= 1/,
    ],
  ])('%s', (_what, run, message) => {
    expect(run).toThrow(message);
  });
});
