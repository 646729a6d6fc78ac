/**
 * Symbolic shapes and the rules for combining them: `x [B, D] @ Wx [D, 4H]` is `[B, 4H]`.
 *
 * A size is a letter with a factor: `B`, `4H`, `1`. Two sizes are equal if they are written alike; 1 is broadcast to any
 * other size, as in NumPy. A vector [C] is a row.
 */
import type { EquationError } from './error';
import type { Expression } from './parse';
import { expressionText } from './text';

/** A symbolic shape: `['B', '4H']`; `[]` for a single number. */
export type Shape = readonly string[];
/** Shapes by name. */
export type Shapes = Readonly<Record<string, Shape>>;

/** The factor and the letter of a size: `4H` is [4, 'H'], `1` is [1, '']. */
export function factorOf(size: string): [number, string] {
  const [, factor, letter] = /^(\d*)(.*)$/s.exec(size) as unknown as [string, string, string];
  return [factor === '' ? 1 : Number(factor), letter];
}

/** A size times a factor: `H` times 3 is `3H`. */
export function times(size: string, count: number): string {
  const [factor, letter] = factorOf(size);
  const product = factor * count;
  return letter === '' ? String(product) : `${product === 1 ? '' : product}${letter}`;
}

/** The value of a size; undefined if its letter has none. */
export function numberOf(size: string, letters: Readonly<Record<string, number>>): number | undefined {
  const [factor, letter] = factorOf(size);
  if (letter === '') return factor;
  return Object.hasOwn(letters, letter) ? factor * letters[letter] : undefined;
}

export const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

/** Creates an error at a position of the source. */
export type Fail = (at: number, reason: string) => EquationError;

/**
 * The shape of an expression.
 * @throws EquationError that names the operands and their shapes.
 */
export function shapeOf(e: Expression, of: (name: string, at: number) => Shape, fail: Fail): Shape {
  const inner = (x: Expression): Shape => shapeOf(x, of, fail);
  const named = (x: Expression, shape: Shape): string => `${expressionText(x)} ${shapeText(shape)}`;
  switch (e.kind) {
    case 'number':
      return [];
    case 'name':
      return of(e.name, e.at);
    case 'transpose': {
      const shape = inner(e.of);
      if (shape.length !== 2) throw fail(e.at, `only a matrix has a transpose, got ${named(e.of, shape)}`);
      return [shape[1], shape[0]];
    }
    case 'product': {
      const [a, b] = e.args.map(inner);
      const fits = a.length === 2 && b.length === 2 && a[1] === b[0];
      if (!fits) throw fail(e.at, `${named(e.args[0], a)} @ ${named(e.args[1], b)}: inner sizes must agree`);
      return [a[0], b[1]];
    }
    case 'reduction': {
      const shape = inner(e.args[0]);
      if (shape.length !== 2) throw fail(e.at, `only a matrix can be summed, got ${named(e.args[0], shape)}`);
      return e.what === 'sumRows' ? [shape[1]] : [shape[0], '1'];
    }
    case 'apply': {
      const shapes = e.args.map(inner);
      const result = shapes.reduce<Shape | undefined>((a, b) => a && broadcast(a, b), []);
      if (result) return result;
      throw fail(e.at, `${e.args.map((arg, k) => named(arg, shapes[k])).join(' and ')} do not fit together`);
    }
  }
}

/** The shape of an elementwise operation on both; undefined if they cannot be broadcast. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const axes = Math.max(a.length, b.length);
  const pad = (shape: Shape): Shape => [...Array<string>(axes - shape.length).fill('1'), ...shape];
  const [p, q] = [pad(a), pad(b)];
  const sizes = p.map((size, k) => (size === q[k] || q[k] === '1' ? size : size === '1' ? q[k] : undefined));
  return sizes.includes(undefined) ? undefined : (sizes as string[]);
}
