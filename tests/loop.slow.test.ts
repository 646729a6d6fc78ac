/** Random loops compute the same however they are rewritten. */
import fc from 'fast-check';
import { defer, hoist } from '../core/programs/hoist';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { add, mul } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { columns, rows, tensor, toFlat, transpose, type Tensor } from '../core/tensor';
import { executors } from './executors';

fc.configureGlobal({ seed: 20 });

const [plain] = executors;

// loops that no cell records: operands that move any way and meet each other
const [COUNT, WIDTH, HEIGHT] = [4, 4, 13];
const place = fc.record({ matrix: fc.nat(2), row: fc.nat(5), column: fc.nat(2) });
const step = fc.record({
  kind: fc.constantFrom('product', 'product', 'sum', 'statement'),
  places: fc.tuple(place, place, place),
  size: fc.record({
    m: fc.integer({ min: 1, max: 2 }),
    k: fc.integer({ min: 1, max: 2 }),
    n: fc.integer({ min: 1, max: 2 }),
  }),
  accumulate: fc.boolean(),
  way: fc.constantFrom(1, 1, -1),
  // an operand that moves otherwise than in a cell
  odd: fc.constantFrom(-1, -1, -1, 0, 1, 2),
  speed: fc.integer({ min: -2, max: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer V> ? V : never;

const apart = (p: Tensor, q: Tensor): boolean => {
  const elements = (t: Tensor): number[] =>
    Array.from({ length: t.shape[0] * t.shape[1] }, (_, k) => {
      const [r, c] = [Math.floor(k / t.shape[1]), k % t.shape[1]];
      return t.offset + r * t.stride[0] + c * t.stride[1];
    });
  const mine = new Set(elements(p));
  return p.data !== q.data || elements(q).every((at) => !mine.has(at));
};

/** The operands of a step at some time; undefined if one of them is out of range. */
function operandsAt(
  { kind, places, size, accumulate, way, odd, speed }: Step,
  memory: Tensor[],
  time: number,
) {
  const { m, k, n } = size;
  const rest = kind === 'product' ? accumulate : kind === 'sum';
  // stored rows and columns of a, b and out, and whether they move between steps
  const forms: [number, number, boolean][] =
    kind === 'product'
      ? [
          [m, k, true],
          [rest ? m : k, n, rest],
          [rest ? k : m, n, !rest],
        ]
      : [
          [m, n, true],
          [m, n, true],
          [rest ? 1 : m, n, !rest],
        ];
  const views = forms.map(([height, width, moves], at) => {
    const { matrix, row, column } = places[at];
    const move = at === odd ? speed : moves ? way * m : 0;
    const from = (move < 0 ? row + (COUNT - 1) * m : row) + time * move;
    if (from < 0 || from + height > HEIGHT || column + width > WIDTH) return undefined;
    return columns(rows(memory[matrix], from, from + height), column, column + width);
  });
  const [a, b, out] = views;
  if (!a || !b || !out) return undefined;
  const whole = kind === 'product' && rest ? { a: transpose(a), b, out } : { a, b, out };
  return apart(a, out) && (kind !== 'product' || apart(b, out)) ? whole : undefined;
}

function build(steps: Step[], memory: Tensor[]): Program {
  const times = Array.from({ length: COUNT }, (_, time) => time);
  const fitting = steps.filter((one) => times.every((time) => operandsAt(one, memory, time)));
  const program = new Program();
  program.repeat(COUNT, (each, time) => {
    for (const one of fitting) {
      const { kind, accumulate } = one;
      const { a, b, out } = operandsAt(one, memory, time) as Record<'a' | 'b' | 'out', Tensor>;
      if (kind === 'product') each.matmul(a, b, out, { accumulate });
      else if (kind === 'sum') each.sumRows(a, out.pick(0, null), { accumulate });
      else each.pointwise(accumulate ? added : doubled, { a, y: out });
    }
  });
  return program;
}
const added = statement(({ a, y }) => ({ y: add(a, y) }));
const doubled = statement(({ a }) => ({ y: mul(a, 2) }));

test('any loop computes exactly the same, as recorded, distributed, deferred and written out', () => {
  let [loops, left] = [0, 0];
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      const results = [
        (p: Program) => [new Program([...p.operations])],
        (p: Program) => [p],
        (p: Program) => [hoist(p)],
        (p: Program, memory: Tensor[]) => {
          const { rest, deferred } = defer(hoist(p), memory[1].data);
          return [rest, deferred];
        },
      ].map((change) => {
        const random = new Random(1);
        const memory = [0, 1, 2].map(() =>
          tensor(
            Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => random.below(3) - 1)),
          ),
        );
        const program = build(steps, memory);
        if (program.entries.length > 0) loops++;
        if (hoist(program).entries.some(({ kind }) => kind !== 'loop')) left++;
        for (const part of change(program, memory)) part.bind(plain)();
        return memory.map(toFlat);
      });
      // beyond, sums in another order are no longer exact
      fc.pre(results.flat(2).every((value) => Math.abs(value) < 2 ** 50));
      for (const result of results.slice(1)) expect(result).toEqual(results[0]);
    }),
    { numRuns: 400 },
  );
  // most of them have something to run, and from many of them something leaves the loop
  expect(loops).toBeGreaterThan(800);
  expect(left).toBeGreaterThan(100);
});
