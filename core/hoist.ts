/**
 * Merges the products of single time steps into products over all steps, where their order allows it.
 *
 * A cell is written step by step. Seen as a whole, the input projections x Wx of all steps are one product that can
 * stand before the first step, and dx = dz Wxᵀ, dWx += xᵀ dz, dWh += hPrevᵀ dz and db += Σ dz are one operation each
 * after the last. Only the recurrence itself, hPrev Wh, must stay in the loop. The rewriting looks at nothing but which
 * elements each operation reads and writes, so it holds for any cell.
 */
import ndarray from 'ndarray';
import type { Data } from './memory';
import { Program, type Operation, type Product, type Reduction } from './program';
import { identityOf, type Tensor } from './tensor';

/** The same computation with as few, as large operations as possible. Sums may be added up in another order. */
export function hoist(program: Program): Program {
  const later = merge(program.operations); // to the place of the last member
  return new Program(merge(later.reverse()).reverse()); // to the place of the first
}

/**
 * Takes out the operations that only compute `targets`, if they can run after all the others: they then need not run at
 * all until somebody asks for them.
 */
export function defer(program: Program, ...targets: Data[]): { rest: Program; deferred: Program } {
  const isTarget = (t: Tensor): boolean => targets.includes(t.data);
  const rest = new Program();
  const deferred = new Program();
  const needed = new Blocks(); // what the deferred operations read
  for (const operation of program.operations) {
    if (writes(operation).every(isTarget)) {
      deferred.operations.push(operation);
      for (const t of reads(operation)) needed.add(t);
    } else {
      rest.operations.push(operation);
      const touches = [...reads(operation), ...writes(operation)].some(isTarget);
      if (touches || needed.meet(writes(operation))) return { rest: program, deferred: new Program() };
    }
  }
  return { rest, deferred };
}

/** Operations of the same kind and weights at neighbouring steps, collected while the list is walked once. */
interface Group {
  /** The merged operation so far: its operands are the union of its members'. */
  merged: Mergeable;
  /** Where it stands in the list of results; earlier members leave a gap behind. */
  at: number;
  reads: Tensor[];
  writes: Tensor[];
}
type Mergeable = Product | Reduction;

/** Walks the operations, merging each into an earlier neighbour of its kind that nothing in between depends on. */
function merge(operations: readonly Operation[]): Operation[] {
  const result: (Operation | undefined)[] = [];
  // by site: steps are walked in order, so a group that the next operation of its site cannot join is complete
  const open = new Map<string, Group>();
  for (const operation of operations) {
    const [read, written] = [reads(operation), writes(operation)];
    const site = isMergeable(operation) ? siteOf(operation) : '';
    const mine = open.get(site);
    const both =
      mine && isMergeable(operation) && !feeds(mine.merged, operation)
        ? joined(mine.merged, operation)
        : undefined;
    // a group ends where an operation needs what it computes, or changes what it reads
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
  return result.filter((operation) => operation !== undefined);
}

/**
 * Operations of one site are the same but for the rows that they work on: the same place of a cell at every step. One
 * that starts anew and one that adds are of two sites.
 */
function siteOf(operation: Mergeable): string {
  const tensors = [...operands(operation), ...writes(operation)];
  return [operation.kind, operation.accumulate, ...tensors.map(columnKey)].join(' ');
}

const isMergeable = (operation: Operation): operation is Mergeable =>
  operation.kind === 'product' || (operation.kind === 'reduction' && operation.what === 'sumRows');

/** Two operations of one site as one, or undefined when they are not neighbours. */
function joined(group: Mergeable, next: Mergeable): Mergeable | undefined {
  if (group.kind === 'product' && next.kind === 'product') {
    if (group.bias !== next.bias && !(group.bias && next.bias && same(group.bias, next.bias)))
      return undefined;
    if (!next.accumulate && same(group.b, next.b)) {
      const [a, out] = [stacked(group.a, next.a, 0), stacked(group.out, next.out, 0)];
      return a && out && { ...group, a, out };
    }
    // Σ over the rows of all steps; a bias would be added once for each
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

/** Two views as one along `axis`, in either order, if the second begins where the first ends. */
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

/** Whether one works on what the other computes, as the steps of a linear recurrence do: they cannot be one product. */
const feeds = (p: Mergeable, q: Mergeable): boolean =>
  conflict(operands(p), writes(q)) || conflict(operands(q), writes(p));

function reads(operation: Operation): Tensor[] {
  if (operation.kind === 'pointwise') return Object.values(operation.inputs);
  return operation.accumulate ? [...operands(operation), operation.out] : operands(operation);
}

/** What a product or a sum works on, whatever it is added to. */
function operands(operation: Mergeable): Tensor[] {
  if (operation.kind === 'reduction') return [operation.from];
  const { a, b, bias } = operation;
  return bias ? [a, b, bias] : [a, b];
}

const writes = (operation: Operation): Tensor[] =>
  operation.kind === 'pointwise' ? Object.values(operation.outputs) : [operation.out];

const conflict = (some: Tensor[], others: Tensor[]): boolean =>
  some.some((p) => others.some((q) => overlap(p, q)));

/** Whether two views may share elements; exact for blocks of rows and columns of one matrix. */
function overlap(p: Tensor, q: Tensor): boolean {
  if (p.data !== q.data) return false;
  const [pEnd, qEnd] = [extent(p), extent(q)];
  if (pEnd <= q.offset || qEnd <= p.offset) return false;
  const width = pitch(p);
  if (width !== pitch(q) || width === 0) return true;
  // q starts this many columns to the right of p, going around
  const shift = (((q.offset - p.offset) % width) + width) % width;
  return shift < columnsOf(p) || width - shift < columnsOf(q);
}

/** One past the last element. */
const extent = (t: Tensor): number =>
  t.shape.reduce((end, n, k) => end + (n - 1) * t.stride[k], t.offset + 1);
/** Distance between rows, whichever way the view is turned. */
const pitch = (t: Tensor): number => Math.max(...t.stride);
/** Views with the same key show the same columns of one matrix, or the same rows where they are turned. */
const columnKey = (t: Tensor): string =>
  [identityOf(t.data), t.offset % (pitch(t) || Infinity), columnsOf(t), t.stride].join(':');
const columnsOf = (t: Tensor): number =>
  t.shape.length === 1
    ? 1
    : t.stride[0] >= t.stride[1]
      ? (t.shape[1] - 1) * t.stride[1] + 1
      : (t.shape[0] - 1) * t.stride[0] + 1;

/** Blocks of rows of some matrices, each matrix's kept as one stretch that holds them all: few, however many there are. */
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

/** The smallest view that holds two blocks of the same columns. */
function stretched(p: Tensor, q: Tensor): Tensor {
  const offset = Math.min(p.offset, q.offset);
  const axis = p.stride.indexOf(pitch(p));
  const end = Math.max(extent(p), extent(q));
  const shape = [...p.shape];
  // both end in the same column
  if (pitch(p) > 0) shape[axis] = (end - extent(p) + p.offset - offset) / pitch(p) + p.shape[axis];
  return ndarray<Data>(p.data, shape, p.stride, offset);
}
