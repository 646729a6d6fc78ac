import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import ndarray from 'ndarray';
import {
  columns,
  dtypeOf,
  contents,
  copied,
  fillFrom,
  isContiguous,
  isTensor,
  reshape,
  rowMajor,
  rows,
  sizeOf,
  tensor,
  toFlat,
  toNested,
  transpose,
  zeros,
} from '../core/tensor';
import { engineMemory } from '../core/memory';
import { dtypes } from './executors';

const table = [
  [1, 2, 3],
  [4, 5, 6],
];

describe.each(dtypes)('%s', (dtype) => {
  test('zeros are zero, in engine memory, in row-major order', () => {
    const t = zeros([2, 3], dtype);
    expect([t.shape, t.stride, t.offset]).toEqual([[2, 3], [3, 1], 0]);
    expect(toFlat(t)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(dtypeOf(t)).toBe(dtype);
    expect(engineMemory().holds(t.data)).toBe(true);
  });

  test('a tensor is filled from nested lists, from a flat array, from another tensor', () => {
    const t = tensor(table, undefined, dtype);
    expect([t.shape, t.get(1, 2)]).toEqual([[2, 3], 6]);
    const flat = new Float32Array([1, 2, 3, 4, 5, 6]);
    expect(toNested(tensor(flat, [2, 3], dtype))).toEqual(table);
    expect(tensor(flat, undefined, dtype).shape).toEqual([6]);
    // of a view, the numbers it shows, in its order
    expect(toNested(tensor(transpose(t), undefined, dtype))).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(toNested(tensor(t, [3, 2], dtype))).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  test('copies of every size keep their own numbers', () => {
    // small copies share one buffer, large ones have their own
    const sizes = Array.from({ length: 300 }, (_, k) => (k % 7 === 0 ? 250 + (k % 13) : 1 + (k % 97)));
    const originals = sizes.map((size, k) => tensor(Array(size).fill(k), [1, size], dtype));
    const copies = originals.map(copied);
    for (const copy of copies) expect(dtypeOf(copy)).toBe(dtype);
    expect(copies.map((copy) => copy.data.length)).toEqual(sizes);
    expect(copies.map(toNested)).toEqual(originals.map(toNested));
    for (const copy of copies) copy.data.fill(-1);
    expect(originals.every(({ data }, k) => data.every((value) => value === k))).toBe(true);
    copies[0].data.fill(5);
    expect(copies.slice(1).every(({ data }) => data.every((value) => value === -1))).toBe(true);
  });

  test('a copy shares nothing with what it was copied from', () => {
    const t = tensor(table, undefined, dtype);
    const copy = tensor(t, undefined, dtype);
    copy.set(0, 0, 9);
    expect(t.get(0, 0)).toBe(1);
  });
});

test('float64 unless asked otherwise', () => {
  expect(dtypeOf(zeros([1]))).toBe('float64');
  expect(tensor([0.1]).get(0)).toBe(0.1);
  expect(tensor([0.1], [1], 'float32').get(0)).toBe(Math.fround(0.1));
});

test('any number of axes, an empty list, a single number', () => {
  const cube = [
    [[1], [2]],
    [[3], [4]],
    [[5], [6]],
  ];
  expect(tensor(cube).shape).toEqual([3, 2, 1]);
  expect(toNested(tensor(cube))).toEqual(cube);
  expect(toFlat(tensor(cube))).toEqual([1, 2, 3, 4, 5, 6]);
  expect([tensor([]).shape, toFlat(tensor([]))]).toEqual([[0], []]);
  expect(tensor([[], []]).shape).toEqual([2, 0]);
  expect(toNested(zeros([]))).toBe(0);
  expect([sizeOf([]), sizeOf([2, 3, 4])]).toEqual([1, 24]);
});

describe('views share their numbers', () => {
  const t = tensor(table);

  test('rows, columns and the transpose', () => {
    expect(toNested(rows(t, 1, 2))).toEqual([[4, 5, 6]]);
    expect(toNested(columns(t, 1, 3))).toEqual([
      [2, 3],
      [5, 6],
    ]);
    expect(toFlat(columns(tensor([1, 2, 3, 4]), 1, 3))).toEqual([2, 3]);
    expect(toFlat(transpose(columns(t, 1, 3)))).toEqual([2, 5, 3, 6]);
  });

  test('what is written through one is seen through all', () => {
    const own = tensor(table);
    transpose(columns(own, 2, 3)).set(0, 1, 60);
    expect(own.get(1, 2)).toBe(60);
  });

  test('contiguous is what could be one flat stretch', () => {
    expect(isContiguous(t)).toBe(true);
    expect(isContiguous(rows(t, 1, 2))).toBe(true);
    expect(isContiguous(columns(t, 0, 2))).toBe(false);
    expect(isContiguous(transpose(t))).toBe(false);
    // with one row or one column the stride of that axis is never used
    expect(isContiguous(rows(columns(t, 0, 2), 0, 1))).toBe(true);
  });

  test('reshape shows the same numbers', () => {
    const flat = reshape(rows(tensor([...table, [7, 8, 9]]), 1, 3), [6]);
    expect(toFlat(flat)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('fillFrom writes row-major numbers, and only where the view lies', () => {
    const own = tensor([...table, [7, 8, 9]]);
    fillFrom(rows(own, 1, 2), [0, 1, 2]);
    expect(toFlat(own)).toEqual([1, 2, 3, 0, 1, 2, 7, 8, 9]);
    fillFrom(columns(own, 1, 3), [10, 20, 30, 40, 50, 60]);
    expect(toFlat(own)).toEqual([1, 10, 20, 0, 30, 40, 7, 50, 60]);
    fillFrom(transpose(columns(own, 0, 2)), [1, 2, 3, 4, 5, 6]);
    expect(toFlat(own)).toEqual([1, 4, 20, 2, 5, 40, 3, 6, 60]);
    fillFrom(columns(own, 2, 3), 0);
    fillFrom(rows(own, 2, 3), -1);
    expect(toFlat(own)).toEqual([1, 4, 0, 2, 5, 0, -1, -1, -1]);
  });

  test('contents are the numbers themselves where they lie one after the other, else a copy', () => {
    const own = tensor([...table, [7, 8, 9]]);
    contents(rows(own, 1, 2)).fill(0);
    expect([...contents(own)]).toEqual([1, 2, 3, 0, 0, 0, 7, 8, 9]);
    const copy = contents(columns(own, 0, 2));
    expect([...copy]).toEqual([1, 2, 0, 0, 7, 8]);
    copy.fill(-1);
    expect([...contents(own)]).toEqual([1, 2, 3, 0, 0, 0, 7, 8, 9]);
    expect(contents(columns(zeros([2, 2], 'float32'), 0, 1))).toBeInstanceOf(Float32Array);
  });
});

test('isTensor knows a tensor from everything else', () => {
  expect(isTensor(zeros([2]))).toBe(true);
  for (const other of [null, undefined, 3, [1], new Float64Array(2), { data: [] }])
    expect(isTensor(other)).toBe(false);
});

test('any box of numbers comes back as it was, and any two views of it agree', () => {
  const box = fc
    .record({ R: fc.integer({ min: 1, max: 6 }), C: fc.integer({ min: 1, max: 6 }) })
    .chain(({ R, C }) =>
      fc.array(fc.array(fc.double(), { minLength: C, maxLength: C }), { minLength: R, maxLength: R }),
    );
  fc.assert(
    fc.property(box, (nested) => {
      const t = tensor(nested);
      expect(toNested(t)).toEqual(nested);
      expect(toNested(transpose(transpose(t)))).toEqual(nested);
      expect(toFlat(tensor(transpose(t)))).toEqual(toFlat(transpose(t)));
      expect(toNested(reshape(reshape(t, [sizeOf(t.shape)]), t.shape))).toEqual(nested);
    }),
  );
});

describe('reading', () => {
  const read = (values: never): { shape: number[]; numbers: ArrayLike<number> } =>
    rowMajor(values, 'test', 'x');

  test('each number of nested lists is read once; the first one also tells the shape', () => {
    const reads: string[] = [];
    const list = (values: unknown[], place: string): unknown[] =>
      new Proxy(values, {
        get: (target, key, receiver) => {
          if (key === '0' || Number(key) > 0) reads.push(`${place}[${String(key)}]`);
          return Reflect.get(target, key, receiver) as unknown;
        },
      });
    const values = list([list([1, 2, 3], 'x[0]'), list([4, 5, 6], 'x[1]')], 'x');
    expect(Array.from(read(values as never).numbers)).toEqual([1, 2, 3, 4, 5, 6]);
    const numbers = reads.filter((place) => place.split('[').length === 3);
    expect(numbers.sort()).toEqual(
      ['x[0][0]', 'x[0][0]', 'x[0][1]', 'x[0][2]', 'x[1][0]', 'x[1][1]', 'x[1][2]'].sort(),
    );
  });

  test('a typed array, and a tensor that holds its numbers in order, are read where they lie', () => {
    const data = Float32Array.from([0, 1, 2, 3, 4, 5, 6]);
    expect(read(data as never).numbers).toBe(data);
    const part = ndarray(data, [2, 3], [3, 1], 1);
    const { shape, numbers } = read(part as never);
    expect([shape, Array.from(numbers)]).toEqual([
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ]);
    expect((numbers as Float32Array).buffer).toBe(data.buffer);
    expect(Array.from(read(transpose(part) as never).numbers)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test('lists may hold tensors in place of lists or numbers', () => {
    const one = ndarray(Float64Array.of(7), []);
    expect(read([[1, one], tensor([8, 9])] as never)).toEqual({
      shape: [2, 2],
      numbers: Float64Array.of(1, 7, 8, 9),
    });
  });

  test('the place of what is no number is named', () => {
    expect(() =>
      read([
        [[1], [2]],
        [[3], ['a']],
      ] as never),
    ).toThrow('test: x[1][1][0] must be a number, got a');
    expect(() => read(ndarray(new BigInt64Array(2), [2]) as never)).toThrow('test: x[0] must be a number');
    const short = { ...ndarray(new Float64Array(2), [3]), data: new Float64Array(2) };
    expect(() => read(short as never)).toThrow('test: x[2] must be a number, got undefined');
  });

  test('copies lie apart, few numbers or many, in order or not', () => {
    for (const [R, C] of [
      [2, 3],
      [40, 50],
    ]) {
      const t = tensor(
        Float64Array.from({ length: R * C }, (_, k) => k),
        [R, C],
      );
      for (const view of [t, rows(t, 1, R), transpose(t)]) {
        const copy = copied(view);
        expect(toNested(copy)).toEqual(toNested(view));
        expect(engineMemory().holds(copy.data)).toBe(false);
      }
    }
  });
});

describe('errors', () => {
  const t = zeros([2, 3]);
  test.each<[() => unknown, string]>([
    [() => zeros([2, -1]), 'zeros: every size must be a whole number >= 0, got [2, -1]'],
    [() => zeros([1.5]), 'zeros: every size must be a whole number >= 0, got [1.5]'],
    [() => tensor([1, 2, 3], [2, 2]), 'tensor: values for shape [2, 2] must number 4, got 3'],
    [() => tensor([[1, 2], [3]]), 'tensor: values[1] must be a list of 2, as values[0] is, got one of 1'],
    [() => tensor([[1, 2], 3] as never), 'values[1] must be a list of 2, as values[0] is, got 3'],
    [() => tensor([1, [2, 3]]), 'values[1] must be a number, got a list of 2'],
    [() => tensor([[1, '2']] as never), "tensor: values[0][1] must be a number, got the string '2' (Number("],
    [() => tensor(t, [4]), 'tensor: values for shape [4] must number 4, got 6'],
    [() => tensor(5 as never), 'tensor: values must be nested lists, a typed array or a tensor, got 5'],
    [() => tensor(null as never), 'tensor: values must be nested lists, a typed array or a tensor, got null'],
    [() => reshape(t, [4]), 'reshape: the shape must hold 6 values, got [4]'],
    [() => reshape(transpose(t), [6]), 'reshape: the tensor must be contiguous, got strides [1, 3]'],
    [() => fillFrom(t, [1, 2]), 'fillFrom: values must number 6, got 2'],
    [() => zeros([1], 'float16' as never), 'zeros: dtype must be one of float64, float32, got float16'],
  ])('%#: %s', (act, message) => {
    expect(act).toThrow(message);
    expect(act).toThrow(/dtype|nested lists|a number/.test(message) ? TypeError : RangeError);
  });
});

test('where no code may be made of text, the package loads, and its first tensor says why there is none', () => {
  const script = "const { zeros } = require('./index'); console.log(typeof zeros); zeros([2, 3]);";
  const options = { cwd: join(__dirname, '..'), encoding: 'utf8' } as const;
  const words = ['-r', './scripts/register.js', '-e', script];
  const strict = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', ...words], options);
  expect([strict.status, strict.stdout]).toEqual([1, 'function\n']);
  expect(strict.stderr).toContain('EvalError: Code generation from strings disallowed');
  expect(spawnSync(process.execPath, words, options).status).toBe(0);
});
