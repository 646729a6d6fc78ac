/** Fuzzing of the safetensors reader. */
import fc from 'fast-check';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../io/safetensors';

const everyKind: Record<string, SafeTensor> = {
  f64: { dtype: 'F64', shape: [2, 2], data: new Float64Array([0.1, -0, NaN, Infinity]) },
  f32: { dtype: 'F32', shape: [3], data: new Float32Array([1.5, -2, 1e-40]) },
  i64: { dtype: 'I64', shape: [1], data: new BigInt64Array([-(2n ** 63n)]) },
  u64: { dtype: 'U64', shape: [1], data: new BigUint64Array([2n ** 64n - 1n]) },
  i32: { dtype: 'I32', shape: [1, 1], data: new Int32Array([-5]) },
  u32: { dtype: 'U32', shape: [2], data: new Uint32Array([7, 4294967295]) },
  i16: { dtype: 'I16', shape: [1], data: new Int16Array([-300]) },
  u16: { dtype: 'U16', shape: [1], data: new Uint16Array([60000]) },
  i8: { dtype: 'I8', shape: [3], data: new Int8Array([-1, 0, 1]) },
  u8: { dtype: 'U8', shape: [5], data: new Uint8Array([1, 2, 3, 4, 255]) },
  bool: { dtype: 'BOOL', shape: [2], data: new Uint8Array([0, 1]) },
  scalar: { dtype: 'F64', shape: [], data: new Float64Array([42]) },
  empty: { dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
};

describe('round trip', () => {
  test('any names, order of insertion and metadata: same contents, same bytes', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'binary' }).filter((s) => s !== '__metadata__'));
    const notes = fc.dictionary(fc.string({ unit: 'binary' }), fc.string());
    fc.assert(
      fc.property(names, notes, (keys, metadata) => {
        const kinds = Object.values(everyKind);
        const entries = keys.map((key, i): [string, SafeTensor] => [key, kinds[i % kinds.length]]);
        const bytes = encodeSafetensors(new Map(entries), metadata);
        const swapped = Object.fromEntries(Object.entries(metadata).reverse());
        expect(encodeSafetensors(new Map(entries.reverse()), swapped)).toEqual(bytes);

        const back = decodeSafetensors(bytes);
        expect(new Map([...back.tensors].sort())).toEqual(new Map(entries.sort()));
        expect({ ...back.metadata }).toEqual({ ...metadata });
      }),
    );
  });
});

describe('a file that is not what it says', () => {
  test('random mutations either decode or are refused in words', () => {
    const good = encodeSafetensors(new Map(Object.entries(everyKind)), { format: 'pt' });
    const headerEnd = 8 + Number(new DataView(good.buffer).getBigUint64(0, true));
    // half of the inserted bytes are JSON syntax; half are in the header, where they do most harm
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(...Buffer.from('"{}[],:0123456789-e.\\')),
    );
    const place = fc.oneof(fc.nat(headerEnd - 1), fc.integer({ min: headerEnd, max: good.length - 1 }));
    const edit = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'insert', 'remove'),
      place,
      byte,
    });
    let decoded = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.noBias(fc.array(edit, { minLength: 1, maxLength: 3 })), (edits) => {
        const bytes = [...good];
        for (const { kind, place, byte } of edits) {
          if (kind === 'set') bytes[place] = byte;
          else bytes.splice(place, kind === 'remove' ? 1 : 0, ...(kind === 'insert' ? [byte] : []));
        }
        try {
          const { tensors, metadata } = decodeSafetensors(Uint8Array.from(bytes));
          // whatever is accepted must be sound: it encodes again, and to the same
          const again = decodeSafetensors(encodeSafetensors(tensors, metadata));
          expect(new Map([...again.tensors].sort())).toEqual(new Map([...tensors].sort()));
          decoded++;
        } catch (error) {
          expect((error as Error).message).toMatch(/^safetensors: [^]* got /);
          refused++;
        }
      }),
      { numRuns: 4000, seed: 1 },
    );
    expect(decoded).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(1000);
  });
});
