import fc from 'fast-check';
import * as scalar from '../core/programs/scalar';
import { Dual, language, primal, tangent, type OperationName, type Scalar } from '../core/programs/scalar';
import { printGraph } from '../core/programs/print';
import { inputsOf, statement, statementOf, type Graph, type Statement } from '../core/programs/statement';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const { add, sub, mul, div, neg, exp, max, tanh, sigmoid, select, named } = scalar;

/** The printed equation of one expression over a, b and c. */
const text = (body: (v: Record<string, Scalar>) => Scalar): string =>
  printGraph(statement((v) => ({ y: body(v) })).graph)[0].replace('y = ', '');

describe('a statement', () => {
  const gate = statement(({ a, b }) => {
    const s = named('s', sigmoid(a));
    return { y: mul(s, b), z: mul(s, sub(1, s)) };
  });

  test('computes when called with numbers', () => {
    // σ(ln 3) = 3/4
    const { y, z } = gate({ a: Math.log(3), b: 8 });
    expect(y).toBeCloseTo(6, 14);
    expect(z).toBeCloseTo(3 / 16, 14);
  });

  test('carries derivatives when called with duals', () => {
    // ∂y/∂a = b σ(1 − σ) = 8 · 3/16, ∂y/∂b = σ = 3/4
    expect(tangent(gate({ a: new Dual(Math.log(3), 1), b: 8 }).y)).toBeCloseTo(1.5, 14);
    expect(tangent(gate({ a: Math.log(3), b: new Dual(8, 1) }).y)).toBeCloseTo(0.75, 14);
  });

  test('is written down once, equal expressions merged', () => {
    expect(gate.graph).toBe(gate.graph);
    expect(gate.graph).toEqual({
      nodes: [
        { op: 'input', name: 'a' },
        { op: 'input', name: 'b' },
        { op: 'sigmoid', args: [0] },
        { op: 'mul', args: [2, 1] },
        { op: 'constant', value: 1 },
        { op: 'sub', args: [4, 2] },
        { op: 'mul', args: [2, 5] },
      ],
      outputs: { y: 3, z: 6 },
      locals: { s: 2 },
    });
    const twice = statement(({ a, b }) => ({ y: add(mul(a, b), mul(a, b)) }));
    expect(twice.graph.nodes.filter((node) => node.op === 'mul')).toHaveLength(1);
  });

  test('names its inputs in the order in which it first reads them', () => {
    expect(inputsOf(statement(({ c, a, b }) => ({ y: add(b, mul(c, a)) })).graph)).toEqual(['c', 'a', 'b']);
    expect(inputsOf(statement((v) => ({ y: add(v.b, mul(v.c, v.b)) })).graph)).toEqual(['b', 'c']);
  });

  test('may pass an input or a constant straight to an output', () => {
    const pass = statement(({ a }) => ({ y: a, one: 1 }));
    expect(statementOf(pass.graph)({ a: 7 })).toEqual({ y: 7, one: 1 });
    expect(printGraph(pass.graph)).toEqual(['y = a', 'one = 1']);
  });

  test('zero and minus zero are two constants', () => {
    const { graph } = statement(({ a }) => ({ y: mul(a, 0), z: mul(a, -0) }));
    const { y, z } = statementOf(graph)({ a: 1 });
    expect([Object.is(y, 0), Object.is(z, -0)]).toEqual([true, true]);
  });
});

describe('printing', () => {
  test.each<[string, (v: Record<string, Scalar>) => Scalar]>([
    ['a + b + c', ({ a, b, c }) => add(add(a, b), c)],
    ['a + (b + c)', ({ a, b, c }) => add(a, add(b, c))],
    ['a - (b - c)', ({ a, b, c }) => sub(a, sub(b, c))],
    ['a - b - c', ({ a, b, c }) => sub(sub(a, b), c)],
    ['a / (b * c)', ({ a, b, c }) => div(a, mul(b, c))],
    ['a / b * c', ({ a, b, c }) => mul(div(a, b), c)],
    ['(a + b) * c', ({ a, b, c }) => mul(add(a, b), c)],
    ['a + b * c', ({ a, b, c }) => add(a, mul(b, c))],
    ['-(a + b)', ({ a, b }) => neg(add(a, b))],
    ['-(a * b)', ({ a, b }) => neg(mul(a, b))],
    ['-a * b', ({ a, b }) => mul(neg(a), b)],
    ['-(-a)', ({ a }) => neg(neg(a))],
    ['a - -b', ({ a, b }) => sub(a, neg(b))],
    ['-2 * a', ({ a }) => mul(-2, a)],
    ['tanh(a + b)', ({ a, b }) => tanh(add(a, b))],
    ['max(a, b * c)', ({ a, b, c }) => max(a, mul(b, c))],
    ['select(a, b, c)', ({ a, b, c }) => select(a, b, c)],
  ])('%s', (expected, body) => expect(text(body)).toBe(expected));

  test('a negated negative constant, which only a rewritten graph can hold, keeps its bracket', () => {
    const graph: Graph = {
      nodes: [
        { op: 'constant', value: -2 },
        { op: 'neg', args: [0] },
      ],
      outputs: { y: 1 },
      locals: {},
    };
    expect(printGraph(graph)).toEqual(['y = -(-2)']);
  });

  test('one line for each named value, in the order of evaluation, each used by name afterwards', () => {
    const { graph } = statement(({ a, b }) => {
      const s = named('s', add(a, b));
      const y = mul(s, s);
      return { z: sub(y, s), y, w: y };
    });
    expect(printGraph(graph)).toEqual(['s = a + b', 'y = s * s', 'w = y', 'z = y - s']);
  });
});

/** Random expressions over a, b and c, in every operation of the language. */
const expressions = fc.letrec<{ tree: (v: Record<string, Scalar>) => Scalar }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'tree' },
    fc.constantFrom('a', 'b', 'c').map((name) => (v: Record<string, Scalar>) => v[name]),
    fc.constantFrom(-2, -0.5, 0, 1, 3).map((value) => () => value),
    ...(Object.keys(language) as OperationName[]).map((op) =>
      fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([p, q, r]) => (v: Record<string, Scalar>) => {
        const args = [p(v), q(v), r(v)].slice(0, language[op].arity);
        return scalar.apply(op, args[0], args[1], args[2]);
      }),
    ),
  ),
})).tree;

const points = fc.record({ a: fc.double(), b: fc.double(), c: fc.double() });

describe('for any expression', () => {
  const both = (body: (v: Record<string, Scalar>) => Scalar): [Statement, Statement] => {
    const direct = statement((v) => ({ y: body(v) }));
    return [direct, statementOf(direct.graph)];
  };

  test('the graph computes what the function computes, to the bit, with its derivative', () => {
    fc.assert(
      fc.property(expressions, points, (body, at) => {
        const [direct, graph] = both(body);
        expect(primal(graph(at).y)).toBe(primal(direct(at).y));
        const along = { ...at, b: new Dual(at.b, 1) };
        expect(tangent(graph(along).y)).toBe(tangent(direct(along).y));
      }),
    );
  });

  test('the printed equation, read as JavaScript, computes the same: no bracket is missing', () => {
    const functions = Object.fromEntries(
      (Object.keys(language) as OperationName[]).map((op) => [op, language[op].value]),
    );
    const names = Object.keys(functions);
    fc.assert(
      fc.property(expressions, points, (body, at) => {
        const { graph } = statement((v) => ({ y: body(v) }));
        const [line] = printGraph(graph);
        // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the printed text is what is tested
        const read = new Function(
          'v',
          ...names,
          `const { a, b, c } = v; return ${line.replace('y = ', '')};`,
        ) as (...given: unknown[]) => number;
        const value = read(at, ...names.map((name) => functions[name]));
        expect(value).toBe(primal(statementOf(graph)(at).y));
      }),
      { numRuns: 1000 },
    );
  });
});

test('the function is run once to write it down, however often the graph is asked for', () => {
  let calls = 0;
  const counted = statement(({ a }) => {
    calls++;
    return { y: exp(a) };
  });
  void counted.graph;
  void counted.graph;
  expect(calls).toBe(1);
});
