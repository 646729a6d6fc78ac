/**
 * The equations of a Hopfield network, and their execution for one state: fields, updates, energy and overlaps.
 *
 *   s [1, N] of ±1   W [N, N] symmetric, zero diagonal
 *
 * Products are summed in order, so that recall gives the same result on every machine.
 */
import { bound, lazyEquations } from '../core/equations/equations';
import type { Data } from '../core/memory';
import { plain } from '../core/programs/plain';
import { tensor, zeros, type Tensor } from '../core/tensor';
import type { HopfieldState } from './patterns';
import type { StateFields } from './recall';

/** Update of M units: W are their rows of the weights, `own` their states; fields up to `tie` count as zero. */
const update = lazyEquations(
  'hopfield, update',
  's [1, N]   W [M, N]   own [1, M]   tie [1]   writes sum, h, next [1, M]',
  `sum = s @ W.T
   h = select(abs(sum) - tie, sum, 0)
   next = select(abs(h), step(h) - step(-h), own)   # sgn(h), and where h is zero the unit keeps its state`,
);

const energy = lazyEquations(
  'hopfield, energy',
  's, h [1, N]   writes agreement [1, N]   total, E [1, 1]',
  `agreement = s * h
   total = sum(agreement, axis=1)
   E = 0 - total / 2                                # a difference, so that it is never −0`,
);

/** Overlap of a state with each pattern: 1 for the pattern itself, −1 for its negative, about 0 for a random state. */
const overlap = lazyEquations(
  'hopfield, overlap',
  's [1, N]   patterns [P, N]   units [1]   writes agreement, m [P, 1]',
  `agreement = patterns @ s.T
   m = agreement / units`,
);

/** Number of units whose fields are computed at once: the product keeps as many sums in registers. */
export const TOGETHER = 4;

/** The fields of all units, their next states and the energy, and the program that computes them. */
export interface AllFields {
  h: Data;
  next: Data;
  E: Data;
  run: () => void;
}

/** A state that may change between calls, with the quantities of the whole state that every kind of memory has. */
export abstract class WholeState {
  protected readonly s: Tensor;
  private whole: AllFields | undefined;
  private similarity: { m: Data; run: () => void } | undefined;

  constructor(private readonly patterns: Tensor) {
    this.s = zeros([1, patterns.shape[1]]);
  }

  protected abstract bindAll(): AllFields;

  all(): AllFields {
    this.whole ??= this.bindAll();
    this.whole.run();
    return this.whole;
  }

  overlaps(): number[] {
    this.similarity ??= bindOverlaps(this.s, this.patterns);
    this.similarity.run();
    return Array.from(this.similarity.m);
  }
}

/** Computes fields, updates, energy and overlaps of a state. */
export class Fields extends WholeState implements StateFields {
  private readonly some: { rows: Data; own: Data; h: Data; next: Data; run: () => void };

  /** @param net patterns [P, N], weights [N, N], and the largest field that counts as zero. */
  constructor(private readonly net: { patterns: Tensor; weights: Tensor; tie: number }) {
    super(net.patterns);
    const N = net.weights.shape[0];
    const [W, own, sum, h, next] = [zeros([TOGETHER, N]), ...[1, 2, 3, 4].map(() => zeros([1, TOGETHER]))];
    const run = bound(update, plain, { s: this.s, W, own, sum, h, next, tie: tensor([net.tie]) });
    this.some = { rows: W.data, own: own.data, h: h.data, next: next.data, run };
  }

  of(state: HopfieldState): this {
    this.s.data.set(state);
    return this;
  }

  flip(unit: number): void {
    this.s.data[unit] *= -1;
  }

  units(units: readonly number[], k = 0): { h: Data; next: Data; count: number } {
    const { rows, own, run, h, next } = this.some;
    const { data } = this.net.weights;
    const N = this.s.shape[1];
    const count = Math.min(TOGETHER, units.length - k);
    for (let j = 0; j < count; j++) {
      const i = units[k + j];
      rows.set(data.subarray(i * N, (i + 1) * N), j * N);
      own[j] = this.s.data[i];
    }
    run();
    return { h, next, count };
  }

  protected bindAll(): AllFields {
    const { s, net } = this;
    const [sum, h, next, agreement] = [1, 2, 3, 4].map(() => zeros(s.shape));
    const [total, E] = [zeros([1, 1]), zeros([1, 1])];
    const fields = bound(update, plain, { s, W: net.weights, own: s, sum, h, next, tie: tensor([net.tie]) });
    const sums = bound(energy, plain, { s, h, agreement, total, E });
    const run = (): void => (fields(), sums());
    return { h: h.data, next: next.data, E: E.data, run };
  }
}

/** Computes the overlaps of the state `s` [1, N] with each pattern, into `m`. */
function bindOverlaps(s: Tensor, patterns: Tensor): { m: Data; run: () => void } {
  const [P, N] = patterns.shape;
  const [agreement, m] = [zeros([P, 1]), zeros([P, 1])];
  const run = bound(overlap, plain, { s, patterns, units: tensor([N]), agreement, m });
  return { m: m.data, run };
}
