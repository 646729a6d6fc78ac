/** The exact oracle detects errors of any size, and has no false positives. */
import {
  bidirectional,
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
import { sameGraphs } from '../bptt/check/exact/oracle';
import { exactJacobians } from '../bptt/check/exact/matrices';
import { add, max, mul, sub } from '../core/programs/scalar';

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

describe('Jacobians and the double sum', () => {
  /** An Elman cell whose Jacobian has another last line. */
  const withJacobian = (Jh: string): Cell =>
    cell(
      {
        name: 'own',
        shapes: 'x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]',
        forward: 'z = x @ Wx + hPrev @ Wh\nh = tanh(z)',
        backward:
          'dh = dhOut + dhNext\ndz = dh * (1 - h * h)\ndx = dz @ Wx.T\ndhPrev = dz @ Wh.T\ndWx += x.T @ dz\ndWh += hPrev.T @ dz',
        jacobian: `Jz = Wh.T @ JhPrev\nJh = ${Jh}`,
      },
      { sizes: { D: 3, H: 4 }, init: elmanInit },
    );
  const wrongIn = (of: Cell): string[] =>
    gradcheck(of, { oracles: ['exactJacobian', 'exactDoubleSum', 'exact'] })
      .rows.filter(({ ok }) => !ok)
      .map(({ oracle, variable }) => `${oracle} ${variable}`);

  it('prove a right Jacobian', () => {
    expect(wrongIn(withJacobian('Jz * (1 - h * h)'))).toEqual([]);
    expect(wrongIn(lstm({ ...sizes, peepholes: true }))).toEqual([]);
  });

  it('see a wrong one, and what follows from it', () => {
    expect(wrongIn(withJacobian('Jz * (1 - h)'))).toEqual([
      ...['l0.Wx', 'l0.Wh', 'l0.h0'].map((name) => `exactDoubleSum ${name}`),
      'exactJacobian l0.Jh',
    ]);
  });

  it('see an error below rounding, and say where', () => {
    const slightly = problemOfCell(withJacobian(`Jz * (1 - h * h) * ${1 + 2 ** -52}`));
    expect(exactJacobians(slightly)?.rows).toMatchObject([
      { variable: 'l0.Jh', where: '[0] of step 0, row 0', coins: false },
    ]);
  });
});

describe('truncated runs', () => {
  const only = { oracles: ['exactTruncated' as const] };
  const wrongIn = (of: Cell): string[] =>
    gradcheck(of, { ...only, T: 4 })
      .rows.filter(({ ok }) => !ok)
      .map(({ variable }) => variable);

  it('are proved, with states carried and gradients cut', () => {
    const { rows, chance } = gradcheck(lstm(sizes), { ...only, T: 4, lengths: [4, 1, 3] });
    expect(rows.map(({ variable, ok }) => [variable, ok])).toEqual(
      [
        ...['l0.Wx', 'l0.Wh', 'l0.b', 'l0.h0', 'l0.c0', 'x'],
        ...['output', 'l0.h at the end', 'l0.c at the end'],
      ].map((name) => [name, true]),
    );
    expect(chance).toBeLessThan(1e-9);
  });

  it('show a wrong gradient', () => {
    expect(wrongIn(scaled(lstm(sizes), 1.001))).toEqual(['l0.b']);
  });

  it('show that a cell which counts the steps starts anew in each chunk', () => {
    const right = elman(sizes);
    const counting: Cell = {
      ...right,
      step(program, v, t) {
        right.step(program, v, t);
        // it does not state its phase, so that plans are shared between chunks
        if (t >= 2)
          program.pointwise(
            statement(({ h }) => ({ h: mul(2, h) })),
            { h: v.h },
          );
      },
    };
    expect(wrongIn(counting)).toEqual(expect.arrayContaining(['output', 'l0.h at the end']));
  });

  it('are left out where there is a single step, or a layer that reads from the end', () => {
    const one = gradcheck(lstm(sizes), { ...only, T: 1 });
    expect(one.rows).toEqual([]);
    const both = gradcheck(bidirectional(elman(sizes)), only);
    expect(both.rows).toEqual([]);
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
