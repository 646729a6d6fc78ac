/** Planted mistakes: the gradient oracles notice every one, and the score could be lower. */
import { gru, lstm, mutationScore, problemOfCell, type Problem } from '../index';
import { mutate, mutateGraph } from '../bptt/mutants';
import { suite } from '../bptt/suite';
import { lstmBackward } from '../cells/lstm';
import { Program } from '../core/program';

describe('mutation score is 100 %', () => {
  const all = suite().filter(({ group, cells }) => group !== 'network' && cells.length > 0);
  const deep = suite().filter(({ name }) => name === 'network deep, softmax, last step');
  it.each([...all, ...deep].map((one) => [one.name, one] as const))('%s', (_name, { problem }) => {
    const { killed, total, survivors, byOracle } = mutationScore(problem(0));
    expect(survivors).toEqual([]);
    expect(total).toBeGreaterThan(30);
    // each oracle alone kills all
    expect({ killed, ...byOracle }).toEqual({ killed: total, differences: total, forwardMode: total });
  });
});

describe('mutants', () => {
  it('drop, flip and scale every term, lose every factor, swap every pair', () => {
    const what = mutateGraph(lstmBackward.graph).map((mutant) => mutant.what);
    for (const expected of [
      'the whole of dcPrev = dc * f: drop',
      'left of add (dcNext + dh * o * (1 - tc * tc)): drop',
      'swap i and f',
      'swap dai and daf',
    ]) {
      expect(what.some((text) => text.includes(expected) || text.startsWith(expected.split(' (')[0]))).toBe(
        true,
      );
    }
    expect(what.filter((text) => text.endsWith('scale by 1.001')).length).toBeGreaterThan(10);
    expect(what.filter((text) => text.endsWith('lose the factor')).length).toBeGreaterThan(20);
  });

  it('break products and sums too', () => {
    const what = mutate(problemOfCell(lstm({ input: 3, hidden: 2 }))).mutants.map((mutant) => mutant.what);
    expect(what.filter((text) => text.startsWith('drop '))).not.toHaveLength(0);
    expect(what.some((text) => text.startsWith('flip the sign of dl0.Wx'))).toBe(true);
    expect(what.some((text) => text.startsWith('scale by 1.001 dl0.b'))).toBe(true);
  });

  it('do not count rewrites that change nothing', () => {
    expect(mutationScore(problemOfCell(gru({ input: 3, hidden: 2 }))).equivalent).toBeGreaterThan(0);
  });

  it('survive where an equation is out of use, so the score can be below 100 %', () => {
    const problem = problemOfCell(lstm({ input: 3, hidden: 2 }), { T: 1 });
    // without an initial state, neither the forget gate nor the recurrent weights matter at the only step
    for (const name of ['l0.h0', 'l0.c0']) problem.variables[name].value.data.fill(0);
    const { killed, total, survivors } = mutationScore(problem);
    expect(killed).toBeLessThan(total);
    expect(survivors).toHaveLength(total - killed);
  });

  it('are not judged by oracles that the unbroken gradients fail', () => {
    const problem: Problem = problemOfCell(lstm({ input: 3, hidden: 2 }));
    const backward = new Program();
    backward.operations.push(...problem.backward.operations.slice(0, -3));
    expect(() => mutationScore({ ...problem, backward })).toThrow(
      /the unbroken gradients must pass their check/,
    );
  });
});
