/** Joins typed arrays. */

/** An array type, and the arrays of it. */
type ArrayType<A> = new (length: number) => A;

/**
 * A new array with the numbers of several, one after the other.
 * @example joined(Uint8Array, [Uint8Array.of(1, 2), Uint8Array.of(3)]) // Uint8Array(3) [ 1, 2, 3 ]
 */
export function joined<A extends Uint8Array | Float64Array>(
  type: ArrayType<A>,
  parts: readonly ArrayLike<number>[],
): A {
  const all = new type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
