/** The continuous Hopfield network: recall, energy, and that its update is the attention of the decoders. */
import { exactCheck, ResidueExecutor } from '../bptt/check/exact/oracle';
import { atPoints } from '../bptt/check/exact/points';
import type { Problem } from '../bptt/check/problem';
import { Attention } from '../bptt/network/layers/attention';
import type { Signal } from '../bptt/network/layers/stage';
import { equations } from '../core/equations/equations';
import type { Executor } from '../core/programs/program';
import { plain } from '../core/programs/plain';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { reshape, tensor, toFlat, zeros, type Tensor } from '../core/tensor';
import { continuousHopfield, energy, energyBackward, update } from '../hopfield/continuous';
import { testErrors } from './errors';

const random = new Random(1);
const matrix = (rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()));

const [S, P, N] = [4, 5, 3];

/** The tensors of an update of S states. */
const tensors = (q: number[][], X: number[][], beta: number) => ({
  ...{ q: tensor(q), X: tensor(X), beta: tensor([beta]), base: tensor([0.5]) },
  ...{ scaled: zeros([S, N]), score: zeros([S, P]), weight: zeros([S, P]) },
  ...{ logSum: zeros([S, 1]), next: zeros([S, N]) },
  ...{ squares: zeros([S, N]), length: zeros([S, 1]), E: zeros([S, 1]), dq: zeros([S, N]) },
});

/** The decoder's attention with dot scores: the scaled states are its queries, the patterns its source. */
function attentionOn(scaled: Tensor, X: Tensor): { program: Program; context: Tensor; weight: Tensor } {
  const signalOf = (value: Tensor): Signal => ({ value, gradient: zeros([...value.shape]) });
  const weights = () => ({ Wc: zeros([2 * N, N]) });
  const attention = new Attention('dot', signalOf(scaled), signalOf(X), 1, false, weights(), weights());
  const program = new Program();
  attention.forward(program, 0, S);
  return { program, context: attention['tensors'].context, weight: attention.weight };
}

function updateOn(t: ReturnType<typeof tensors>): Program {
  const program = new Program();
  update.record(program, t);
  return program;
}

describe('one update is attention', () => {
  const t = tensors(matrix(S, N), matrix(P, N), 1.7);
  const attention = attentionOn(t.scaled, t.X);

  test('the same numbers, to the bit', () => {
    updateOn(t).bind(plain)();
    attention.program.bind(plain)();
    expect(toFlat(attention.weight)).toEqual(toFlat(t.weight));
    expect(toFlat(attention.context)).toEqual(toFlat(t.next));
    expect(new Set(toFlat(t.next)).size).toBe(S * N);
  });

  /** Whether weights and results are the same residues, with an update that may be another one. */
  const same = (record: (executor: Executor) => () => void): boolean =>
    [
      ...atPoints(0, (point) => {
        const { still, of } = bindOf(new ResidueExecutor(point));
        for (const value of [t.q, t.X, t.beta])
          of(value).data.forEach((_, k, data) => (data[k] = point.draw()));
        record(still)();
        attention.program.bind(still)();
        return String(of(attention.context).data) === String(of(t.next).data);
      }),
    ].every(({ result }) => result);
  const bindOf = (executor: ResidueExecutor) => ({
    still: executor.still,
    of: (value: Tensor) => executor.of(value).re,
  });

  test('proved: the same expressions, modulo primes at random points', () => {
    expect(same((executor) => updateOn(t).bind(executor))).toBe(true);
  });

  test('and the proof fails for a softmax that is not over the patterns but a plain sum of exponentials', () => {
    const wrong = equations(
      'wrong update',
      'q [S, N]   X [P, N]   beta [1]   writes scaled [S, N]   score, weight [S, P]   next [S, N]',
      `scaled = beta * q
       score = scaled @ X.T
       weight = exp(score)
       next = weight @ X`,
    );
    const record = new Program();
    wrong.record(record, t);
    expect(same((executor) => record.bind(executor))).toBe(false);
  });
});

test('proved: the gradient of the energy is q − next, so an update is a step down it of size 1', () => {
  const t = tensors(matrix(S, N), matrix(P, N), 0.8);
  const [forward, backward] = [updateOn(t), new Program()];
  energy.record(forward, t);
  const loss = zeros([1]);
  equations('sum', 'E [S, 1]   writes loss [1]', 'loss = sum(E)').record(forward, { E: t.E, loss });
  energyBackward.record(backward, t);
  const problem = { variables: { q: { value: t.q, gradient: t.dq } }, forward, backward, loss };
  expect(exactCheck(problem as unknown as Problem)).toMatchObject({ proved: true, mismatches: [] });
  const wrong = new Program();
  energyBackward.record(wrong, { ...t, next: t.scaled });
  const report = exactCheck({ ...problem, backward: wrong } as unknown as Problem);
  expect(report.proved).toBe(false);
});

test('the energy never rises, is never negative, and is its definition', () => {
  for (let k = 0; k < 30; k++) {
    const beta = 0.1 + 4 * random.uniform();
    const [X, q] = [matrix(P, N), matrix(S, N)];
    const memory = continuousHopfield({ patterns: X, beta });
    const { energies, outcome } = memory.recall(q, { updates: 2000, tolerance: 1e-10 });
    expect(outcome).toBe('fixed point');
    energies.forEach((row, n) =>
      row.forEach((E, s) => {
        expect(E).toBeGreaterThan(-1e-12);
        if (n > 0) expect(E).toBeLessThanOrEqual(energies[n - 1][s] + 1e-12);
      }),
    );
    const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
    const lengths = X.map((x) => dot(x, x));
    q.forEach((state, s) => {
      const sum = X.reduce((total, x) => total + Math.exp(beta * dot(x, state)), 0);
      const rest = Math.log(P) / beta + Math.max(...lengths) / 2;
      const E = -Math.log(sum) / beta + dot(state, state) / 2 + rest;
      expect(energies[0][s]).toBeCloseTo(E, 11);
      expect(memory.energy(q)[s]).toBeCloseTo(E, 11);
    });
  }
});

test('a large β recalls one pattern, a small one the mean of all', () => {
  const X = matrix(P, 40);
  const noisy = X.map((x) => x.map((v) => v + 0.3 * random.normal()));
  const sharp = continuousHopfield({ patterns: X, beta: 4 }).recall(noisy);
  X.forEach((x, k) => {
    expect(sharp.weight.get(k, k)).toBeGreaterThan(0.999);
    x.forEach((v, i) => expect(sharp.state.get(k, i)).toBeCloseTo(v, 6));
  });
  const flat = continuousHopfield({ patterns: X, beta: 1e-6 }).recall(noisy);
  for (let i = 0; i < 40; i++)
    expect(flat.state.get(0, i)).toBeCloseTo(
      X.reduce((sum, x) => sum + x[i] / P, 0),
      4,
    );
});

test('a tensor will do, states are not changed, and a recall may be stopped', () => {
  const X = tensor(matrix(P, N));
  const memory = continuousHopfield({ patterns: X, beta: 0.9 });
  const q = matrix(S, N);
  const copy = structuredClone(q);
  const { outcome, energies, state } = memory.recall(q, { updates: 1, tolerance: 0 });
  expect([outcome, energies.length, state.shape]).toEqual(['stopped', 2, [S, N]]);
  expect(q).toEqual(copy);
  expect(toFlat(reshape(memory.patterns, [P * N]))).toEqual(toFlat(X));
});

const memory = continuousHopfield({ patterns: [[1, 2]] });
testErrors(RangeError, [
  [() => continuousHopfield({ patterns: [] }), 'continuousHopfield: patterns must be [P, N], got [0]'],
  [() => continuousHopfield({ patterns: [1, 2] }), 'continuousHopfield: patterns must be [P, N], got [2]'],
  [() => continuousHopfield({ patterns: [[1, NaN]] }), 'continuousHopfield: patterns must be finite numbers'],
  [
    () => continuousHopfield({ patterns: [[1]], beta: 0 }),
    'continuousHopfield: beta must be a number > 0, got 0',
  ],
  [
    () => continuousHopfield({ patterns: [[1]], beta: NaN }),
    'continuousHopfield: beta must be a number > 0, got NaN',
  ],
  [
    () => continuousHopfield({ patterns: [[1]], beta: '2' as never }),
    "continuousHopfield: beta must be a number > 0, got the string '2'",
  ],
  [
    () => memory.recall([[1, 1]], { tolerance: '1' as never }),
    "continuousHopfield.recall: tolerance must be >= 0, got the string '1'",
  ],
  [() => memory.energy([1, 2]), 'continuousHopfield.energy: states must be [S, N], got [2]'],
  [() => memory.recall([[1]]), 'continuousHopfield.recall: states must be [S, 2], got [1, 1] (N = 2 is fixed by the patterns)'], // prettier-ignore
  [() => memory.energy([[1, Infinity]]), 'continuousHopfield.energy: states must be finite numbers'],
  [
    () => memory.recall([[1, 1]], { updates: 0 }),
    'continuousHopfield.recall: updates must be a whole number >= 1',
  ],
  [
    () => memory.recall([[1, 1]], { tolerance: -1 }),
    'continuousHopfield.recall: tolerance must be >= 0, got -1',
  ],
]);
testErrors(TypeError, [
  [() => continuousHopfield(null as never), 'continuousHopfield: options must be an object, got null'],
  [
    () => continuousHopfield({ patterns: 'x' as never }),
    'continuousHopfield: patterns must be a list or a tensor',
  ],
  [
    () => memory.recall([[1, 1]], { steps: 3 } as never),
    'continuousHopfield.recall: options must be among updates',
  ],
]);
