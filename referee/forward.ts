/** Diagnoses wrong outputs: tries the forward pass with each small mistake. */
import type { Cell } from '../cells/cell';
import { rowMajor, type Numbers } from '../core/tensor';
import { edited, edits, linesOf, placeOf, type EquationLine } from './edits';
import { gateOrders, transposedNumbers } from './quantity';
import { Subject, type Named, type Question } from './subject';

/** Outputs and last states that were given, row-major. */
type Given = Readonly<Record<string, readonly number[]>>;

/** One small mistake in a forward pass. */
export interface ForwardMistake {
  /** Follows "your outputs equal ours". */
  words: string;
  line?: EquationLine;
  /** The question whose right answer is the wrong answer to this one; undefined if the mistake is not possible here. */
  of: (question: Question) => Question | undefined;
}

/**
 * All small mistakes that reproduce these outputs, in words.
 * @param tolerance by quantity.
 * @param counts whether an entry is compared; padding is not.
 */
export function forwardReadings(
  question: Question,
  given: Given,
  tolerance: (quantity: string) => number,
  counts: (quantity: string, k: number) => boolean,
): string[] {
  const agrees = (outputs: Named): boolean =>
    Object.entries(given).every(([name, values]) =>
      values.every((v, k) => !counts(name, k) || Math.abs(v - outputs[name][k]) <= 4 * tolerance(name)),
    );
  return forwardMistakes(question.cell)
    .filter(({ of }) => {
      const wrong = of(question);
      return wrong !== undefined && agrees(new Subject(wrong).run());
    })
    .map(({ words, line }) => `your outputs equal ours ${words}${placeOf(line)}`);
}

/** Every small mistake in the forward pass of a cell; they apply to this cell at any size. */
export const forwardMistakes = (cell: Cell): ForwardMistake[] => [
  ...inputMistakes(cell),
  ...gateOrders(cell).map(({ names }): ForwardMistake => ({
    words: `with the gates of the weights in the order ${names.join(' ')}`,
    of: (q) => withParameters(q, (numbers, shape) => orderOf(q.cell, names)(numbers, shape) ?? numbers),
  })),
  ...Object.entries(cell.parameters).flatMap(([p, { shape }]) => parameterMistakes(p, shape.length === 2)),
  ...lineMistakes(cell),
];

/** Initial states and lengths that are not looked at. */
function inputMistakes(cell: Cell): ForwardMistake[] {
  const states = Object.keys(cell.states);
  return [
    { words: 'with states that start at zero', of: (q) => q.initial && { ...q, initial: {} } },
    ...states
      .filter(() => states.length > 1)
      .map((s): ForwardMistake => ({
        words: `with \`${s}\` that starts at zero`,
        of: (q) =>
          q.initial?.[s] && { ...q, initial: { ...q.initial, [s]: flat(q.initial[s]).map(() => 0) } },
      })),
    {
      words: 'without the lengths: steps behind the end of a row take part',
      of: (q) => q.lengths && { ...q, lengths: undefined },
    },
  ];
}

/** One parameter that is transposed or left out. */
function parameterMistakes(p: string, isMatrix: boolean): ForwardMistake[] {
  const one =
    (change: (numbers: number[], shape: readonly number[], H: number) => number[] | undefined) =>
    (q: Question) =>
      withParameters(q, (numbers, shape, name) =>
        name === p ? change(numbers, shape, q.cell.hidden) : numbers,
      );
  const without = { words: `without ${p}`, of: one((numbers) => numbers.map(() => 0)) };
  if (!isMatrix) return [without];
  return [
    {
      words: `with ${p} transposed`,
      of: one((numbers, [rows, columns]) =>
        rows === columns ? transposedNumbers(numbers, rows, columns) : undefined,
      ),
    },
    {
      words: `with ${p} read in the other orientation`,
      of: one((numbers, [rows, columns]) =>
        rows === columns ? undefined : transposedNumbers(numbers, rows, columns),
      ),
    },
    {
      words: `with every gate of ${p} transposed`,
      of: one((numbers, [rows, columns], H) =>
        rows === H && columns > H ? gatesTurned(numbers, H, columns) : undefined,
      ),
    },
    without,
  ];
}

/** One line of the forward equations that is written otherwise. */
function lineMistakes(cell: Cell): ForwardMistake[] {
  if (!cell.equations) return [];
  const lines = linesOf(cell, 'forward');
  return edits(cell.equations, 'forward').map(({ words, index, text }) => ({
    ...{ words, line: lines[index] },
    of: (q) => {
      const other = edited(q.cell, { forward: text });
      return other && { ...q, cell: other };
    },
  }));
}

const flat = (numbers: Numbers): number[] => Array.from(rowMajor(numbers, 'referee', 'numbers').numbers);

/** The same question with changed parameters; undefined if one of them cannot be changed in this way. */
function withParameters(
  question: Question,
  change: (numbers: number[], shape: readonly number[], name: string) => number[] | undefined,
): Question | undefined {
  const { cell, parameters } = question;
  const changed: Record<string, number[]> = {};
  for (const [p, { shape }] of Object.entries(cell.parameters)) {
    const numbers = change(flat(parameters[p]), shape, p);
    if (!numbers) return undefined;
    changed[p] = numbers;
  }
  return { ...question, parameters: changed };
}

const orderOf = (
  cell: Cell,
  names: readonly string[],
): ((numbers: readonly number[], shape: readonly number[]) => number[] | undefined) =>
  gateOrders(cell).find((order) => order.names.join() === names.join())?.of ?? (() => undefined);

function gatesTurned(numbers: readonly number[], H: number, columns: number): number[] {
  return Array.from(numbers, (_, k) => {
    const [row, column] = [Math.floor(k / columns), k % columns];
    const [gate, unit] = [Math.floor(column / H), column % H];
    return numbers[unit * columns + gate * H + row];
  });
}
