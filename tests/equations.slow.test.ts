/** Fuzzing of the parser of equations. */
import fc from 'fast-check';
import { EquationError } from '../core/equations/error';
import { parse } from '../core/equations/parse';

describe('reading', () => {
  test('whatever the text, it is read or refused with an EquationError', () => {
    const words = fc.constantFrom(
      'y',
      '=',
      '+=',
      '(',
      ')',
      ',',
      '.T',
      '@',
      '-',
      '*',
      'sum',
      'tanh',
      'axis',
      '1',
      '\n',
      '#',
      '\u202e',
    );
    const text = fc.oneof(
      fc.array(words).map((all) => all.join(' ')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (source) => {
        try {
          parse(source, 'test');
        } catch (error) {
          expect(error).toBeInstanceOf(EquationError);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
