/** Planted mistakes: the gradient oracles detect every one, and the score can drop. */
import {
  bidirectional,
  errorBounds,
  cell,
  clockwork,
  elman,
  embedding,
  gru,
  init,
  lstm,
  mutationScore,
  network,
  problemOfCell,
  problemOfNetwork,
  type CellEquations,
  type MutationReport,
  type Problem,
} from '../index';
import { mutate, mutateGraph } from '../bptt/check/mutants';
import { drawStates } from '../bptt/check/problem';
import { suite } from '../bptt/check/suite/suite';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { lstmBackward } from './statements';

/** The term of a cell's backward through its output, broken in every way. */
const unreadOutput = ['drop', 'flip', 'scale by 1.001'].map((how) => `left of add (dhOut + dhNext): ${how}`);

describe('mutation score is 100 %', () => {
  const sum = { killed: 0, total: 0 };
  // with rows of unequal length, the steps that hold a row's state are mutated as well
  const single = suite().filter(
    ({ group, name }) => !/^network|-/.test(group) && !/^bidirectional.*lengths/.test(name),
  );
  const deep = suite().filter(({ name }) => /^network deep, (softmax|squared, sum, lengths)$/.test(name));

  it('is taken of every cell and variant, and of deep networks', () => {
    for (const cell of ['elman', 'lstm', 'lstm peepholes', 'gru reset after', 'gru reset before'])
      expect(single.filter(({ name }) => name.startsWith(cell) && name.endsWith('lengths'))).not.toHaveLength(
        0,
      );
    expect(deep).toHaveLength(2);
    expect(topologies).toHaveLength(9);
  });

  // the bridge, and each way to be fed back
  const topologies = suite().filter(({ name }) =>
    /^(one-to-many fed (p, softmax|σ\(y\), bernoulli|y, squared)|encoder-decoder (gru, softmax|read both ways|attention (dot|general), lengths))/.test(
      name,
    ),
  );

  it.each([...single, ...deep, ...topologies].map((one) => [one.name, one] as const))(
    '%s',
    (name, { problem }) => {
      const { killed, total, survivors, unused, byOracle } = mutationScore(problem(0));
      expect(survivors).toEqual([]);
      // without attention, nothing reads the encoder's outputs; with a decoder cell of the same sizes
      // the line is shared, and so it is used
      const unread = /^encoder-decoder (gru, softmax$|read both ways)/.test(name);
      expect(unused).toEqual(unread ? unreadOutput : []);
      // the backward pass of a dense layer without activation is short
      expect(total).toBeGreaterThan(/dense none/.test(name) ? 15 : 30);
      // each oracle alone kills all; but numbers that leave a unit of relu off show no mistake behind it
      const numbers: unknown = /clockwork.* relu/.test(name) ? expect.any(Number) : total;
      expect({ killed, ...byOracle }).toEqual({
        ...{ killed: total, differences: numbers, forwardMode: numbers, exact: total },
      });
      sum.killed += killed;
      sum.total += total;
    },
  );

  afterAll(() => {
    process.stdout.write(`mutants killed: ${sum.killed} of ${sum.total}\n`);
  });
});

describe('a loose bound', () => {
  afterEach(() => jest.restoreAllMocks());
  const score = (loose: number, which: ('differences' | 'forwardMode')[]): MutationReport => {
    for (const oracle of which) jest.replaceProperty(errorBounds, oracle, loose as never);
    return mutationScore(problemOfCell(gru({ input: 3, hidden: 5 })), {
      oracles: ['differences', 'forwardMode'],
    });
  };

  it('lets every mutant live when it is absurd: the score can fail', () => {
    // the relative error of finite numbers is at most 1
    const { killed, total, survivors } = score(2, ['differences', 'forwardMode']);
    expect([killed, survivors.length]).toEqual([0, total]);
  });

  it('of a hundredth lets live what is scaled by 1.001, and what is wrong at large still dies', () => {
    const { killed, total, survivors } = score(1e-2, ['differences', 'forwardMode']);
    expect(survivors.filter((what) => !what.includes('1.001'))).toEqual([]);
    expect(survivors.length).toBeGreaterThan(20);
    expect(killed).toBe(total - survivors.length);
  });

  it('of one oracle is made up for by the other', () => {
    const { killed, total, byOracle } = score(2, ['differences']);
    expect([byOracle.differences, byOracle.forwardMode, killed]).toEqual([0, total, total]);
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

  it('break the two products of a GRU into dhPrev one by one', () => {
    const what = mutate(problemOfCell(gru({ input: 3, hidden: 5 }))).mutants.map((mutant) => mutant.what);
    // through r and z, and through u; the same at the initial state
    expect(what.filter((text) => /^drop .* \+= · @ l0\.Wh/.test(text))).toHaveLength(4);
  });

  it('do not count rewrites that change nothing', () => {
    expect(mutationScore(problemOfCell(gru({ input: 3, hidden: 2 }))).equivalent).toBeGreaterThan(0);
  });

  it('survive where an equation is out of use, so the score can be below 100 %', () => {
    const problem = problemOfCell(lstm({ input: 3, hidden: 2 }), { T: 1 });
    // without an initial state, neither the forget gate nor the recurrent weights matter at the only step
    for (const name of ['l0.h0', 'l0.c0']) problem.variables[name].value.data.fill(0);
    const { killed, total, survivors } = mutationScore(problem, { oracles: ['differences', 'forwardMode'] });
    expect(killed).toBeLessThan(total);
    expect(survivors).toHaveLength(total - killed);
    // the exact oracle draws initial states of its own
    expect(mutationScore(problem)).toMatchObject({ unused: [], survivors: [], byOracle: { exact: total } });
  });

  it('are no mistakes where they are proved to break what a network does not use', () => {
    // nothing reads the output of the last layer but after the last step
    const [many] = suite().filter(({ name }) => name === 'network deep, softmax, many to one');
    const { killed, total, unused } = mutationScore(many.problem(0));
    expect(unused).toEqual(unreadOutput);
    expect(killed).toBe(total);
  });

  it('behind a single unit of relu are seen, which few coins would leave off at every point', () => {
    const one = clockwork({ input: 4, hidden: 4, periods: [1, 2, 3, 7], activation: 'relu' });
    const { unused, total, byOracle } = mutationScore(problemOfCell(bidirectional(one), { T: 5, B: 3 }));
    expect(unused).toEqual([]);
    expect(byOracle.exact).toBe(total);
  });

  it('of the embedding of class numbers are noticed, with rows of unequal length', () => {
    const layers = [embedding({ input: 8, width: 4 }), elman({ input: 4, hidden: 2 })];
    const net = network({ layers, output: 6, loss: 'softmax', seed: 5 });
    const x = Array.from({ length: 5 }, (_, t) => [0, 1, 2].map((b) => (3 * t + 2 * b) % 7));
    const targets = x.map((row) => row.map((k) => (k + 1) % 6));
    const initial = drawStates(net.architecture, 3, new Random(6));
    const report = mutationScore(problemOfNetwork(net, { x, targets, lengths: [5, 2, 4], initial }));
    expect(report).toMatchObject({ survivors: [] });
  });

  it('are judged in numbers alone where the field lacks a relation', () => {
    const own: CellEquations = {
      name: 'own',
      shapes: 'x [D]   states h [H]   parameters Wx [D, H]',
      forward: 'z = x @ Wx + hPrev\nh = sqrt(z * z + 1)',
      backward:
        'dz = (dhOut + dhNext) * z * h / (z * z + 1)\ndx = dz @ Wx.T\ndhPrev = dz * 1\ndWx += x.T @ dz',
    };
    const one = cell(own, { sizes: { D: 3, H: 5 }, init: { Wx: init.glorot() } });
    const { killed, total, byOracle } = mutationScore(problemOfCell(one));
    expect(total).toBeGreaterThan(10);
    expect({ killed, ...byOracle }).toEqual({
      killed: total,
      differences: total,
      forwardMode: total,
      exact: 0,
    });
  });

  it('are not judged by oracles that the unbroken gradients fail', () => {
    const problem: Problem = problemOfCell(lstm({ input: 3, hidden: 2 }));
    const backward = new Program(problem.backward.operations.slice(0, -3));
    expect(() => mutationScore({ ...problem, backward })).toThrow(
      /the unbroken gradients must pass their check/,
    );
  });
});
