/** The gradient check: it passes what is right, in every case of the suite, and fails what is wrong. */
import {
  bounds,
  copyOf,
  differences,
  elman,
  forwardMode,
  gradcheck,
  gru,
  lstm,
  network,
  problemOfCell,
  relativeError,
  statementOf,
  type Cell,
  type GradcheckReport,
} from '../index';
import { checkProblem } from '../bptt/gradcheck';
import { suite } from '../bptt/suite';

const sizes = { input: 4, hidden: 5 };

/** The same cell with another backward pass. */
const withBackward = (cell: Cell, stepBackward: Cell['stepBackward']): Cell => ({
  ...cell,
  statements: [],
  stepBackward,
});
const failing = ({ rows }: GradcheckReport): string[] =>
  rows.filter(({ ok }) => !ok).map(({ variable }) => variable);

describe('every case of the suite keeps every bound', () => {
  it.each(suite().map((one) => [one.name, one] as const))('%s', (_name, { cells, problem }) => {
    const { rows } = checkProblem(problem(1), cells, { seed: 1 });
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows.length).toBeGreaterThan(4);
    for (const { oracle, bound } of rows) expect(bound).toBe(bounds[oracle]);
  });
});

describe('oracles', () => {
  it.each(['tanh', 'sigmoid', 'relu'] as const)(
    'trap 18: the explicit double sum agrees for T = 1…6, %s',
    (activation) => {
      for (let T = 1; T <= 6; T++) {
        const { rows, ok } = gradcheck(elman({ ...sizes, activation }), { T, oracles: ['doubleSum'] });
        expect(rows.map(({ variable }) => variable)).toEqual(['l0.Wx', 'l0.Wh', 'l0.b']);
        expect(ok).toBe(true);
      }
    },
  );

  it('trap 18: gradients of both initial states are compared', () => {
    const variables = gradcheck(lstm(sizes)).rows.map(({ variable }) => variable);
    expect(variables).toEqual(expect.arrayContaining(['l0.h0', 'l0.c0', 'x']));
  });

  it('trap 15: coordinates at a kink of relu are skipped and counted', () => {
    const problem = problemOfCell(elman({ ...sizes, activation: 'relu' }));
    for (const { value } of Object.values(problem.variables)) value.data.fill(0); // every z is exactly 0
    const slope = differences(problem);
    const unit = new Float64Array(5);
    unit[0] = 1;
    expect(slope({ 'l0.b': unit })).toBeUndefined();
    expect(slope.refined({ 'l0.b': unit })).toBeUndefined();
  });

  it('plain central differences work too, less exactly than extrapolated ones', () => {
    const problem = problemOfCell(lstm(sizes));
    const exact = forwardMode(problem);
    const [plainly, extrapolated] = [differences(problem, { richardson: false }), differences(problem)];
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
    const refined = differences(problem).refined(direction) as { slope: number; uncertainty: number };
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

  it('samples coordinates and directions of large variables', () => {
    const report = gradcheck(lstm({ input: 8, hidden: 12 }), { coordinates: 10, directions: 3, T: 3 });
    const row = report.rows.find(({ oracle, variable }) => oracle === 'forwardMode' && variable === 'l0.Wh');
    expect(row).toMatchObject({ checked: 13, ok: true });
    expect(report.ok).toBe(true);
  });
});

describe('wrong gradients fail', () => {
  const right = lstm(sizes);

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
    expect(failing(report)).toHaveLength(2); // by differences and by forward mode
  });

  it('a dropped dhNext, and the report goes on to the last variable', () => {
    const wrong = withBackward(right, (program, v, t) => {
      const nothing = statementOf({ nodes: [{ op: 'constant', value: 0 }], outputs: { z: 0 }, locals: {} });
      program.pointwise(nothing, { z: v.dhNext });
      right.stepBackward(program, v, t);
    });
    const report = gradcheck(wrong);
    expect(failing(report)).toEqual(expect.arrayContaining(['l0.Wx', 'l0.Wh', 'l0.b', 'x', 'l0.h0']));
    expect(report.rows.length).toBe(
      gradcheck(withBackward(right, right.stepBackward.bind(right))).rows.length,
    );
  });

  it('two swapped gates', () => {
    const wrong = withBackward(right, (program, v, t) =>
      right.stepBackward(program, { ...v, i: v.f, f: v.i }, t),
    );
    expect(gradcheck(wrong).ok).toBe(false);
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

  it('trap 15: float32 is refused, and a float64 copy passes', () => {
    expect(() => gradcheck(single(), { batch })).toThrow(
      new TypeError(
        'gradcheck: the network must be float64, got float32 (check a float64 copy: copyOf(network))',
      ),
    );
    expect(gradcheck(copyOf(single()), { batch }).ok).toBe(true);
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
