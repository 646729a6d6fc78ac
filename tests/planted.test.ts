/** The mistakes that are planted in a backward pass: what they are called, and that each computes what its name says. */
import { mutate, mutateGraph } from '../bptt/check/mutants';
import { backwardGradients, problemOfCell } from '../bptt/check/problem';
import { cellFromText } from '../cells/text';
import { gru } from '../cells/gru';
import { equations } from '../core/equations/equations';
import { plain } from '../core/programs/plain';
import { Program } from '../core/programs/program';
import { tensor, zeros } from '../core/tensor';

const text = `cell sum
shapes
  x [D]   states h [H]   parameters Wx [D, H]  b [H]
forward
  h = hPrev + x @ Wx + b
backward
  dh = dhOut + dhNext
  dhPrev = dh
  dx = dh @ Wx.T
  dWx += x.T @ dh
  db += sum(dh)`;

test('the mistakes of a statement', () => {
  const { statements } = equations('own', 'a, b [N, W]   writes y [N, W]', 'y = a - b * a');
  const valueOf = (graph: (typeof statements)[0]['graph']): number => {
    const [a, b, y] = [tensor([[2]]), tensor([[3]]), zeros([1, 1])];
    plain.bind({ kind: 'pointwise', graph, inputs: { a, b }, outputs: { y } })();
    return y.get(0, 0);
  };
  // at a = 2, b = 3, where y = −4
  expect(mutateGraph(statements[0].graph).map(({ what, graph }) => [what, valueOf(graph)])).toEqual([
    ['the whole of y = a - b * a: drop', -0],
    ['the whole of y = a - b * a: flip', 4],
    ['the whole of y = a - b * a: scale by 1.001', -4 * 1.001],
    ['left of mul (b * a): lose the factor', 2 - 2],
    ['right of mul (b * a): lose the factor', 2 - 3],
    ['left of sub (a - b * a): drop', 0 - 6],
    ['left of sub (a - b * a): flip', -2 - 6],
    ['left of sub (a - b * a): scale by 1.001', 2 * 1.001 - 6],
    ['right of sub (a - b * a): drop', 2],
    ['right of sub (a - b * a): flip', 2 + 6],
    ['right of sub (a - b * a): scale by 1.001', 2 - 6 * 1.001],
    ['swap a and b', 3 - 6],
  ]);
});

test('two outputs of a statement are swapped, too; an input is not swapped with itself', () => {
  const { statements } = equations('own', 'a [N, W]   writes y, z [N, W]', 'y = a + 1\nz = a * a');
  const names = mutateGraph(statements[0].graph).map(({ what }) => what);
  expect(names.filter((what) => what.startsWith('swap'))).toEqual(['swap y and z']);
});

test('of two outputs with one value, each mistake is named by its own output', () => {
  const { statements } = equations('own', 'a [N, W]   writes y, z [N, W]', 'y = a * a\nz = y');
  const names = mutateGraph(statements[0].graph).map(({ what }) => what);
  expect(names.filter((what) => what.endsWith(': drop'))).toEqual([
    'the whole of y = a * a: drop',
    'the whole of z = y: drop',
  ]);
  expect(new Set(names).size).toBe(names.length);
});

describe('the mistakes of products and sums', () => {
  const problem = problemOfCell(cellFromText({ equations: text, input: 2, hidden: 3 }), { T: 3, B: 2 });
  problem.forward.bind(plain)();
  const { variables, backward } = problem;
  const right = backwardGradients(variables, backward, plain);
  const { mutants, equivalent } = mutate(problem);

  test('are planted once for each line, at all steps at once', () => {
    const sites = ['dx = · @ l0.Wx [2, 2]', 'dl0.Wx += x @ · [2, 3]', 'dl0.b += sum(·) [3]'];
    const expected = sites.flatMap((site) =>
      ['drop', 'flip the sign of', 'scale by 1.001'].map((how) => `${how} ${site}`),
    );
    expect(mutants.map(({ what }) => what).filter((what) => /[=] .*\[/.test(what))).toEqual(expected);
  });

  test('swapping the two terms of a sum is none', () => {
    expect(mutants.filter(({ what }) => /^swap dhOut/.test(what))).toEqual([]);
    expect(equivalent).toBe(2);
  });

  test.each([
    ['dx = · @ l0.Wx [2, 2]', 'x'],
    ['dl0.Wx += x @ · [2, 3]', 'l0.Wx'],
    ['dl0.b += sum(·) [3]', 'l0.b'],
  ])('%s changes that gradient by its factor, and no other', (site, name) => {
    for (const [how, factor] of [
      ['drop', 0],
      ['flip the sign of', -1],
      ['scale by 1.001', 1.001],
    ] as const) {
      const { backward: broken } = mutants.find(({ what }) => what === `${how} ${site}`) ?? { backward };
      const wrong = backwardGradients(variables, broken, plain);
      for (const [other, gradient] of Object.entries(wrong))
        gradient.forEach((g, k) =>
          expect(g).toBeCloseTo((other === name ? factor : 1) * right[other][k], 12),
        );
    }
  });

  test('of a gate are named by where its columns of the parameter begin', () => {
    const { backward: gated, variables: own } = problemOfCell(gru({ input: 2, hidden: 3 }), { T: 2, B: 2 });
    const names = mutate({ backward: gated, variables: own }).mutants.map(({ what }) => what);
    expect(new Set(names.flatMap((what) => /dl0\.Wh(\+\d+)?/.exec(what)?.[0] ?? []))).toEqual(
      new Set(['dl0.Wh', 'dl0.Wh+6']),
    );
  });

  test('an empty program has none', () =>
    expect(mutate({ backward: new Program([]), variables })).toEqual({ mutants: [], equivalent: 0 }));
});
