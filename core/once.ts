/** Memoization. */

/** A memoized function; results for objects are dropped when the object is garbage-collected. */
export function once<A extends object | string, B>(compute: (of: A) => B): (of: A) => B {
  const objects = new WeakMap<object, { value: B }>();
  const words = new Map<string, { value: B }>();
  return (of) => {
    let found = typeof of === 'string' ? words.get(of) : objects.get(of);
    if (!found) {
      found = { value: compute(of) };
      if (typeof of === 'string') words.set(of, found);
      else objects.set(of, found);
    }
    return found.value;
  };
}

/** A function that computes its result at the first call. */
export function lazy<A>(compute: () => A): () => A {
  let found: { value: A } | undefined;
  return () => (found ??= { value: compute() }).value;
}
