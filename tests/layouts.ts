/** Matrices in every memory layout that a kernel may meet, with the same elements. */
import ndarray from 'ndarray';
import type { Data, Dtype } from '../core/memory';
import { columns, rows, toFlat, transpose, zeros, type Tensor } from '../core/tensor';

export const layouts = ['contiguous', 'columns', 'transposed', 'transposed columns', 'every other'] as const;
export type Layout = (typeof layouts)[number];

/** Filler around a view, which must stay unchanged. */
const GUARD = -77;

/** A matrix [R, C] of zeros in that layout; `around` is true while nothing outside the view was written. */
export function place(
  R: number,
  C: number,
  dtype: Dtype,
  layout: Layout,
): { view: Tensor; around: () => boolean } {
  // odd margins, so that rows start at places that suit no vector register
  const wide = (r: number, c: number): { whole: Tensor; inner: Tensor } => {
    const whole = zeros([r + 2, c + 5], dtype);
    return { whole, inner: columns(rows(whole, 1, r + 1), 3, c + 3) };
  };
  let whole: Tensor;
  let view: Tensor;
  if (layout === 'contiguous') view = whole = zeros([R, C], dtype);
  else if (layout === 'columns') ({ whole, inner: view } = wide(R, C));
  else if (layout === 'transposed') view = transpose((whole = zeros([C, R], dtype)));
  else if (layout === 'transposed columns') {
    const { whole: all, inner } = wide(C, R);
    [whole, view] = [all, transpose(inner)];
  } else {
    const { whole: all, inner } = wide(2 * R, 2 * C);
    const stride = [2 * inner.stride[0], 2 * inner.stride[1]];
    [whole, view] = [all, ndarray<Data>(inner.data, [R, C], stride, inner.offset)];
  }
  whole.data.fill(GUARD);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) view.set(r, c, 0);
  const outside = toFlat(whole).filter((value) => value === GUARD).length;
  // overwrites the view with zeros and counts the filler that is still unchanged
  const around = (): boolean => {
    const contents = toFlat(view);
    for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) view.set(r, c, 0);
    const same = toFlat(whole).filter((value) => value === GUARD).length === outside;
    for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) view.set(r, c, contents[r * C + c]);
    return same;
  };
  return { view, around };
}

/** The same with numbers in it. */
export function filled(
  R: number,
  C: number,
  dtype: Dtype,
  layout: Layout,
  value: (r: number, c: number) => number,
): Tensor {
  const { view } = place(R, C, dtype, layout);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) view.set(r, c, value(r, c));
  return view;
}
