import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../io/safetensors';
import { everyKind } from './tensorkinds';

/** A file by hand: any header text or value, any data, so that headers that encode never writes can be read. */
function file(header: unknown, data: readonly number[] = [], claimed?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(claimed ?? BigInt(text.length));
  return Buffer.concat([prefix, text, Buffer.from(data)]);
}

const tensor = (shape: unknown, offsets: unknown, dtype: unknown = 'U8') => ({
  dtype,
  shape,
  data_offsets: offsets,
});

describe('round trip', () => {
  test('every element type, scalars and empty tensors keep their bits', () => {
    const { tensors, metadata } = decodeSafetensors(
      encodeSafetensors(new Map(Object.entries(everyKind)), { format: 'pt', note: 'ünïcödé ☃' }),
    );
    expect(Object.fromEntries(tensors)).toEqual(everyKind);
    expect(metadata).toEqual({ format: 'pt', note: 'ünïcödé ☃' });
  });

  test('an empty file', () => {
    const bytes = encodeSafetensors(new Map());
    expect(Buffer.from(bytes).toString('latin1')).toBe('\b\0\0\0\0\0\0\0{}      ');
    expect(decodeSafetensors(bytes).tensors.size).toBe(0);
  });

  test('the bytes of a known file, written down by hand', () => {
    const header = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const bytes = encodeSafetensors(
      new Map([['w', { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) }]]),
      { format: 'pt' },
    );
    expect(bytes).toHaveLength(104);
    expect(Buffer.from(bytes)).toEqual(
      Buffer.from(`\x58\0\0\0\0\0\0\0${header.padEnd(88)}\0\0\x80\x3f\0\0\0\x40`, 'latin1'),
    );
  });

  test('every tensor lies aligned in the file', () => {
    const bytes = encodeSafetensors(new Map(Object.entries(everyKind).reverse()));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    for (const [name, { data }] of Object.entries(everyKind)) {
      expect(header[name].data_offsets[0] % data.BYTES_PER_ELEMENT).toBe(0);
    }
  });

  test('reads from an unaligned view, and what it returns is a copy', () => {
    const bytes = encodeSafetensors(new Map(Object.entries(everyKind)));
    const shifted = Buffer.concat([Buffer.from([9, 9, 9]), bytes]).subarray(3);
    const { tensors } = decodeSafetensors(shifted);
    shifted.fill(0);
    expect(Object.fromEntries(tensors)).toEqual(everyKind);
  });

  test('writes from a view into a larger, shared memory', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const data = new Float64Array(memory.buffer, 64, 2).fill(3);
    const { tensors } = decodeSafetensors(
      encodeSafetensors(new Map([['w', { dtype: 'F64', shape: [2], data }]])),
    );
    expect(tensors.get('w')?.data).toEqual(new Float64Array([3, 3]));
  });

  test('keys that name parts of every object are ordinary keys', () => {
    const { tensors, metadata } = decodeSafetensors(
      file(
        '{"__metadata__":{"__proto__":"a","toString":"b"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        [7],
      ),
    );
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(Object.entries(metadata)).toEqual([
      ['__proto__', 'a'],
      ['toString', 'b'],
    ]);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  test('equal keys in different objects, and strings that look like keys, are fine', () => {
    const { tensors, metadata } = decodeSafetensors(
      file({ __metadata__: { w: '"w":{', b: '\\' }, w: tensor([1], [0, 1]), b: tensor([1], [1, 2]) }, [1, 2]),
    );
    expect([tensors.size, metadata.w, metadata.b]).toEqual([2, '"w":{', '\\']);
  });
});

describe('a file that is not what it says', () => {
  const one = tensor([2], [0, 2]);
  test.each<[string, Uint8Array, string]>([
    ['no file', new Uint8Array(0), 'safetensors: file must have at least 8 bytes, got 0'],
    ['seven bytes', new Uint8Array(7), 'safetensors: file must have at least 8 bytes, got 7'],
    [
      'header past the end',
      file('{}', [], 3n),
      'safetensors: header length must be at most 2, got 3 (the file ends there)',
    ],
    [
      'header over the limit',
      file('{}', [], 100_000_001n),
      "safetensors: header length must be at most 100000000, got 100000001 (the format's limit)",
    ],
    [
      'header length with the top bit set',
      file('{}', [], 2n ** 64n - 1n),
      "safetensors: header length must be at most 100000000, got 18446744073709551615 (the format's limit)",
    ],
    ['no header', file(''), 'safetensors: header must be JSON in UTF-8, got SyntaxError'],
    ['cut JSON', file('{"w":'), 'safetensors: header must be JSON in UTF-8, got SyntaxError'],
    ['a byte order mark', file('\ufeff{}'), 'safetensors: header must be JSON in UTF-8, got SyntaxError'],
    ['not UTF-8', file('{}', [0xff], 3n), 'safetensors: header must be JSON in UTF-8, got TypeError'],
    ['a list', file([]), 'safetensors: header: must be an object, got []'],
    ['null', file('null'), 'safetensors: header: must be an object, got null'],
    [
      'a tensor twice',
      file(
        '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0077" :{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        [1],
      ),
      'safetensors: header: keys must differ, got "w" twice',
    ],
    [
      'a shape twice',
      file('{"w":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', [1]),
      'safetensors: header: keys must differ, got "shape" twice',
    ],
    [
      'metadata is a list',
      file({ __metadata__: [] }),
      'safetensors: __metadata__: must be an object, got []',
    ],
    [
      'metadata holds a number',
      file({ __metadata__: { step: 3 } }),
      'safetensors: metadata "step": must be a string, got 3',
    ],
    ['entry is a number', file({ w: 1 }), 'safetensors: tensor "w": must be an object, got 1'],
    [
      'half floats',
      file({ w: tensor([1], [0, 2], 'BF16') }, [0, 0]),
      'safetensors: tensor "w": dtype must be one of F64, I64, U64, F32, I32, U32, I16, U16, I8, U8, BOOL, got "BF16"',
    ],
    ['dtype named after a method', file({ w: tensor([1], [0, 2], 'toString') }, [0, 0]), 'got "toString"'],
    ['no dtype', file({ w: { shape: [1], data_offsets: [0, 1] } }, [0]), 'BOOL, got undefined'],
    ...[
      [-1],
      [0.5],
      [null],
      ['2'],
      [2 ** 53],
      [2 ** 30, 2 ** 30],
      [1e300, 0],
      [[2]],
      [{}],
      'abc',
      undefined,
    ].map((shape): [string, Uint8Array, string] => [
      `shape ${JSON.stringify(shape)}`,
      file({ w: tensor(shape, [0, 2]) }, [0, 0]),
      'safetensors: tensor "w": shape must be a list of sizes with an exact product, got ',
    ]),
    [
      'shape [-0]',
      file('{"w":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'),
      'safetensors: tensor "w": shape must be a list of sizes',
    ],
    ...[[0], [0, 3], [0, 1], [2, 0], [0.5, 2.5], [-2, 0], ['0', '2'], {}, null, undefined].map(
      (offsets): [string, Uint8Array, string] => [
        `offsets ${JSON.stringify(offsets)}`,
        file({ w: tensor([2], offsets) }, [0, 0]),
        'safetensors: tensor "w": data_offsets must span 2 bytes, got ',
      ],
    ),
    [
      'bytes against shape x dtype',
      file({ w: tensor([2, 3], [0, 16], 'F64') }, Array<number>(16).fill(0)),
      'safetensors: tensor "w": data_offsets must span 48 bytes, got [0, 16] (F64 [2, 3])',
    ],
    [
      'overlap',
      file({ a: one, b: tensor([2], [1, 3]) }, [0, 0, 0]),
      'safetensors: tensor "b": data_offsets must begin at 2, got [1, 3] (tensors may neither overlap nor leave a hole)',
    ],
    [
      'the same bytes twice',
      file({ a: one, b: one }, [0, 0]),
      'safetensors: tensor "b": data_offsets must begin at 2, got [0, 2]',
    ],
    [
      'a hole',
      file({ a: one, b: tensor([2], [3, 5]) }, [0, 0, 0, 0, 0]),
      'safetensors: tensor "b": data_offsets must begin at 2, got [3, 5]',
    ],
    [
      'a hole before the first',
      file({ a: tensor([1], [1, 2]) }, [0, 0]),
      'safetensors: tensor "a": data_offsets must begin at 0, got [1, 2]',
    ],
    [
      'offsets past the end',
      file({ a: one }, [0]),
      "safetensors: data must have 2 bytes, got 1 (the header's last offset)",
    ],
    [
      'bytes after the last tensor',
      file({ a: one }, [0, 0, 0]),
      "safetensors: data must have 2 bytes, got 3 (the header's last offset)",
    ],
    [
      'a huge tensor that is not there',
      file({ a: tensor([2 ** 40], [0, 2 ** 43], 'F64') }),
      `safetensors: data must have ${2 ** 43} bytes, got 0`,
    ],
    [
      'a very long name',
      file({ ['n'.repeat(1000)]: 1 }),
      `safetensors: tensor "${'n'.repeat(60)}…": must be an object, got 1`,
    ],
    [
      'a very long shape',
      file({ w: tensor(Array(1000).fill(2), [0, 1]) }, [0]),
      'got [2, 2, 2, 2, 2, 2, 2, 2, …]',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  test('a header nested a million deep', () => {
    const deep = `{"w":${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
    expect(() => decodeSafetensors(file(deep))).toThrow(/^safetensors: /);
  });

  test('every truncation of a good file is refused', () => {
    const bytes = encodeSafetensors(new Map(Object.entries(everyKind)), { format: 'pt' });
    for (let n = 0; n < bytes.length; n++) {
      expect(() => decodeSafetensors(bytes.subarray(0, n))).toThrow(/^safetensors: .* got /);
    }
  });
});

describe('what encode refuses', () => {
  const data = new Float32Array(6);
  const encode = (name: string, value: unknown, metadata: unknown = {}) =>
    encodeSafetensors(new Map([[name, value as SafeTensor]]), metadata as Record<string, string>);

  test.each<[string, () => unknown, string]>([
    [
      'data of another type',
      () => encode('w', { dtype: 'F64', shape: [6], data }),
      'safetensors: tensor "w": data must be Float64Array, got Float32Array (F64)',
    ],
    [
      'a plain list',
      () => encode('w', { dtype: 'F32', shape: [1], data: [1] }),
      'safetensors: tensor "w": data must be Float32Array, got Array (F32)',
    ],
    [
      'another number of elements',
      () => encode('w', { dtype: 'F32', shape: [2, 2], data }),
      'safetensors: tensor "w": data must have 4 elements, got 6 (shape [2, 2])',
    ],
    [
      'a shape with NaN',
      () => encode('w', { dtype: 'F32', shape: [NaN], data }),
      'safetensors: tensor "w": shape must be a list of sizes with an exact product, got [NaN]',
    ],
    ['an unknown dtype', () => encode('w', { dtype: 'F16', shape: [6], data }), 'got "F16"'],
    [
      "the metadata's name",
      () => encode('__metadata__', { dtype: 'F32', shape: [6], data }),
      'name must not be',
    ],
    [
      'metadata that is not text',
      () => encode('w', { dtype: 'F32', shape: [6], data }, { step: 3n }),
      'safetensors: metadata "step": must be a string, got 3',
    ],
    [
      'a header over the limit',
      () => encode('w', { dtype: 'F32', shape: [6], data }, { note: 'n'.repeat(1e8) }),
      'safetensors: header length must be at most 100000000, got 1000000',
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
