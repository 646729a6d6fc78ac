/**
 * Compiled statements: every operation against the number rules of core/programs/scalar.ts, and whole statements against the
 * same operations one at a time, for any memory layout and number of operands.
 */
import fc from 'fast-check';
import type { Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import {
  add,
  apply,
  exp,
  language,
  mul,
  type OperationName,
  select,
  sub,
  tanh,
} from '../core/programs/scalar';
import { arityOf, type Graph, type GraphNode, inputsOf, statement } from '../core/programs/statement';
import { type Access, pointwiseKey } from '../core/wasm/emit-pointwise';
import { Arena, argumentsOf, compile, mapper, type Operand, roundTo } from './operands';
import { lstmBackward, lstmForward } from './statements';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 24 });

const dtypes: readonly Dtype[] = ['float32', 'float64'];
const operationNames = Object.keys(language) as OperationName[];
/** Those that IEEE arithmetic or a choice defines to the bit; the others have bounds in wasm-math.test.ts. */
const isExact = (op: OperationName): boolean => !['exp', 'log', 'log1p', 'sigmoid', 'tanh'].includes(op);

/** Around the lane counts, and some that are no multiples of them. */
const lengths = [1, 2, 3, 4, 5, 7, 8, 19, 128];

/** The numbers at which kernels go wrong, in the dtype. */
function specials(dtype: Dtype): number[] {
  const [least, normal, most] =
    dtype === 'float32'
      ? [2 ** -149, 2 ** -126, (2 - 2 ** -23) * 2 ** 127]
      : [Number.MIN_VALUE, 2 ** -1022, Number.MAX_VALUE];
  const positive = [
    0,
    least,
    5 * least,
    normal - least,
    normal,
    1e-30,
    0.1,
    0.5,
    1,
    1.5,
    3,
    17,
    90,
    745,
    1e30,
    most,
  ];
  return [...positive, Infinity, NaN, ...positive.map((x) => -x), -Infinity].map((x) => roundTo(dtype, x));
}

const graphOf = (op: OperationName): Graph => {
  const names = ['a', 'b', 'c'].slice(0, arityOf(op));
  return statement((v) => {
    const [a, b, c] = names.map((name) => v[name]);
    return { y: apply(op, a, b, c) };
  }).graph;
};

/** Positions at which two lists differ in value or sign of zero; all NaN are alike. */
const differences = (x: ArrayLike<number>, y: ArrayLike<number>): number[] =>
  Array.from(x).flatMap((value, k) => (Object.is(value, y[k]) ? [] : [k]));

describe.each(dtypes)('%s', (dtype) => {
  const least = dtype === 'float32' ? 2 ** -149 : Number.MIN_VALUE;
  const epsilon = dtype === 'float32' ? 2 ** -23 : 2 ** -52;

  describe('one operation', () => {
    test.each(operationNames)('%s keeps the number rule at special and at random values', (op) => {
      const arity = arityOf(op);
      const random = new Random(1);
      const values = specials(dtype);
      const others = arity === 1 ? [0] : values; // all pairs; the third argument goes around
      const args = values.flatMap((a, i) =>
        others.map((b, k) => [a, b, values[(3 * i + 5 * k) % values.length]]),
      );
      for (let k = 0; k < 500; k++) args.push([1, 2, 3].map(() => roundTo(dtype, 3 * random.normal())));
      const inputs = [0, 1, 2].slice(0, arity).map((at) => args.map((row) => row[at]));

      const [got] = mapper(graphOf(op), dtype)(...inputs);
      const { value } = language[op] as { value: (a: number, b: number, c: number) => number };
      const expected = args.map(([a, b, c]) => roundTo(dtype, value(a, b, c)));
      if (isExact(op)) expect(differences(got, expected).map((k) => [args[k], got[k]])).toEqual([]);
      else {
        // a few ulp, one of them for Math itself; sigmoid's rule ends at the smallest 1 / e⁷⁰⁹ in float64
        const slack = op === 'sigmoid' ? 2 ** -1022 : 0;
        const wrong = differences(got, expected).filter((k) => {
          const distance = Math.abs(got[k] - expected[k]);
          return !(distance <= Math.max(4 * epsilon * Math.abs(expected[k]), 4 * least, slack));
        });
        expect(wrong.map((k) => [args[k], got[k], expected[k]])).toEqual([]);
      }
    });
  });

  describe('a whole statement', () => {
    test('gives the bits of its operations, done one at a time', () => {
      const value = fc.oneof(
        fc.constantFrom(...specials(dtype)),
        fc.double({ min: -4, max: 4, noNaN: true }).map((x) => roundTo(dtype, x)),
      );
      const oneAtATime = new Map<OperationName, ReturnType<typeof mapper>>();
      fc.assert(
        fc.property(
          randomGraph(),
          fc.array(fc.array(value, { minLength: 7, maxLength: 7 }), { minLength: 3, maxLength: 3 }),
          (graph, rows) => {
            const inputs = inputsOf(graph).map((name) => rows[Number(name.slice(1))]);
            const got = mapper(graph, dtype)(...inputs);

            const values: ArrayLike<number>[] = [];
            let next = 0;
            for (const node of graph.nodes) {
              if (node.op === 'input') values.push(inputs[next++]);
              else if (node.op === 'constant')
                values.push(new Array<number>(7).fill(roundTo(dtype, node.value)));
              else {
                let map = oneAtATime.get(node.op);
                if (!map) oneAtATime.set(node.op, (map = mapper(graphOf(node.op), dtype)));
                values.push(Array.from(map(...node.args.map((arg) => values[arg]))[0]));
              }
            }
            const wrong = Object.values(graph.outputs).map((index, k) =>
              inputs.length ? differences(got[k], values[index]) : [],
            );
            expect(wrong.flat()).toEqual([]);
          },
        ),
        { numRuns: 150 },
      );
    });

    test.each([
      ['LSTM forward', lstmForward],
      ['LSTM backward', lstmBackward],
    ])('%s agrees with the statement called on numbers', (_name, body) => {
      const random = new Random(2);
      const names = inputsOf(body.graph);
      const inputs = names.map(() => Array.from({ length: 203 }, () => roundTo(dtype, random.normal())));
      const got = mapper(body.graph, dtype)(...inputs);
      for (let k = 0; k < 203; k++) {
        const expected = Object.values(
          body(Object.fromEntries(names.map((name, n) => [name, inputs[n][k]]))),
        );
        // the largest intermediate values are of order 10
        expected.forEach((y, n) => expect(Math.abs(got[n][k] - (y as number))).toBeLessThan(40 * epsilon));
      }
    });

    test('keeps constants apart: 0 and −0, NaN, infinities, and what only float64 can hold', () => {
      const body = statement(({ x }) => ({
        zero: mul(0, x),
        negative: mul(-0, x),
        nan: add(x, NaN),
        large: add(x, Infinity),
        small: add(x, -Infinity),
        tenth: mul(0.1, x),
      }));
      const got = mapper(body.graph, dtype)([1, 1, 1, 1, 1]);
      const expected = [0, -0, NaN, Infinity, -Infinity, roundTo(dtype, 0.1)];
      got.forEach((row, k) => expect(Array.from(row)).toEqual(new Array(5).fill(expected[k])));
    });

    test('passes on inputs and constants as outputs', () => {
      const body = statement(({ x, y }) => ({ first: y, second: x, third: x, fixed: 7, sum: add(x, y) }));
      const got = mapper(body.graph, dtype)([1, 2, 3], [10, 20, 30]);
      const names = inputsOf(body.graph); // y is looked up first
      expect(names).toEqual(['x', 'y']);
      expect(got.map((row) => Array.from(row))).toEqual([
        [10, 20, 30],
        [1, 2, 3],
        [1, 2, 3],
        [7, 7, 7],
        [11, 22, 33],
      ]);
    });
  });

  describe('where the operands lie', () => {
    // three inputs and two outputs, with vector temporaries, a constant and a polynomial in between
    const blend = statement(({ a, b, c }) => ({
      p: add(mul(a, b), tanh(c)),
      q: select(sub(a, b), exp(c), 0.25),
    }));
    const expected = mapper(blend.graph, dtype);
    const arena = new Arena({ pages: 2 });

    /** Runs `blend` on [rows, cols] with operands as asked for; everything must be right, and nothing else touched. */
    function check(
      [rows, cols]: [number, number],
      {
        gap = 0,
        shift = 0,
        access = ['unit', 'unit', 'unit'] as Access[],
        repeated = [false, false, false],
        last = -1,
        replace = false,
      } = {},
    ): void {
      arena.reset();
      const random = new Random(rows + 1000 * cols);
      const inputs = access.map((kind, k): Operand => {
        const columns = kind === 'unit' ? cols : 1;
        const options = { gap: gap && gap + k, shift: (shift + k) % 4, last: last === k };
        const place = arena.place([repeated[k] ? 1 : rows, columns], dtype, () => random.normal(), options);
        return repeated[k] ? { ...place, row: 0, get: (_, c) => place.get(0, c) } : place;
      });
      const outputs = [0, 1].map((k) =>
        replace
          ? inputs[k]
          : arena.place([rows, cols], dtype, undefined, { gap, shift, last: last === 3 + k }),
      );
      const column = (k: number, c: number) => (access[k] === 'unit' ? c : 0);
      const lists = inputs.map((operand, k) =>
        Array.from({ length: rows * cols }, (_, i) => operand.get(Math.floor(i / cols), column(k, i % cols))),
      );
      const want = expected(...lists).map((list) => list.slice());

      const kernel = compile(blend.graph, dtype, arena.memory, access);
      arena.remember();
      kernel(...(argumentsOf(rows, cols, [...inputs, ...outputs]) as [number, number]));
      outputs.forEach((operand, n) => {
        const got = lists[0].map((_, i) => operand.get(Math.floor(i / cols), i % cols));
        expect(differences(got, want[n])).toEqual([]);
      });
      expect(arena.strayBytes(outputs, [rows, cols], dtype)).toBe(0);
    }

    test.each(lengths)('%d columns: dense, with gaps, off the boundary, in place', (cols) => {
      check([1, cols]);
      for (const rows of [2, 3]) {
        check([rows, cols]);
        check([rows, cols], { gap: 1 });
        check([rows, cols], { gap: 3, shift: 1 });
        check([rows, cols], { shift: 2, replace: true });
        check([rows, cols], { gap: 2, shift: 3, replace: true });
      }
    });

    test.each(lengths)('%d columns: operands at the very end of the memory', (cols) => {
      for (const last of [0, 1, 2, 3, 4]) check([2, cols], { gap: last % 2, last });
    });

    test.each(lengths)('%d columns: one row for all, one number for a row, one number for all', (cols) => {
      const unit: Access[] = ['unit', 'unit', 'unit'];
      const mixed: Access[] = ['unit', 'broadcast', 'broadcast'];
      check([3, cols], { access: unit, repeated: [false, true, false] });
      check([3, cols], { access: unit, repeated: [true, true, true], gap: 1 });
      check([3, cols], { access: mixed, repeated: [false, false, false] });
      check([3, cols], { access: mixed, repeated: [false, false, true], gap: 2, shift: 1 });
      check([3, cols], { access: mixed, repeated: [true, true, false] });
      check([3, cols], { access: ['broadcast', 'broadcast', 'broadcast'], repeated: [true, true, true] });
      check([3, cols], { access: ['broadcast', 'broadcast', 'broadcast'] });
    });

    test('an element has the same bits wherever it stands', () => {
      const random = new Random(4);
      for (const op of operationNames) {
        const map = mapper(graphOf(op), dtype);
        for (let repeat = 0; repeat < 5; repeat++) {
          const args = Array.from({ length: arityOf(op) }, () => roundTo(dtype, 5 * random.normal()));
          const alone = map(...args.map((x) => [x]))[0][0];
          for (let length = 1; length <= 9; length++) {
            const row = map(...args.map((x) => new Array<number>(length).fill(x)))[0];
            expect(differences(row, new Array(length).fill(alone))).toEqual([]);
          }
        }
      }
    });

    test('no rows or no columns are nothing to do', () => {
      check([0, 5]);
      check([3, 0]);
      check([3, 0], { gap: 4, access: ['unit', 'unit', 'broadcast'] });
      check([0, 0]);
    });

    test('a shared memory works as an ordinary one', () => {
      const shared = new Arena({ shared: true });
      const x = shared.place([1, 7], dtype, (_, c) => c);
      const y = shared.place([1, 7], dtype);
      const kernel = compile(statement(({ x }) => ({ y: add(x, 1) })).graph, dtype, shared.memory);
      kernel(...(argumentsOf(1, 7, [x, y]) as [number, number]));
      expect(Array.from({ length: 7 }, (_, c) => y.get(0, c))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    });
  });
});

describe('the key of a kernel', () => {
  const spec = (graph: Graph, dtype: Dtype = 'float32', access: Access[] = ['unit', 'unit']) =>
    pointwiseKey({ graph, dtype, access });
  const { graph } = statement(({ a, b }) => ({ y: add(a, mul(b, 2)) }));

  test('looks at structure, not at names', () => {
    expect(spec(statement(({ p, q }) => ({ out: add(p, mul(q, 2)) })).graph)).toBe(spec(graph));
  });

  test('tells dtypes, kinds of access, constants, operands and outputs apart', () => {
    const others = [
      spec(graph, 'float64'),
      spec(graph, 'float32', ['unit', 'broadcast']),
      spec(statement(({ a, b }) => ({ y: add(a, mul(b, 3)) })).graph),
      spec(statement(({ a, b }) => ({ y: add(b, mul(a, 2)) })).graph),
      spec(statement(({ a, b }) => ({ y: sub(a, mul(b, 2)) })).graph),
      spec(statement(({ a, b }) => ({ y: add(a, mul(b, 2)), z: mul(b, 2) })).graph),
      spec(statement(({ a, b }) => ({ y: add(a, mul(b, 0)) })).graph),
      spec(statement(({ a, b }) => ({ y: add(a, mul(b, -0)) })).graph),
      spec(statement(({ a, b }) => ({ y: add(a, mul(b, NaN)) })).graph),
    ];
    expect(new Set([spec(graph), ...others]).size).toBe(others.length + 1);
  });
});

/** Graphs of up to 40 operations on up to three inputs, each node used at most by those behind it. */
function randomGraph(): fc.Arbitrary<Graph> {
  const step = fc.record({
    op: fc.constantFrom(...operationNames),
    picks: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  });
  return fc
    .record({
      inputs: fc.integer({ min: 1, max: 3 }),
      constants: fc.array(fc.constantFrom(0, -0, 1, 2, 0.1, -3, NaN, Infinity), { maxLength: 3 }),
      steps: fc.array(step, { minLength: 1, maxLength: 40 }),
      outputs: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    })
    .map(({ inputs, constants, steps, outputs }) => {
      const nodes: GraphNode[] = [];
      for (let k = 0; k < inputs; k++) nodes.push({ op: 'input', name: `x${k}` });
      for (const value of constants) nodes.push({ op: 'constant', value });
      for (const { op, picks } of steps) {
        // mostly recent nodes, so that values live for different lengths of time
        const args = picks
          .slice(0, arityOf(op))
          .map((pick) => Math.max(0, nodes.length - 1 - (pick % (pick % 3 ? 4 : nodes.length))));
        nodes.push({ op, args });
      }
      const named = outputs.map((pick, k) => [`y${k}`, nodes.length - 1 - (pick % nodes.length)] as const);
      return { nodes, outputs: Object.fromEntries(named), locals: {} };
    });
}
