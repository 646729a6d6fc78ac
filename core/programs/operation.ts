/** The operations of a program, and loops of them. */
import ndarray from 'ndarray';
import type { Data } from '../memory';
import type { Graph } from './statement';
import type { Tensor, Tensors } from '../tensor';

/**
 * out (=|+=) a b + bias; transposes are strided views. a [M, K], b [K, N], out [M, N], bias [N]. If a is one-hot, the
 * product looks up rows of b; if a is a transposed one-hot matrix, it sums rows of b by class.
 */
export interface Product {
  kind: 'product';
  a: Tensor;
  b: Tensor;
  out: Tensor;
  bias?: Tensor;
  accumulate: boolean;
}
/**
 * One fused group of elementwise equations over [R, C]; operands are broadcast by zero strides. One input may be a one-hot
 * [R, C], if no output replaces an input.
 */
export interface Pointwise {
  kind: 'pointwise';
  graph: Graph;
  inputs: Tensors;
  outputs: Tensors;
}
/** out (=|+=) a sum or log-sum-exp of `from` [R, C], over its rows (out [C]) or along each row (out [R, 1]). */
export interface Reduction {
  kind: 'reduction';
  what: 'sumRows' | 'sumColumns' | 'logSumExp';
  from: Tensor;
  out: Tensor;
  accumulate: boolean;
}
/** One recorded step of a program: a product, a fused group of elementwise equations, or a reduction. */
export type Operation = Product | Pointwise | Reduction;

/** A repeated operation: from one repetition to the next, each operand moves by its offset from `first` to `next`. */
export interface Repeated {
  first: Operation;
  next: Operation;
}
/** Operations that run in order, `count` times. */
export interface Loop {
  kind: 'loop';
  count: number;
  body: readonly Repeated[];
}
/** An element of a program. */
export type Entry = Operation | Loop;

/** All tensors of an operation, always in the same order. */
export function operandsOf(operation: Operation): Tensor[] {
  if (operation.kind === 'pointwise')
    return [...Object.values(operation.inputs), ...Object.values(operation.outputs)];
  if (operation.kind === 'reduction') return [operation.from, operation.out];
  const { a, b, out, bias } = operation;
  return bias ? [a, b, out, bias] : [a, b, out];
}

/** The same operation on other tensors; `of` is called in the order of `operandsOf`. */
export function withOperands<O extends Operation>(operation: O, of: (t: Tensor) => Tensor): O;
export function withOperands(operation: Operation, of: (t: Tensor) => Tensor): Operation {
  if (operation.kind === 'pointwise') {
    const all = (tensors: Tensors): Tensors =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, of(t)]));
    return { ...operation, inputs: all(operation.inputs), outputs: all(operation.outputs) };
  }
  if (operation.kind === 'reduction')
    return { ...operation, from: of(operation.from), out: of(operation.out) };
  const { a, b, out, bias } = operation;
  return { ...operation, a: of(a), b: of(b), out: of(out), ...(bias && { bias: of(bias) }) };
}

/** Offset in elements that each operand moves per repetition, in the order of `operandsOf`. */
export function movesOf({ first, next }: Repeated): number[] {
  const from = operandsOf(first);
  return operandsOf(next).map((t, k) => t.offset - from[k].offset);
}

/** The view shifted by `by` elements. */
export const moved = (t: Tensor, by: number): Tensor =>
  by === 0 ? t : ndarray<Data>(t.data, t.shape, t.stride, t.offset + by);

/** The operations of a loop, unrolled. */
export function unrolled({ body, count }: Loop): Operation[] {
  const moves = body.map(movesOf);
  return Array.from({ length: count }, (_, time) =>
    body.map(({ first }, k) => {
      let at = 0;
      return time === 0 ? first : withOperands(first, (t) => moved(t, time * moves[k][at++]));
    }),
  ).flat();
}

/** `count` repetitions as a loop, given three of them; undefined if they differ in more than operand offsets. */
export function loopOf(
  count: number,
  first: readonly Operation[],
  next: readonly Operation[],
  last: readonly Operation[],
): Loop | undefined {
  const body = first.map((operation, k): Repeated => ({ first: operation, next: next[k] }));
  const isLoop =
    [next, last].every((one) => one.length === first.length && one.every((o, k) => alike(first[k], o))) &&
    body.every((repeated, k) => {
      const [from, to] = [operandsOf(repeated.first), operandsOf(last[k])];
      return movesOf(repeated).every((move, n) => to[n].offset === from[n].offset + (count - 1) * move);
    });
  return isLoop ? { kind: 'loop', count, body } : undefined;
}

/** Whether two operations differ only in the offsets of their operands. */
function alike(p: Operation, q: Operation): boolean {
  if (p.kind === 'pointwise' ? q.kind !== 'pointwise' || p.graph !== q.graph : !alikeSums(p, q)) return false;
  const [own, others] = [operandsOf(p), operandsOf(q)];
  return own.length === others.length && own.every((t, k) => alikeTensors(t, others[k]));
}

const alikeSums = (p: Product | Reduction, q: Operation): boolean =>
  q.kind !== 'pointwise' &&
  p.kind === q.kind &&
  p.accumulate === q.accumulate &&
  (p.kind === 'product' || p.what === (q as Reduction).what);

const alikeTensors = (p: Tensor, q: Tensor): boolean =>
  p.data === q.data &&
  p.shape.length === q.shape.length &&
  p.shape.every((n, k) => n === q.shape[k] && p.stride[k] === q.stride[k]);
