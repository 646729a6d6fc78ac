/** What is wrong with somebody's outputs: the forward pass with one small mistake, or on other numbers. */
import { rowMajor, type Numbers } from '../core/tensor';
import { edited, edits, linesOf, placeOf } from './edits';
import { gateOrders } from './quantity';
import { Subject, type Named, type Question } from './subject';

/** Outputs and last states that were given, row-major. */
type Given = Readonly<Record<string, readonly number[]>>;

/**
 * All small mistakes that give these outputs, in words.
 * @param tolerance how near is equal, by quantity.
 * @param counts whether an entry is compared: padding is not.
 */
export function forwardReadings(
  question: Question,
  given: Given,
  tolerance: (quantity: string) => number,
  counts: (quantity: string, k: number) => boolean,
): string[] {
  const found: string[] = [];
  const agrees = (outputs: Named): boolean =>
    Object.entries(given).every(([name, values]) =>
      values.every((v, k) => !counts(name, k) || Math.abs(v - outputs[name][k]) <= 4 * tolerance(name)),
    );
  const attempt = (words: string, change: Partial<Question>): void => {
    if (agrees(new Subject({ ...question, ...change }).run())) found.push(`your outputs equal ours ${words}`);
  };

  const { cell, parameters, initial, lengths } = question;
  if (initial) {
    attempt('with states that start at zero', { initial: {} });
    for (const s of Object.keys(initial))
      if (Object.keys(initial).length > 1)
        attempt(`with \`${s}\` that starts at zero`, { initial: { ...initial, [s]: zerosLike(initial[s]) } });
  }
  if (lengths)
    attempt('without the lengths: steps behind the end of a row take part', { lengths: undefined });
  for (const order of gateOrders(cell)) {
    const put = Object.fromEntries(
      Object.entries(parameters).map(([p, numbers]) => {
        const { shape } = cell.parameters[p];
        return [p, order.of(Array.from(rowMajor(numbers, 'referee', p).numbers), shape) ?? numbers];
      }),
    );
    attempt(`with the gates of the weights in the order ${order.names.join(' ')}`, { parameters: put });
  }
  for (const [p, { shape }] of Object.entries(cell.parameters)) {
    const { numbers } = rowMajor(parameters[p], 'referee', p);
    if (shape.length === 2 && shape[0] === shape[1]) {
      const n = shape[0];
      const turned = Array.from(numbers, (_, k) => numbers[(k % n) * n + Math.floor(k / n)]);
      attempt(`with ${p} transposed`, { parameters: { ...parameters, [p]: turned } });
    }
    attempt(`without ${p}`, { parameters: { ...parameters, [p]: Array.from(numbers, () => 0) } });
  }
  if (!cell.equations) return found;
  const lines = linesOf(cell, 'forward');
  for (const { words, index, text } of edits(cell.equations, 'forward')) {
    const other = edited(cell, { forward: text });
    if (other && agrees(new Subject(question, other).run()))
      found.push(`your outputs equal ours ${words}${placeOf(lines[index])}`);
  }
  return found;
}

const zerosLike = (numbers: Numbers): number[] =>
  Array.from(rowMajor(numbers, 'referee', 'a state').numbers, () => 0);
