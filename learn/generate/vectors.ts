/** The vectors that a generator reads: classes as one-hot, numbers standardized, side by side. */
import { must } from '../../core/check';
import { scaleOf } from '../../data/standardise';
import type { Table } from '../../data/table';
import { countsOf } from '../counts';
import type { Input } from './note';

export const where = 'generate';
/** Most classes of a column; more are texts rather than classes. */
const MOST_CLASSES = 1000;

/** How a column is read, by the rows of the training part. */
export function columnInput(table: Table, column: string, training: readonly number[]): Input {
  const { kind, values } = table.column(column, 'texts', 'numbers');
  if (kind === 'numbers') return { kind, column, ...scaleOf(values, training) };
  const classes = countsOf(training.map((row) => values[row])).map(([name]) => name);
  const why = '--inputs names the columns to read';
  must(
    classes.length <= MOST_CLASSES,
    `${where}: column ${column}`,
    `there must be at most ${MOST_CLASSES} classes`,
    classes.length,
    why,
  );
  return { kind: 'classes', column, classes };
}

/** D, the width of the vectors. */
export const inputsWidth = (inputs: readonly Input[]): number =>
  inputs.reduce((sum, input) => sum + (input.kind === 'classes' ? input.classes.length : 1), 0);

/** The vector of each row. @throws RangeError for a missing number, or a class that is not in the training part. */
export function vectorsOf(table: Table, inputs: readonly Input[], rows: readonly number[]): Float64Array[] {
  const D = inputsWidth(inputs);
  const vectors = rows.map(() => new Float64Array(D));
  let from = 0;
  for (const input of inputs) {
    const place = `${where}: column ${input.column}`;
    if (input.kind === 'numbers') {
      const { values } = table.column(input.column, 'numbers');
      rows.forEach((row, k) => {
        const gap = Number.isNaN(values[row]);
        if (gap) must(false, place, 'every row must have a value', `none in line ${table.lineOf(row)}`);
        vectors[k][from] = (values[row] - input.mean) / input.deviation;
      });
      from++;
      continue;
    }
    const { classes } = input;
    const places = new Map(classes.map((name, k) => [name, k]));
    const { values } = table.column(input.column, 'texts', 'numbers');
    rows.forEach((row, k) => {
      const name = String(values[row]);
      const found = places.get(name);
      const known = classes.slice(0, 10).join(', ');
      if (found === undefined)
        must(
          false,
          place,
          'classes must be among those of the training',
          `${name || 'none'} in line ${table.lineOf(row)}`,
          known,
        );
      else vectors[k][from + found] = 1;
    });
    from += classes.length;
  }
  return vectors;
}

/** A row of inputs for reading: `female`, `female, 1983`. */
export const inputText = (table: Table, inputs: readonly Input[], row: number): string =>
  inputs.map(({ column }) => String(table.column(column).values[row])).join(', ');
