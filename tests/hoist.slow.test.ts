/** Random programs compute the same, merged and as recorded. */
import fc from 'fast-check';
import { hoist } from '../core/programs/hoist';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { add, mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { columns, rows, tensor, toFlat, transpose, type Tensor } from '../core/tensor';
import { executors } from './executors';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

const [plain] = executors;

/** Random programs over one matrix: reads and writes of operations overlap in every possible way. */
const SIZE = 6;
const span = fc
  .record({ from: fc.nat(SIZE - 1), length: fc.integer({ min: 1, max: 3 }) })
  .map(({ from, length }) => [from, Math.min(SIZE, from + length)] as const);
const view = fc.record({ matrix: fc.nat(1), rows: span, columns: span, turned: fc.boolean() });
type View = typeof view extends fc.Arbitrary<infer V> ? V : never;
const step = fc.record({
  kind: fc.constantFrom('product', 'product', 'sum', 'statement'),
  views: fc.tuple(view, view, view),
  accumulate: fc.boolean(),
  // the same operation one step further, and again, as a cell records it
  repeat: fc.integer({ min: 1, max: 3 }),
});

/** Whether two views share no element. */
function apart(p: Tensor, q: Tensor): boolean {
  const places = (t: Tensor): number[] => {
    const all: number[] = [];
    for (let r = 0; r < t.shape[0]; r++)
      for (let c = 0; c < (t.shape[1] ?? 1); c++)
        all.push(t.offset + r * t.stride[0] + c * (t.stride[1] ?? 0));
    return all;
  };
  const mine = new Set(places(p));
  return p.data !== q.data || places(q).every((place) => !mine.has(place));
}

/** Records the steps that make sense: shapes that fit, and no product into its own operands. */
function build(steps: (typeof step extends fc.Arbitrary<infer V> ? V : never)[], memory: Tensor[]): Program {
  const program = new Program();
  const look = ({ matrix, rows: r, columns: c, turned }: View, shift: number): Tensor | undefined => {
    const [from, to] = [r[0] + shift * (r[1] - r[0]), r[1] + shift * (r[1] - r[0])];
    if (to > SIZE) return undefined;
    const t = columns(rows(memory[matrix], from, to), c[0], c[1]);
    return turned ? transpose(t) : t;
  };
  for (const { kind, views, accumulate, repeat } of steps) {
    for (let k = 0; k < repeat; k++) {
      const still = look(views[1], 0) as Tensor;
      const [a, b, out] = [
        look(views[0], k),
        accumulate ? look(views[1], k) : still,
        look(views[2], accumulate ? 0 : k),
      ];
      if (!a || !b || !out) continue;
      if (kind === 'product') {
        const fits = a.shape[1] === b.shape[0] && a.shape[0] === out.shape[0] && b.shape[1] === out.shape[1];
        if (fits && apart(a, out) && apart(b, out)) program.matmul(a, b, out, { accumulate });
      } else if (kind === 'sum') {
        const line = out.pick(0, null);
        if (a.shape[1] === line.shape[0] && apart(a, rows(out, 0, 1)))
          program.sumRows(a, line, { accumulate });
      } else if (a.shape[0] === out.shape[0] && a.shape[1] === out.shape[1] && apart(a, out)) {
        const body = accumulate
          ? statement(({ a, y }) => ({ y: add(a, y) }))
          : statement(({ a }) => ({ y: mul(a, 2) }));
        program.pointwise(body, { a, y: out });
      }
    }
  }
  return program;
}

const start = (): Tensor[] => {
  const random = new Random(1);
  // integers, so that sums in another order are still exact
  return [0, 1].map(() =>
    tensor(Array.from({ length: SIZE }, () => Array.from({ length: SIZE }, () => random.below(7) - 3))),
  );
};

test('any program computes exactly the same, merged and as recorded', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const [recorded, merged] = [start(), start()];
      build(steps, recorded).bind(plain)();
      const program = hoist(build(steps, merged));
      program.bind(plain)();
      for (const op of program.operations)
        if (op.kind === 'product') expect([apart(op.a, op.out), apart(op.b, op.out)]).toEqual([true, true]);
      expect(merged.map(toFlat)).toEqual(recorded.map(toFlat));
    }),
    { numRuns: 3000 },
  );
});
