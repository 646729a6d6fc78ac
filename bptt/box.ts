/** Boxes: numbers in any form that a caller may hand in, as row-major numbers under a shape. */
import { must, mustBe } from '../core/check';
import { isTensor, sizeOf, toFlat, type Numbers } from '../core/tensor';

/** Row-major numbers under a shape: the cheapest way to hand in a batch. */
export interface Box {
  /** The axes, slowest first. */
  shape: number[];
  /** As many as the shape has places. */
  numbers: ArrayLike<number>;
}

/** Any form of numbers as row-major numbers under a shape. */
export function flatten(values: Numbers | Box, where: string, name: string): Box {
  mustBe(
    typeof values === 'object' && values !== null,
    where,
    `${name} must be nested lists or a tensor`,
    values,
  );
  if ('numbers' in values) {
    const size = sizeOf(values.shape);
    if (size !== values.numbers.length)
      must(false, where, `${name} must hold ${size} values`, values.numbers.length);
    return values;
  }
  if (isTensor(values)) return { shape: values.shape, numbers: toFlat(values) };
  if (ArrayBuffer.isView(values)) return { shape: [values.length], numbers: values };
  const shape: number[] = [];
  for (let level: unknown = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  const numbers: number[] = [];
  // false where a list is shorter, longer or deeper than the first of its level, even if the count of numbers fits
  const collect = (level: unknown, axis: number): boolean =>
    axis === shape.length
      ? !Array.isArray(level) && numbers.push(level as number) > 0
      : Array.isArray(level) && level.length === shape[axis] && level.every((v) => collect(v, axis + 1));
  const isBox = collect(values, 0);
  must(isBox, where, `${name} must be a box of [${shape.join(', ')}]`, 'lists of other lengths');
  return { shape, numbers };
}
