/** The exact oracle proves every case of the suite right. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exactCheck, lstm, problemOfCell } from '../index';
import { cellFromText } from '../cells/text';
import { checkProblem } from '../bptt/check/gradcheck';
import { suite } from '../bptt/check/suite/suite';

/** The divisions of normalized gates raise the degree, and with it the bound on the probability of an error. */
const mostLikely = (name: string): number => (/lstm norm/.test(name) ? 1e-7 : 1e-9);

describe('proves the gradients of', () => {
  it.each(suite().map((one) => [one.name, one] as const))('%s', (name, { problem }) => {
    const report = exactCheck(problem(1));
    expect(report).toMatchObject({ proved: true, mismatches: [] });
    // with kinks, sides are chosen at random at more points
    expect(report.points).toBe(/relu|bernoulli|absolute|huber|quantile/.test(name) ? 60 : 4);
    expect(report.degree).toBeGreaterThan(1);
    expect(report.chance).toBeLessThan(mostLikely(name));
  });

  it.each(suite().map((one) => [one.name, one] as const))(
    'double sum, Jacobians and truncated runs of %s',
    (name, { problem, cells }) => {
      const { rows, chance, ok } = checkProblem(problem(2), cells, {
        oracles: ['exactDoubleSum', 'exactJacobian', 'exactTruncated'],
      });
      expect(rows.filter((row) => !row.ok)).toEqual([]);
      expect(ok).toBe(true);
      expect(chance).toBeLessThan(mostLikely(name));
    },
  );

  it('a network of long sequences in any order of the oracles, and after its own passes', () => {
    const { problem, cells } = suite().find(({ name }) => name === 'network deep, softmax, lengths')!;
    const one = problem(1);
    for (let k = 0; k < 2; k++)
      expect(checkProblem(one, cells, { oracles: ['exact'], seed: k }).chance).toBeLessThan(1e-9);
  });

  const folder = join(__dirname, '..', 'examples', 'cells');
  it.each(readdirSync(folder).filter((file) => file.endsWith('.txt')))('%s', (file) => {
    const equations = readFileSync(join(folder, file), 'utf8');
    const own = cellFromText({ input: 3, hidden: 4, equations });
    expect(exactCheck(problemOfCell(own, { lengths: [4, 2, 3] })).proved).toBe(true);
  });

  it('a network at many steps, where numbers have long lost their last digits', () => {
    expect(exactCheck(problemOfCell(lstm({ input: 2, hidden: 2 }), { T: 40, B: 1 })).proved).toBe(true);
  });
});
