/**
 * Merges the products of single time steps into products over all steps, where their order allows it.
 *
 * A cell is written step by step. Over the whole sequence, the input projections x Wx of all steps are one product
 * before the first step, and dx = dz Wxᵀ, dWx += xᵀ dz, dWh += hPrevᵀ dz and db += Σ dz are one operation each after
 * the last. Only the recurrence itself, hPrev Wh, must stay in the loop. The rewriting depends only on the elements
 * that each operation reads and writes, so it is valid for any cell.
 */
import ndarray from 'ndarray';
import type { Data } from '../memory';
import {
  loopOf,
  moved,
  operandsOf,
  withOperands,
  type Entry,
  type Loop,
  type Operation,
  type Product,
  type Reduction,
  type Repeated,
} from './operation';
import { once } from '../once';
import { Program } from './program';
import { identityOf, type Tensor } from '../tensor';

/** The same computation with as few and as large operations as possible. The order of summation may change. */
export function hoist(program: Program): Program {
  const entries = program.entries.flatMap((entry) =>
    entry.kind === 'loop' ? distributed(mergedWithin(entry)) : [entry],
  );
  return new Program(merged(entries));
}

/** Merges into the place of the last member, then into that of the first. */
const merged = (entries: readonly Entry[]): Entry[] => merge(merge(entries).reverse()).reverse();

/** A loop in which the operations of one repetition, which may have many steps, are merged. */
function mergedWithin(loop: Loop): Loop {
  const [first, next] = (['first', 'next'] as const).map(
    (which) => merged(loop.body.map((repeated) => repeated[which])) as Operation[],
  );
  return { ...loop, body: loopOf(2, first, next, next)?.body ?? loop.body };
}

/**
 * Splits off the operations that only compute `targets`, if they can run after all others, so that they run only on
 * request.
 */
export function defer(program: Program, ...targets: Data[]): { rest: Program; deferred: Program } {
  const isTarget = (t: Tensor): boolean => targets.includes(t.data);
  const rest = new Program();
  const deferred = new Program();
  const needed = new Blocks(); // blocks that the deferred operations read
  const parts = program.entries.flatMap((entry): Entry[] =>
    entry.kind === 'loop' ? split(entry, isTarget) : [entry],
  );
  for (const entry of parts) {
    if (writes(entry).every(isTarget)) {
      deferred.entries.push(entry);
      for (const t of reads(entry)) needed.add(t);
    } else {
      rest.entries.push(entry);
      const touches = [...reads(entry), ...writes(entry)].some(isTarget);
      if (touches || needed.meet(writes(entry))) return { rest: program, deferred: new Program() };
    }
  }
  return { rest, deferred };
}

/** Splits a loop in two, of which the second writes only targets; returns it unchanged if that is impossible. */
function split(loop: Loop, isTarget: (t: Tensor) => boolean): Loop[] {
  const { body, count } = loop;
  const isLate = ({ first }: Repeated): boolean => writes(first).every(isTarget);
  const late = body.filter(isLate);
  const rest = body.filter((one) => !isLate(one));
  const sharing = sharers(rest);
  const waits = late.every((one) =>
    sharing(one).every(
      (other) => !isBefore(one, other, count) && !(comesFirst(body, one, other) && meets(one, other, count)),
    ),
  );
  if (late.length === 0 || rest.length === 0 || !waits) return [loop];
  return [
    { ...loop, body: rest },
    { ...loop, body: late },
  ];
}

/** Returns a function that finds those of `operations` that write what an operation reads or writes, or read what it writes. */
function sharers(operations: readonly Repeated[]): (one: Repeated) => Repeated[] {
  const [readers, writers] = (['read', 'written'] as const).map((how) => {
    const found = new Map<Data, Repeated[]>();
    for (const other of operations)
      for (const data of new Set(movingOf(other)[how].map(({ t }) => t.data)))
        if (!found.get(data)?.push(other)) found.set(data, [other]);
    return found;
  });
  return (one) => {
    const { read, written } = movingOf(one);
    const all = [...read, ...written].flatMap(({ t }) => writers.get(t.data) ?? []);
    return [...new Set([...all, ...written.flatMap(({ t }) => readers.get(t.data) ?? [])])];
  };
}

/**
 * Splits a loop into operations that can be merged before it, the rest of the loop, and operations that can be merged
 * after it. An operation may leave the loop if it is independent of all operations that it is moved past.
 */
function distributed({ body, count }: Loop): Entry[] {
  const whole = new Map<Repeated, Mergeable>();
  for (const one of body) {
    const all = wholeOf(one, count);
    if (all) whole.set(one, all);
  }
  const [before, after]: Repeated[][] = [[], []];
  const rest = new Set(body);
  const others = (one: Repeated, of: Iterable<Repeated>): Repeated[] =>
    [...of].filter((other) => other !== one);
  for (const one of [...body].reverse()) {
    const free =
      whole.has(one) &&
      others(one, rest).every(
        (other) =>
          !isBefore(one, other, count) && !(comesFirst(body, one, other) && meets(one, other, count)),
      );
    if (!free) continue;
    after.unshift(one);
    rest.delete(one);
  }
  for (const one of body) {
    if (!rest.has(one)) continue;
    const free =
      whole.has(one) &&
      others(one, [...rest, ...after]).every(
        (other) =>
          !isBefore(other, one, count) && !(comesFirst(body, other, one) && meets(other, one, count)),
      );
    if (!free) continue;
    before.push(one);
    rest.delete(one);
  }
  const all = (some: Repeated[]): Mergeable[] => some.map((one) => whole.get(one) as Mergeable);
  const loop: Loop = { kind: 'loop', count, body: [...rest] };
  return [...all(before), ...(rest.size > 0 ? [loop] : []), ...all(after)];
}

/** All repetitions of an operation as one; undefined if they are not adjacent, or depend on each other. */
function wholeOf({ first, next }: Repeated, count: number): Mergeable | undefined {
  if (!isMergeable(first) || !isMergeable(next)) return undefined;
  const [own, others] = [operandsOf(first), operandsOf(next)];
  const ways = new Set(own.map((t, k) => Math.sign(others[k].offset - t.offset)).filter((way) => way !== 0));
  const two = ways.size > 1 || feeds(first, next) ? undefined : joined(first, next);
  if (!two) return undefined;
  // extends the union of the first two repetitions to all of them
  const all = operandsOf(two).map((t, k) => {
    const [from, to] = [own[k], others[k]];
    const axis = t.shape.findIndex((n, along) => n !== from.shape[along]);
    if (axis < 0) return t;
    const shape = [...from.shape];
    shape[axis] *= count;
    const move = to.offset - from.offset;
    return ndarray<Data>(t.data, shape, t.stride, from.offset + Math.min(0, (count - 1) * move));
  });
  let at = 0;
  const merged = withOperands(two, () => all[at++]);
  return conflict(operands(merged), writes(merged)) ? undefined : merged;
}

/** Whether an operation comes before another in the body of a loop. */
function comesFirst(body: readonly Repeated[], one: Repeated, other: Repeated): boolean {
  const places = placesIn(body);
  return (places.get(one) as number) < (places.get(other) as number);
}

/** The index of each operation in the body of a loop; kept, because every pair of operations is compared. */
const placesIn = once((body: readonly Repeated[]) => new Map(body.map((one, k) => [one, k])));

/** Whether a repetition of the first may have to run before a later one of the other. */
const isBefore = (one: Repeated, other: Repeated, count: number): boolean =>
  depends(one, other, (p, q) => meetAt(p, q, count, true));

/** Whether simultaneous repetitions of both may share elements that one of them writes. */
const meets = (one: Repeated, other: Repeated, count: number): boolean =>
  depends(one, other, (p, q) => meetAt(p, q, count, false));

/** An operand of the first repetition, and its offset per repetition. */
interface Moving {
  t: Tensor;
  by: number;
}

/** What a repeated operation reads and writes; kept, because every pair of operations is compared. */
const movingOf = once((repeated: Repeated) => {
  const of = (which: typeof reads): Moving[] => {
    const next = which(repeated.next);
    return which(repeated.first).map((t, k) => ({ t, by: next[k].offset - t.offset }));
  };
  return { read: of(reads), written: of(writes) };
});

function depends(one: Repeated, other: Repeated, overlap: (p: Moving, q: Moving) => boolean): boolean {
  const any = (some: Moving[], others: Moving[]): boolean =>
    some.some((p) => others.some((q) => overlap(p, q)));
  const [own, others] = [movingOf(one), movingOf(other)];
  return any(own.written, others.written) || any(own.written, others.read) || any(own.read, others.written);
}

/** Whether p may share elements with q in the same repetition, or in any `later` one. */
function meetAt(p: Moving, q: Moving, count: number, later: boolean): boolean {
  if (p.t.data !== q.t.data) return false;
  if (p.by !== q.by) return overlap(swept(p, count), swept(q, count));
  if (!later) return overlap(p.t, q.t);
  if (q.by === 0) return overlap(p.t, q.t);
  // after d repetitions q has moved by d · by; it can overlap p only between the two distances at which they just
  // touch
  const ends = [p.t.offset - extent(q.t), extent(p.t) - q.t.offset].map((way) => way / q.by);
  const [low, high] = [
    Math.max(1, Math.floor(Math.min(...ends))),
    Math.min(count - 1, Math.ceil(Math.max(...ends))),
  ];
  if (high - low > FAR) return true;
  for (let d = low; d <= high; d++) if (overlap(p.t, moved(q.t, d * q.by))) return true;
  return false;
}

/** Maximum number of distances that are tested one by one. */
const FAR = 64;

/** A view that covers an operand in all repetitions. */
function swept({ t, by }: Moving, count: number): Tensor {
  const end = moved(t, (count - 1) * by);
  const width = pitch(t);
  if (width > 0 && by % width === 0) return stretched(t, end);
  const from = Math.min(t.offset, end.offset);
  return ndarray<Data>(t.data, [Math.max(extent(t), extent(end)) - from], [1], from);
}

/** Operations of the same kind and weights at adjacent steps, collected in one pass over the list. */
interface Group {
  /** The merged operation so far: its operands are the unions of its members' operands. */
  merged: Mergeable;
  /** Its index in the list of results; earlier members leave a gap behind. */
  at: number;
  reads: Tensor[];
  writes: Tensor[];
}
type Mergeable = Product | Reduction;

/** Merges each operation into an earlier adjacent one of its kind, if no operation in between depends on that one. */
function merge(operations: readonly Entry[]): Entry[] {
  const result: (Entry | undefined)[] = [];
  // keyed by site: steps come in order, so a group that the next operation of its site cannot join is complete
  const open = new Map<string, Group>();
  for (const operation of operations) {
    const [read, written] = [reads(operation), writes(operation)];
    const site = isMergeable(operation) ? siteOf(operation) : '';
    const mine = open.get(site);
    const both =
      mine && isMergeable(operation) && !feeds(mine.merged, operation)
        ? joined(mine.merged, operation)
        : undefined;
    // a group is closed by an operation that reads its results or writes its operands
    for (const [key, group] of open) {
      const depends =
        conflict(written, group.reads) || conflict(written, group.writes) || conflict(read, group.writes);
      if (depends && !(both && group === mine)) open.delete(key);
    }
    const at = result.push(operation) - 1;
    if (!isMergeable(operation)) continue;
    if (mine && both) {
      result[mine.at] = undefined;
      result[at] = both;
    }
    const merged = both ?? operation;
    open.set(site, { merged, at, reads: reads(merged), writes: writes(merged) });
  }
  return result.filter((entry) => entry !== undefined);
}

/**
 * Key of a site: the operations at the same place of a cell, at every step, which differ only in their rows.
 * Operations that overwrite and operations that accumulate have different sites.
 */
function siteOf(operation: Mergeable): string {
  const tensors = [...operands(operation), ...writes(operation)];
  return [operation.kind, operation.accumulate, ...tensors.map(columnKey)].join(' ');
}

const isMergeable = (operation: Entry): operation is Mergeable =>
  operation.kind === 'product' || (operation.kind === 'reduction' && operation.what === 'sumRows');

/** Two operations of one site as one; undefined if they are not adjacent. */
function joined(group: Mergeable, next: Mergeable): Mergeable | undefined {
  if (group.kind === 'product' && next.kind === 'product') {
    if (group.bias !== next.bias && !(group.bias && next.bias && same(group.bias, next.bias)))
      return undefined;
    if (!next.accumulate && same(group.b, next.b)) {
      const [a, out] = [stacked(group.a, next.a, 0), stacked(group.out, next.out, 0)];
      return a && out && { ...group, a, out };
    }
    // a sum over the rows of all steps; with a bias, it would be added once per step
    if (next.accumulate && !next.bias && same(group.out, next.out)) {
      const [a, b] = [stacked(group.a, next.a, 1), stacked(group.b, next.b, 0)];
      return a && b && { ...group, a, b };
    }
    return undefined;
  }
  if (
    group.kind === 'reduction' &&
    next.kind === 'reduction' &&
    next.accumulate &&
    same(group.out, next.out)
  ) {
    const from = stacked(group.from, next.from, 0);
    return from && { ...group, from };
  }
  return undefined;
}

const same = (p: Tensor, q: Tensor): boolean =>
  p.data === q.data &&
  p.offset === q.offset &&
  p.shape.every((n, k) => n === q.shape[k]) &&
  p.stride.every((n, k) => n === q.stride[k]);

/** Joins two views along `axis`, in either order, if one begins where the other ends; else undefined. */
function stacked(p: Tensor, q: Tensor, axis: number): Tensor | undefined {
  const other = 1 - axis;
  if (p.data !== q.data || p.shape[other] !== q.shape[other] || p.stride.some((s, k) => s !== q.stride[k]))
    return undefined;
  const [first, second] = p.offset <= q.offset ? [p, q] : [q, p];
  if (second.offset !== first.offset + first.shape[axis] * first.stride[axis]) return undefined;
  const shape = [...first.shape];
  shape[axis] += second.shape[axis];
  return ndarray<Data>(p.data, shape, p.stride, first.offset);
}

/** Whether one reads what the other computes, as in the steps of a linear recurrence, which cannot be merged. */
const feeds = (p: Mergeable, q: Mergeable): boolean =>
  conflict(operands(p), writes(q)) || conflict(operands(q), writes(p));

function reads(entry: Entry): Tensor[] {
  if (entry.kind === 'loop') return sweptBy(entry, reads);
  if (entry.kind === 'pointwise') return Object.values(entry.inputs);
  return entry.accumulate ? [...operands(entry), entry.out] : operands(entry);
}

/** The operands of a product or a sum, without the output it accumulates into. */
function operands(operation: Mergeable): Tensor[] {
  if (operation.kind === 'reduction') return [operation.from];
  const { a, b, bias } = operation;
  return bias ? [a, b, bias] : [a, b];
}

function writes(entry: Entry): Tensor[] {
  if (entry.kind === 'loop') return sweptBy(entry, writes);
  return entry.kind === 'pointwise' ? Object.values(entry.outputs) : [entry.out];
}

/** All views that a loop reads, or writes. */
const sweptBy = ({ body, count }: Loop, which: (operation: Operation) => Tensor[]): Tensor[] =>
  body.flatMap(({ first, next }) => {
    const ends = which(next);
    return which(first).map((t, k) => swept({ t, by: ends[k].offset - t.offset }, count));
  });

const conflict = (some: Tensor[], others: Tensor[]): boolean =>
  some.some((p) => others.some((q) => overlap(p, q)));

/** Whether two views may share elements; exact for blocks of rows and columns of one matrix. */
export function overlap(p: Tensor, q: Tensor): boolean {
  if (p.data !== q.data) return false;
  const [pEnd, qEnd] = [extent(p), extent(q)];
  if (pEnd <= q.offset || qEnd <= p.offset) return false;
  const width = pitch(p);
  if (width !== pitch(q) || width === 0) return true;
  // number of columns by which q starts to the right of p, modulo the row length
  const shift = (((q.offset - p.offset) % width) + width) % width;
  return shift < columnsOf(p) || width - shift < columnsOf(q);
}

/** One past the last element. */
function extent({ shape, stride, offset }: Tensor): number {
  let end = offset + 1;
  for (let k = 0; k < shape.length; k++) end += (shape[k] - 1) * stride[k];
  return end;
}
/** Distance between rows, of a transposed view as well. */
const pitch = ({ stride }: Tensor): number =>
  stride.length === 2 ? Math.max(stride[0], stride[1]) : Math.max(...stride);
/** Views with equal keys have the same columns of one matrix, or the same rows if they are transposed. */
const columnKey = (t: Tensor): string =>
  [identityOf(t.data), t.offset % (pitch(t) || Infinity), columnsOf(t), t.stride].join(':');
const columnsOf = (t: Tensor): number =>
  t.shape.length === 1
    ? 1
    : t.stride[0] >= t.stride[1]
      ? (t.shape[1] - 1) * t.stride[1] + 1
      : (t.shape[0] - 1) * t.stride[0] + 1;

/** Blocks of rows of several matrices, each stored as one enclosing stretch, so that their number stays small. */
class Blocks {
  private readonly stretches = new Map<string, Tensor>();

  add(t: Tensor): void {
    const key = columnKey(t);
    const known = this.stretches.get(key);
    this.stretches.set(key, known ? stretched(known, t) : t);
  }

  /** Whether any of these views may share elements with a block. */
  meet(views: Tensor[]): boolean {
    return conflict(views, [...this.stretches.values()]);
  }
}

/** The smallest view that covers two blocks of the same columns. */
function stretched(p: Tensor, q: Tensor): Tensor {
  const offset = Math.min(p.offset, q.offset);
  const axis = p.stride.indexOf(pitch(p));
  const end = Math.max(extent(p), extent(q));
  const shape = [...p.shape];
  // both end in the same column
  if (pitch(p) > 0) shape[axis] = (end - extent(p) + p.offset - offset) / pitch(p) + p.shape[axis];
  return ndarray<Data>(p.data, shape, p.stride, offset);
}
