/** The exact oracle detects errors of any size, and has no false positives. */
import {
  elman,
  exactCheck,
  gradcheck,
  gru,
  lstm,
  problemOfCell,
  statement,
  toFlat,
  type Cell,
} from '../index';
import { NoInverse } from '../core/field';
import { cell } from '../cells/define';
import { sameGraphs } from '../bptt/check/exact';
import { add, max, mul, sub } from '../core/scalar';

const sizes = { input: 4, hidden: 5 };

/** The same cell, whose gradient of its first bias is multiplied by a factor. */
const scaled = (right: Cell, factor: number): Cell => ({
  ...right,
  statements: [],
  stepBackward(program, v, t) {
    right.stepBackward(program, v, t);
    program.pointwise(
      statement(({ db }) => ({ db: mul(factor, db) })),
      { db: v.db },
    );
  },
});

/** An Elman network from text with a replaced line for dz. */
const withSlope = (f: string, dz: string, extra = ''): Cell =>
  cell(
    {
      name: 'own',
      shapes: 'x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]',
      forward: `z = x @ Wx + hPrev @ Wh\n${extra}\nh = ${f}`,
      backward: `dh = dhOut + dhNext\ndz = ${dz}\ndx = dz @ Wx.T\ndhPrev = dz @ Wh.T\ndWx += x.T @ dz\ndWh += hPrev.T @ dz`,
    },
    { sizes: { D: 3, H: 4 }, init: elmanInit },
  );
const { Wx, Wh } = elman(sizes).parameters;
const elmanInit = { Wx: Wx.init, Wh: Wh.init };

describe('sees', () => {
  it.each([1.001, -1, 0, 1 + 2 ** -40, 1 + 2 ** -52])('a gradient %d times as large', (factor) => {
    const { proved, mismatches } = exactCheck(problemOfCell(scaled(lstm(sizes), factor)));
    expect(proved).toBe(false);
    expect(mismatches.map(({ variable }) => variable)).toEqual(['l0.b']);
    expect(mismatches[0].analytic).not.toBe(mismatches[0].exact);
  });

  it('a missing term', () => {
    const wrong = withSlope('tanh(z)', '(dh - dhNext) * (1 - h * h)');
    expect(exactCheck(problemOfCell(wrong)).mismatches.map(({ variable }) => variable)).toEqual([
      ...['l0.Wx', 'l0.Wh', 'x', 'l0.h0'],
    ]);
    // the last step has nothing behind it but the final state, which counts, too
    expect(exactCheck(problemOfCell(wrong, { T: 1 })).proved).toBe(false);
    expect(exactCheck(problemOfCell(withSlope('tanh(z)', 'dh * (1 - h * h)'))).proved).toBe(true);
  });

  it('one entry of many, and says which', () => {
    const right = gru(sizes);
    const wrong: Cell = {
      ...right,
      stepBackward(program, v, t) {
        right.stepBackward(program, v, t);
        const entry = v.dWx.hi(3, 8).lo(2, 7);
        program.pointwise(
          statement(({ d }) => ({ d: add(d, 1) })),
          { d: entry },
        );
      },
    };
    const { mismatches } = exactCheck(problemOfCell(wrong));
    expect(mismatches).toMatchObject([{ variable: 'l0.Wx', index: 2 * 15 + 7 }]);
    const row = gradcheck(wrong, { oracles: ['exact'] }).rows.find(({ ok }) => !ok);
    expect(row).toMatchObject({ variable: 'l0.Wx', verdict: 'wrong', error: 1, bound: 0 });
    expect(row?.where).toMatch(/^\[2, 7\], modulo 67108\d{3}$/);
  });

  it('a slope that is wrong only beyond a kink that the numbers never cross', () => {
    // h = |z| for z > −30, below that −3 z, in its backward −2 z
    const f = 'select(z + 30, abs(z), -3 * z)';
    const right = withSlope(f, 'dh * select(z + 30, step(z) - step(-z), -3)');
    const wrong = withSlope(f, 'dh * select(z + 30, step(z) - step(-z), -2)');
    expect(gradcheck(wrong, { oracles: ['differences', 'forwardMode'] }).ok).toBe(true);
    expect(gradcheck(right).ok).toBe(true);
    expect(gradcheck(wrong).verdict).toBe('wrong');
    expect(gradcheck(wrong, { oracles: ['exact'] }).verdict).toBe('wrong');
  });
});

describe('gradcheck', () => {
  it('has a row for every variable, with nothing left open', () => {
    const { rows, ok } = gradcheck(lstm(sizes), { oracles: ['exact'] });
    expect(ok).toBe(true);
    expect(rows.map(({ variable }) => variable)).toEqual([
      ...['l0.Wx', 'l0.Wh', 'l0.b', 'x', 'l0.h0', 'l0.c0'],
    ]);
    for (const row of rows) expect(row).toMatchObject({ error: 0, bound: 0, undecided: { field: 0 } });
    expect(rows[0].checked).toBe(4 * 20);
  });

  it('blames no right gradient for a relation that the field does not have', () => {
    // dz = dh / (2 √(z² + 1)) · 2 z, written with a root times itself
    const root = 'sqrt(z * z + 1)';
    const right = withSlope(root, 'dh * z / h');
    expect(exactCheck(problemOfCell(right)).proved).toBe(true);
    const roundabout = withSlope(root, 'dh * z * h / (z * z + 1)');
    expect(exactCheck(problemOfCell(roundabout)).proved).toBe(false);
    const report = gradcheck(roundabout);
    expect(report.verdict).toBe('right');
    const exact = report.rows.filter(({ oracle }) => oracle === 'exact');
    expect(exact.map(({ verdict }) => verdict)).toEqual(exact.map(() => 'undecided'));
    expect(exact[0].undecided.field).toBeGreaterThan(0);
    // with a mistake besides, it is wrong
    expect(gradcheck(withSlope(root, 'dh * z * h / (z * z + 2)'), { oracles: ['exact'] }).verdict).toBe(
      'wrong',
    );
  });

  it('leaves open what divides by 0', () => {
    const hopeless = withSlope('tanh(z) / (z - z)', 'dh * (1 - h * h)');
    expect(() => exactCheck(problemOfCell(hopeless))).toThrow(NoInverse);
    const { rows } = gradcheck(hopeless, { oracles: ['exact'] });
    expect(rows.map(({ verdict }) => verdict)).toEqual(rows.map(() => 'undecided'));
  });
});

it('changes no number of the problem', () => {
  const problem = problemOfCell(gru(sizes));
  const numbers = (): number[][] =>
    Object.values(problem.variables).flatMap(({ value, gradient }) => [toFlat(value), toFlat(gradient)]);
  const before = numbers();
  exactCheck(problem);
  expect(numbers()).toEqual(before);
});

it('the same seed finds the same', () => {
  const wrong = problemOfCell(scaled(lstm(sizes), 2));
  expect(exactCheck(wrong, { seed: 5 })).toEqual(exactCheck(wrong, { seed: 5 }));
  expect(exactCheck(wrong, { seed: 5 })).not.toEqual(exactCheck(wrong, { seed: 6 }));
});

describe('two statements', () => {
  it('are the same function or not', () => {
    const of = (body: Parameters<typeof statement>[0]) => statement(body).graph;
    const square = of(({ a, b }) => ({ y: sub(mul(a, a), mul(b, b)) }));
    expect(
      sameGraphs(
        square,
        of(({ a, b }) => ({ y: mul(sub(a, b), add(a, b)) })),
      ),
    ).toBe(true);
    expect(
      sameGraphs(
        square,
        of(({ a, b }) => ({ y: mul(sub(a, b), add(b, b)) })),
      ),
    ).toBe(false);
    expect(
      sameGraphs(
        of(({ a }) => ({ y: max(a, 0) })),
        of(({ a }) => ({ y: a })),
      ),
    ).toBe(false);
  });
});
