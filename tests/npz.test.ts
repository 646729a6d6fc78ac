/** NumPy's files: written and read as NumPy does; malformed ones are refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { decodeNpy, encodeNpy } from '../io/npy';
import { decodeNpz, encodeNpz } from '../io/npz';
import { ARRAYS, type SafeDtype, type SafeTensor } from '../io/safetensors';
import { describeWith, pythonWith, run } from './outside';

const folder = mkdtempSync(join(tmpdir(), 'backstep-npz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const f64 = (shape: number[], data: number[]): SafeTensor => ({
  dtype: 'F64',
  shape,
  data: Float64Array.from(data),
});

/** An .npy file with any header, padded or not, followed by a number of bytes. */
function npy(header: string, bytes: number, version = [1, 0]): Uint8Array {
  const length = Buffer.alloc(version[0] >= 2 ? 4 : 2);
  if (version[0] >= 2) length.writeUInt32LE(header.length);
  else length.writeUInt16LE(header.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from(version),
    length,
    Buffer.from(header, 'latin1'),
    Buffer.alloc(bytes),
  ]);
}
const dict = (descr: string, fortran: string, shape: string): string =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

describe('.npy', () => {
  it('is laid out as NumPy lays it out', () => {
    const bytes = encodeNpy(f64([1, 2], [1, -1]));
    expect(Buffer.from(bytes.subarray(0, 10)).toString('latin1')).toBe('\x93NUMPY\x01\x00\x76\x00');
    const header = Buffer.from(bytes.subarray(10, 128)).toString();
    expect(header).toMatch(/^\{'descr': '<f8', 'fortran_order': False, 'shape': \(1, 2\), \} +\n$/);
    expect(new Float64Array(bytes.slice(128).buffer)).toEqual(Float64Array.of(1, -1));
  });

  it('comes back to the bit, whatever the type and shape', () => {
    const dtypes = Object.keys(ARRAYS) as SafeDtype[];
    fc.assert(
      fc.property(
        fc.constantFrom(...dtypes),
        fc.array(fc.nat(4), { maxLength: 4 }),
        fc.nat(),
        (dtype, shape, seed) => {
          const count = shape.reduce((n, d) => n * d, 1);
          const bytes = Uint8Array.from(
            { length: count * ARRAYS[dtype].BYTES_PER_ELEMENT },
            (_, k) => (k * seed) >> 3,
          );
          const tensor = { dtype, shape, data: new ARRAYS[dtype](bytes.buffer) } as SafeTensor;
          const back = decodeNpy(encodeNpy(tensor));
          expect(back.dtype).toBe(dtype);
          expect(back.shape).toEqual(shape);
          expect(Buffer.from(back.data.buffer).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  it("turns Fortran's order into C's", () => {
    const bytes = npy(dict("'<f8'", 'True', '(2, 3)'), 48);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    // columns one after the other: [[1, 2, 3], [4, 5, 6]]
    [1, 4, 2, 5, 3, 6].forEach((v, k) => view.setFloat64(bytes.length - 48 + 8 * k, v, true));
    expect(decodeNpy(bytes)).toEqual(f64([2, 3], [1, 2, 3, 4, 5, 6]));
  });

  it('takes keys in any order, and versions 2.0 and 3.0', () => {
    const header = "{'shape': (2,), 'fortran_order': False, 'descr': '|u1'}  \n";
    for (const version of [
      [2, 0],
      [3, 0],
    ])
      expect(decodeNpy(npy(header, 2, version)).shape).toEqual([2]);
    expect(decodeNpy(npy(dict("'<f4'", 'False', '()'), 4)).shape).toEqual([]);
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'npy: the file must begin with \\x93NUMPY, got something else'],
    ['a later version', npy('{}', 0, [4, 0]), 'npy: the version must be 1.0, 2.0 or 3.0, got version 4.0'],
    ['a file that ends there', npy('', 0).subarray(0, 9), 'npy: the file must have at least 10 bytes, got 9'],
    [
      'a header beyond the file',
      npy('{}', 0).fill(255, 8, 10),
      'npy: header length must be at most 2, got 65535',
    ],
    ['a huge header', npy(' '.repeat(20_000), 0), 'npy: header length must be at most 10000, got 20000'],
    ['no dict', npy('[]', 0), 'npy: header must be a dict, got []'],
    [
      'a missing key',
      npy("{'descr': '<f8'}", 0),
      'npy: header must hold descr, fortran_order and shape, got {',
    ],
    [
      'code',
      npy("{'descr': __import__('os')}", 0),
      'npy: header must hold descr, fortran_order and shape, got {',
    ],
    ['a key twice', npy("{'descr': '<f8', 'descr': '<f8'}", 0), 'npy: header must hold each key once, got {'],
    ['big-endian', npy(dict("'>f8'", 'False', '(1,)'), 8), 'npy: dtype must be one of <f8, <f4, '],
    [
      'objects',
      npy(dict("'|O'", 'False', '(1,)'), 8),
      '(an array of Python objects: reading one would run code)',
    ],
    ['records', npy(dict("[('a', '<f8')]", 'False', '(1,)'), 8), 'npy: dtype must be one of <f8, <f4, '],
    ['a prototype', npy(dict("'__proto__'", 'False', '(1,)'), 8), "got '__proto__'"],
    [
      'too few bytes',
      npy(dict("'<f8'", 'False', '(2, 2)'), 31),
      'npy: data must have 32 bytes, got 31 (F64 [2, 2])',
    ],
    [
      'too many bytes',
      npy(dict("'<f8'", 'False', '(1,)'), 9),
      'npy: data must have 8 bytes, got 9 (F64 [1])',
    ],
    [
      'sizes whose product is not exact',
      npy(dict("'|u1'", 'False', '(4294967296, 4294967296)'), 0),
      'npy: shape must be made of sizes with an exact product',
    ],
    [
      'a size of nothing that hides a size beyond all',
      npy(dict("'|u1'", 'False', '(0, 99999999999999999999)'), 0),
      'npy: shape must be made of sizes with an exact product',
    ],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeNpy(bytes)).toThrow(message);
  });
});

describe('.npz', () => {
  const arrays = new Map([
    ['rnn/kernel', f64([2, 3], [1, 2, 3, 4, 5, 6])],
    ['__proto__', f64([1], [7])],
    ['b', f64([0], [])],
  ]);

  it('comes back in order, compressed or not, and equal arrays are equal bytes', () => {
    const bytes = encodeNpz(arrays);
    expect([...decodeNpz(bytes)]).toEqual([...arrays]);
    expect(Buffer.from(encodeNpz(arrays)).equals(bytes)).toBe(true);
    const files = Object.fromEntries([...arrays].map(([name, array]) => [`${name}.npy`, encodeNpy(array)]));
    expect([...decodeNpz(zipSync(files, { level: 9 }))]).toEqual([...arrays]);
    expect(({} as { b?: unknown }).b).toBeUndefined();
  });

  const zip = (...names: string[]): Uint8Array =>
    zipSync(Object.fromEntries(names.map((name) => [name, encodeNpy(f64([1], [1]))])), {
      level: 0,
    });
  /** Puts a 32-bit number at an offset from the entry's central record. */
  const lie = (bytes: Uint8Array, offset: number, value: number): Uint8Array => {
    const at = Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1');
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(at + offset, value, true);
    return bytes;
  };

  it.each<[string, () => Uint8Array, string]>([
    ['nothing', () => new Uint8Array(0), 'npz: the file must be a zip archive, got an incomplete one'],
    ['text', () => Buffer.from('a'.repeat(1000)), 'npz: the file must be a zip archive'],
    ['a folder above', () => zip('../x.npy'), 'npz: names must stay in their folder, got ../x.npy'],
    ['a root', () => zip('/etc/x.npy'), 'npz: names must stay in their folder, got /etc/x.npy'],
    ['a drive', () => zip('C:x.npy'), 'npz: names must stay in their folder, got C:x.npy'],
    ['a backslash', () => zip('..\\x.npy'), 'npz: names must stay in their folder, got ..\\x.npy'],
    ['a folder above in the middle', () => zip('a/../../x.npy'), 'npz: names must stay in their folder'],
    ['something else', () => zip('setup.py'), 'npz: entries must be .npy files, got setup.py'],
    ['a pickle', () => zip('x.pkl'), 'npz: entries must be .npy files, got x.pkl'],
    [
      'a size that lies',
      () => lie(zip('x.npy'), 24, 0xfffffff0),
      'npz: x.npy must have at most 136 bytes, got 4294967280',
    ],
    [
      'both sizes lie',
      () => lie(lie(zip('x.npy'), 24, 9999), 20, 9999),
      'npz: x.npy must lie in the archive, got 9999 bytes from 35 on',
    ],
    [
      'a directory that is cut',
      () => lie(zip('x.npy'), 0, 0),
      'got an incomplete one: its directory holds 0 of 1 entries',
    ],
    [
      'an entry that is elsewhere',
      () => lie(zip('x.npy'), 42, 1),
      'got an incomplete one: x.npy is not where the directory says',
    ],
    ['an unknown method', () => lie(zip('x.npy'), 10, 99), 'npz: x.npy must be stored or deflated, got 99'],
    [
      'an array that lies',
      () => zipSync({ 'x.npy': npy(dict("'<f8'", 'False', '(1000000000,)'), 8) }),
      'npz: x: data must have 8000000000 bytes, got 8',
    ],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeNpz(bytes())).toThrow(message);
  });

  it('refuses one name twice', () => {
    const bytes = Buffer.from(zip('a.npy', 'b.npy'));
    for (let at = 0; (at = bytes.indexOf('b.npy', at)) >= 0;) bytes.write('a.npy', at);
    expect(() => decodeNpz(bytes)).toThrow('npz: names must differ, got a.npy twice');
  });

  it('refuses two entries over the same bytes (once: 4 GB from 26 kB)', () => {
    const bytes = Buffer.from(zip('a.npy', 'b.npy'));
    // the place of the second entry becomes that of the first
    bytes.writeUInt32LE(0, bytes.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 42);
    expect(() => decodeNpz(bytes)).toThrow('npz: b.npy must begin at 171 or later, got 0 (a.npy ends there)');
  });

  it('reads many entries in time that is in proportion to them, and writes no more than an archive can have', () => {
    const one = f64([0], []);
    const many = new Map(Array.from({ length: 20_000 }, (_, k) => [`a${k}`, one]));
    expect(decodeNpz(encodeNpz(many)).size).toBe(20_000);
    for (let k = 20_000; k < 65_535; k++) many.set(`a${k}`, one);
    expect(() => encodeNpz(many.set('b', one))).toThrow('npz: there must be at most 65535 arrays, got 65536');
  });

  it('refuses contents far larger than the file', () => {
    const zeros = new Uint8Array(2 ** 21);
    const bytes = zipSync({ 'x.npy': zeros }, { level: 9 });
    const compressed = new DataView(bytes.buffer).getUint32(18, true);
    expect(() => decodeNpz(lie(bytes, 24, compressed * 1033))).toThrow(/x\.npy must have at most \d+ bytes/);
  });

  it('refuses to write a name that leaves the folder', () =>
    expect(() => encodeNpz(new Map([['../x', f64([1], [1])]]))).toThrow('names must stay in their folder'));
});

const python = pythonWith('numpy');
describeWith(python, 'NumPy is not installed: apt-get install python3-numpy')('NumPy', () => {
  it('reads what is written here, and the other way round', () => {
    const arrays = new Map<string, SafeTensor>([
      ['a/kernel', f64([2, 3], [1, 2, 3, 4, 5, 6])],
      ['f', { dtype: 'F32', shape: [3], data: Float32Array.of(0.1, -0, 1e-45) }],
      ['scalar', { dtype: 'I64', shape: [], data: BigInt64Array.of(-5n) }],
      ['flags', { dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) }],
    ]);
    const [ours, theirs, packed] = ['ours.npz', 'theirs.npz', 'packed.npz'].map((name) => join(folder, name));
    writeFileSync(ours, encodeNpz(arrays));
    const code = `
import sys, numpy as np
with np.load(sys.argv[1]) as f:
    a = {k: f[k] for k in f.files}
assert a['a/kernel'].dtype == np.float64 and a['a/kernel'][1, 0] == 4
assert a['scalar'] == -5 and a['flags'].dtype == bool
a['fortran'] = np.asfortranarray(a['a/kernel'])
np.savez(sys.argv[2], **a)
np.savez_compressed(sys.argv[3], **a)
print(*a)
`;
    expect(run(python as string, ['-c', code, ours, theirs, packed]).trim()).toBe(
      'a/kernel f scalar flags fortran',
    );
    for (const file of [theirs, packed]) {
      const back = decodeNpz(readFileSync(file));
      expect(back.get('fortran')).toEqual(arrays.get('a/kernel'));
      back.delete('fortran');
      expect([...back]).toEqual([...arrays]);
    }
  });
});
