/** Jacobians of a step: by hand, against three other methods, and detection of wrong ones. */
import {
  clockwork,
  elman,
  gradcheck,
  gru,
  jacobiansOf,
  jordan,
  lstm,
  network,
  problemOfCell,
  type Cell,
  type Problem,
} from '../index';
import { StepCopies, statesSize, type Matrix } from '../bptt/check/jacobians/stepcopies';
import { bidirectional } from '../bptt/network/layers/layer';
import { analyticGradients } from '../bptt/check/problem';
import { suite } from '../bptt/check/suite/suite';
import { executors } from './executors';
import { planOf } from '../bptt/network/passes/pass';

const sizes = { input: 4, hidden: 5 };

/** A problem whose forward pass has run. */
const ran = (problem: Problem): Problem => (analyticGradients(problem), problem);
const farthest = (A: Matrix, B: Matrix): number =>
  Math.max(...A.flatMap((line, r) => line.map((v, c) => Math.abs(v - B[r][c]))));

describe('worked by hand', () => {
  it('elman: ∂h/∂hPrev = diag(1 − h²) Whᵀ', () => {
    const net = network({ layers: [elman({ input: 1, hidden: 2, bias: false })] });
    net.parameters.set('l0.Wx', [0.1, 0.2]);
    net.parameters.set('l0.Wh', [0.5, -0.25, 2, 1]);
    const pass = net.forward({ x: [[[1]]], initial: { 'l0.h': [0.3, -0.4] } });
    const h = [Math.tanh(0.1 + 0.15 - 0.8), Math.tanh(0.2 - 0.075 - 0.4)];
    const expected = [
      [(1 - h[0] ** 2) * 0.5, (1 - h[0] ** 2) * 2],
      [(1 - h[1] ** 2) * -0.25, (1 - h[1] ** 2) * 1],
    ];
    const [unroll] = planOf(pass).unrolls ?? [];
    expect(farthest(jacobiansOf(unroll)(0, 0), expected)).toBeLessThan(1e-15);
  });

  it('an lstm without recurrent weights carries its memory by its forget gates alone, ∂c_T/∂c_0 = Π f', () => {
    const [H, T] = [3, 4];
    const net = network({ layers: [lstm({ input: 2, hidden: H, recurrentInit: 'zeros', forgetBias: 2 })] });
    const x = Array.from({ length: T }, (_, t) => [[t - 1, 1 / (t + 1)]]);
    const pass = net.forward({ x });
    const [unroll] = planOf(pass).unrolls ?? [];
    const jacobian = jacobiansOf(unroll);
    const forget = Array<number>(H).fill(1);
    const memory = Array<number>(H).fill(1);
    const { Wx } = unroll.options.parameters;
    for (let t = 0; t < T; t++) {
      const J = jacobian(t, 0);
      for (let u = 0; u < H; u++) {
        const af = x[t][0][0] * Wx.get(0, H + u) + x[t][0][1] * Wx.get(1, H + u) + 2;
        forget[u] *= 1 / (1 + Math.exp(-af));
        memory[u] *= J[H + u][H + u];
        expect(J.map((line) => line[u])).toEqual(Array(2 * H).fill(0)); // nothing comes by way of h
      }
    }
    memory.forEach((v, u) => expect(v).toBeCloseTo(forget[u], 14));
    expect(Math.min(...memory)).toBeGreaterThan(0.3);
  });

  it('clockwork: a module that holds passes its state on, and hears nothing', () => {
    const { plan } = ran(problemOfCell(clockwork({ input: 2, hidden: 4, periods: [1, 2] }), { T: 2 }));
    const J = jacobiansOf(plan.unrolls[0])(1, 0);
    expect(J.slice(2)).toEqual([
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]);
    expect(J[0].every((v) => v !== 0)).toBe(true);
    // at t = 0 all fire, and the slow module does not hear the fast one
    expect(jacobiansOf(plan.unrolls[0])(0, 0)[2].slice(0, 2)).toEqual([0, 0]);
  });
});

describe('against differences', () => {
  const cases = suite().filter(({ group }) => group !== 'network');
  it.each(cases.map((one) => [one.name, one] as const))('%s', (_name, { problem }) => {
    const { unrolls, shape } = ran(problem(1)).plan;
    for (const unroll of unrolls) {
      const [jacobian, copies] = [jacobiansOf(unroll), new StepCopies(unroll)];
      for (let t = 0; t < shape.T; t++) {
        if (unroll.options.valid?.get(t * shape.B + 1, 0) === 0) continue;
        expect(farthest(jacobian(t, 1), copies.differences(t, 1))).toBeLessThan(1e-9);
      }
    }
  });
});

describe('along the sequence', () => {
  it.each([false, true])('past the end of a row it is the identity, in reverse: %s', (reverse) => {
    const layer = bidirectional(lstm(sizes));
    const { unrolls } = ran(problemOfCell(layer, { T: 4, B: 2, lengths: [4, 2] })).plan;
    const unroll = unrolls[reverse ? 1 : 0];
    const jacobian = jacobiansOf(unroll);
    const eye = Array.from({ length: 10 }, (_, r) => Array.from({ length: 10 }, (_, c) => Number(r === c)));
    expect([0, 1, 2, 3].map((t) => farthest(jacobian(t, 1), eye) === 0)).toEqual([false, false, true, true]);
    expect(farthest(jacobian(3, 0), eye)).toBeGreaterThan(0.1);
  });

  it.each(executors.map((executor) => [executor.name, executor] as const))('on %s', (_name, executor) => {
    const { unrolls } = ran(problemOfCell(jordan({ ...sizes, output: 3, feedback: 'p' }))).plan;
    const [ours, plain] = [jacobiansOf(unrolls[0], executor)(1, 2), jacobiansOf(unrolls[0])(1, 2)];
    expect(farthest(ours, plain)).toBeLessThan(1e-14);
  });

  it('there is none for a step or a row that does not exist', () => {
    const jacobian = jacobiansOf(ran(problemOfCell(gru(sizes), { T: 4, B: 3 })).plan.unrolls[0]);
    expect(() => jacobian(4, 0)).toThrow('jacobian: t must be in 0…3, got 4');
    expect(() => jacobian(0, 3)).toThrow('jacobian: the row must be in 0…2, got 3');
    expect(() => jacobian(0.5, 0)).toThrow(RangeError);
  });

  it('a cell that has none gets it from its backward pass', () => {
    const own: Cell = { ...lstm(sizes), jacobian: undefined };
    const [given, made] = [lstm(sizes), own].map((cell) => ran(problemOfCell(cell)).plan.unrolls[0]);
    expect(farthest(jacobiansOf(given)(2, 1), jacobiansOf(made)(2, 1))).toBeLessThan(1e-15);
    expect(gradcheck(own, { oracles: ['jacobian', 'doubleSum', 'newton'] }).rows).toEqual([]);
  });
});

describe('a wrong Jacobian fails', () => {
  it('a mistake in its statement is found at random points, and named', () => {
    const [pair] = gru(sizes).statements ?? [];
    const wrong: Cell = {
      ...gru(sizes),
      statements: [{ ...pair, jacobian: lstm(sizes).statements?.[0].jacobian }],
    };
    const { rows } = gradcheck(wrong, { oracles: ['statement'] });
    expect(rows.filter(({ ok }) => !ok).map(({ variable }) => variable)).toEqual(['l0.Jc', 'l0.Jh']);
  });
});

it('every cell of the suite has one, over all its states', () => {
  for (const { cells, problem, name } of suite().filter((one) => one.cells.length > 0)) {
    const { unrolls } = ran(problem(0)).plan;
    const J = jacobiansOf(unrolls[0])(0, 0);
    const S = statesSize(unrolls[0].cell);
    expect([name, J.length, J[0].length]).toEqual([name, S, S]);
    expect(cells.every((cell) => 'jacobian' in cell)).toBe(true);
  }
});
