import { executorOf } from '../core/programs/executor';
import type * as Executors from '../core/programs/executor';
import { plain } from '../core/programs/plain';
import { matrix, Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { add, mul, sub } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import { columns, tensor, toFlat, toNested, transpose, zeros, type Tensor } from '../core/tensor';
import { testErrors } from './errors';
import { settings } from './executors';

const scale = statement(({ x, k }) => ({ y: mul(x, k) }));

describe.each(settings)('$name', ({ executor, dtype }) => {
  const of = (values: number[][]): Tensor => tensor(values, undefined, dtype);

  test('replays its operations in order, on whatever the tensors hold by then', () => {
    // y = x W + b, then z = 2 y, then s = Σ rows of z
    const x = of([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const W = of([
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    const b = tensor([10, 20], undefined, dtype);
    const [y, z, s] = [zeros([2, 2], dtype), zeros([2, 2], dtype), zeros([2], dtype)];
    const program = new Program();
    program.matmul(x, W, y, { bias: b });
    program.pointwise(scale, { x: y, k: tensor([2], undefined, dtype), y: z });
    program.sumRows(z, s);
    const run = program.bind(executor);
    expect(toFlat(s)).toEqual([0, 0]); // recording and binding compute nothing
    run();
    expect(toNested(y)).toEqual([
      [14, 25],
      [20, 31],
    ]);
    expect(toFlat(s)).toEqual([68, 112]);
    x.set(0, 0, 2);
    run();
    expect(toFlat(s)).toEqual([70, 112]);
  });

  test('accumulates where it is told to: twice is exactly twice', () => {
    // eighths: nothing rounds, in whatever order it is added
    const from = of([
      [1 / 8, 2 / 8],
      [3 / 8, 4 / 8],
    ]);
    const [product, sums, lines] = [zeros([2, 2], dtype), zeros([2], dtype), zeros([2, 1], dtype)];
    const program = new Program();
    program.matmul(from, from, product, { accumulate: true });
    program.sumRows(from, sums, { accumulate: true });
    program.sumColumns(from, lines, { accumulate: true });
    const run = program.bind(executor);
    run();
    const once = [product, sums, lines].map(toFlat);
    run();
    expect([product, sums, lines].map(toFlat)).toEqual(once.map((part) => part.map((v) => 2 * v)));
  });

  test('an appended program runs behind its own operations', () => {
    const t = of([[1]]);
    const one = tensor([1], undefined, dtype);
    const double = tensor([2], undefined, dtype);
    const first = new Program();
    first.pointwise(
      statement(({ x, one }) => ({ y: add(x, one) })),
      { x: t, one, y: t },
    );
    const second = new Program();
    second.pointwise(scale, { x: t, k: double, y: t });
    first.append(second);
    first.bind(executor)();
    expect(toFlat(t)).toEqual([4]); // (1 + 1) · 2
    expect([first.operations.length, second.operations.length]).toEqual([2, 1]);
  });

  test('one program may be bound twice: the bindings share only the tensors', () => {
    const t = of([[1, 2, 3]]);
    const program = new Program();
    program.pointwise(scale, { x: t, k: tensor([2], undefined, dtype), y: t });
    const [p, q] = [program.bind(executor), program.bind(executor)];
    p();
    q();
    expect(toFlat(t)).toEqual([4, 8, 12]);
  });
});

describe('what is recorded', () => {
  test('a row is spread over the rows, a column along them, a number over both, by strides of zero', () => {
    const [out, row, column, number] = [zeros([2, 3]), zeros([3]), zeros([2, 1]), zeros([1])];
    const program = new Program();
    const sum = statement(({ x, r, c, n }) => ({ y: add(add(x, r), sub(c, n)) }));
    program.pointwise(sum, { x: transpose(zeros([3, 2])), r: row, c: column, n: number, y: out });
    const [operation] = program.operations;
    if (operation.kind !== 'pointwise') throw new Error('expected a pointwise operation');
    const strides = Object.fromEntries(
      Object.entries(operation.inputs).map(([name, t]) => [name, [t.shape, t.stride]]),
    );
    expect(strides).toEqual({
      x: [
        [2, 3],
        [1, 2],
      ],
      r: [
        [2, 3],
        [0, 1],
      ],
      c: [
        [2, 3],
        [1, 0],
      ],
      n: [
        [2, 3],
        [0, 0],
      ],
    });
  });

  test('a vector is a matrix of one row, a number a matrix of one entry', () => {
    expect(toNested(matrix(tensor([1, 2, 3])))).toEqual([[1, 2, 3]]);
    expect(toNested(matrix(columns(tensor([1, 2, 3, 4]), 1, 3)))).toEqual([[2, 3]]);
    expect(matrix(zeros([])).shape).toEqual([1, 1]);
  });
});

describe('errors', () => {
  const program = new Program();
  const a = zeros([2, 3]);
  const y = zeros([2, 4]);
  const f32 = zeros([3, 4], 'float32');

  testErrors(RangeError, [
    [() => program.matmul(zeros([3]), a, y), 'matmul: a must be a matrix, got [3]'],
    [() => program.matmul(a, zeros([3]), y), 'matmul: b must be a matrix, got [3]'],
    [
      () => program.matmul(a, zeros([2, 4]), y),
      'matmul: b must be [3, 4], got [2, 4] (K = 3 is fixed by a [2, 3])',
    ],
    [
      () => program.matmul(a, zeros([3, 5]), y),
      'matmul: out must be [2, 5], got [2, 4] (a [2, 3], b [3, 5])',
    ],
    [
      () => program.matmul(a, zeros([3, 4]), y, { bias: zeros([3]) }),
      'matmul: bias must be [4], got [3] (N is fixed by b [3, 4])',
    ],
    [() => program.sumRows(a, zeros([2])), 'sumRows: out must be [3], got [2] (from [2, 3])'],
    [() => program.sumRows(zeros([3]), zeros([3])), 'sumRows: from must be a matrix, got [3]'],
    [() => program.sumColumns(a, zeros([2])), 'sumColumns: out must be [2, 1], got [2] (from [2, 3])'],
    [() => program.logSumExp(a, zeros([3, 1])), 'logSumExp: out must be [2, 1], got [3, 1] (from [2, 3])'],
    [
      () => program.pointwise(scale, { x: zeros([3, 2]), k: zeros([1]), y: a }),
      'pointwise: x must be broadcast to [2, 3], got [3, 2]',
    ],
    [
      () => program.pointwise(scale, { x: zeros([2, 3, 1]), k: zeros([1]), y: a }),
      'pointwise: a tensor must have at most 2 axes, got [2, 3, 1]',
    ],
    [
      () =>
        program.pointwise(
          statement(({ x }) => ({ y: x, z: x })),
          { x: a, y: a, z: zeros([3]) },
        ),
      'pointwise: z must be [2, 3], got [1, 3] (the shape of y)',
    ],
  ]);

  testErrors(TypeError, [
    [() => program.matmul(a, f32, y), 'matmul: b must be float64, got float32 (the dtype of a)'],
    [
      () => program.sumRows(a, zeros([3], 'float32')),
      'sumRows: out must be float64, got float32 (the dtype of from)',
    ],
    [() => program.pointwise(scale, { x: a, y: a }), 'pointwise: k must be given, got undefined'],
    [
      () => program.pointwise(scale, { x: a, k: zeros([1], 'float32'), y: a }),
      'pointwise: k must be float64, got float32 (the dtype of x)',
    ],
  ]);

  test('a refused operation leaves nothing behind', () => {
    expect(program.operations).toEqual([]);
  });
});

describe('the executor', () => {
  const before = process.env.BACKSTEP_EXECUTOR;
  afterEach(() => {
    if (before === undefined) delete process.env.BACKSTEP_EXECUTOR;
    else process.env.BACKSTEP_EXECUTOR = before;
  });

  test('is chosen by name, else by BACKSTEP_EXECUTOR', () => {
    expect(executorOf('plain')).toBe(plain);
    process.env.BACKSTEP_EXECUTOR = 'plain';
    expect(executorOf()).toBe(plain);
    process.env.BACKSTEP_EXECUTOR = 'abacus';
    expect(() => executorOf()).toThrow(
      /^executor: the executor must be one of wasm-256, wasm, reproducible, plain, got abacus$/,
    );
    expect(executorOf('plain')).toBe(plain);
    delete process.env.BACKSTEP_EXECUTOR;
    expect(typeof executorOf().bind).toBe('function');
  });

  test('is plain where there is no SIMD, and nothing else can be asked for', () => {
    const validate = jest.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    jest.isolateModules(() => {
      const { executorOf: choose } = jest.requireActual<typeof Executors>('../core/programs/executor');
      expect(choose().name).toBe('plain');
      expect(() => choose('wasm')).toThrow(
        'executor: the executor must be plain, got wasm (WebAssembly has no SIMD here)',
      );
    });
    validate.mockRestore();
  });

  test('of an unknown name is a TypeError', () => {
    expect(() => executorOf('abacus')).toThrow(TypeError);
    expect(() => executorOf('toString')).toThrow('got toString');
  });
});

test.each(settings)('a wide product has the bits of its parts: $name, $dtype', ({ executor, dtype }) => {
  const [M, K, N] = [6, 70, 16_001]; // more than 4 MiB in panels, so that b is packed in parts
  const random = new Random(2);
  const filled = (shape: number[]): Tensor => {
    const t = zeros(shape, dtype);
    for (let k = 0; k < t.data.length; k++) t.data[k] = random.normal();
    return t;
  };
  const [a, b, bias, before] = [filled([M, K]), filled([K, N]), filled([N]), filled([M, N])];
  const turned = transpose(filled([N, K]));
  for (const [right, options] of [
    [b, { bias }],
    [turned, { bias }],
    [b, { accumulate: true }],
  ] as const) {
    const [whole, parts] = [filled([M, N]), filled([M, N])];
    for (const out of [whole, parts]) out.data.set(before.data);
    const [all, some] = [new Program(), new Program()];
    all.matmul(a, right, whole, options);
    for (let from = 0; from < N; from += 1000) {
      const to = Math.min(from + 1000, N);
      const own = 'bias' in options ? { bias: bias.lo(from).hi(to - from) } : options;
      some.matmul(a, columns(right, from, to), columns(parts, from, to), own);
    }
    all.bind(executor)();
    some.bind(executor)();
    expect(whole.data).toEqual(parts.data);
  }
});
