/** Fuzzing of the safetensors reader. */
import fc from 'fast-check';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../io/safetensors';
import { everyKind } from './tensorkinds';

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
