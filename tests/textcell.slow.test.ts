/** The example cells: planted mistakes are noticed; a damaged text is refused or is a cell. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { mutationScore } from '../bptt/check/mutants';
import { problemOfCell } from '../bptt/check/problem';
import { cellFromText } from '../cells/text';
import { EquationError } from '../core/equations/error';
import { Random } from '../core/random/random';

const folder = join(__dirname, '..', 'examples', 'cells');
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8');
const cellOf = (file: string, input = 3, hidden = 4) =>
  cellFromText({ input, hidden, equations: textOf(file) });

describe.each(files)('%s', (file) => {
  test('every mistake planted in its backward pass is noticed', () => {
    const { killed, total } = mutationScore(problemOfCell(cellOf(file), { T: 4, B: 3 }));
    expect(total).toBeGreaterThan(30);
    expect(killed).toBe(total);
  });
});

const good = textOf('mgu.txt');

test('a cell that is damaged anywhere is refused with an EquationError, or is a cell', () => {
  const random = new Random(4);
  fc.assert(
    fc.property(
      fc.nat({ max: good.length - 1 }),
      fc.constantFrom('', ' ', '\n', '(', '@', '=', '1', 'h', '.T', ','),
      (at, piece) => {
        const equations = good.slice(0, at) + piece + good.slice(at + 1 + random.below(3));
        try {
          cellFromText({ input: 3, hidden: 4, equations });
        } catch (error) {
          expect(error).toBeInstanceOf(EquationError);
        }
      },
    ),
    { numRuns: 300, seed: 5 },
  );
});
