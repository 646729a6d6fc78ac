/** The gradient check finds wrong Jacobians. */
import { gradcheck, lstm, type Cell } from '../index';

const sizes = { input: 4, hidden: 5 };

describe('a wrong Jacobian fails', () => {
  it('is told by gradcheck, with its place, by the oracles that use it and no others', () => {
    const right = lstm(sizes);
    const wrong: Cell = {
      ...right,
      jacobian: (program, v, t) => right.jacobian?.(program, { ...v, cPrev: v.c }, t),
    };
    const report = gradcheck(wrong);
    const failed = report.rows.filter(({ ok }) => !ok);
    expect(report.ok).toBe(false);
    expect(new Set(failed.map(({ oracle }) => oracle))).toEqual(
      new Set(['doubleSum', 'newton', 'jacobian', 'exactDoubleSum', 'exactJacobian']),
    );
    expect(failed.find(({ oracle }) => oracle === 'jacobian')).toMatchObject({
      variable: 'l0.Jh',
      where: expect.stringMatching(/^\[\d, \d\] of step \d, row \d, (backward pass|forward mode)$/) as string,
    });
  });
});
