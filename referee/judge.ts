/**
 * Judges gradients: whether they equal ours and, if not, which known mistakes give the same numbers.
 *
 * Numbers are equal if rounding explains the difference: the bounds are computed (see `errorbound.ts`), not chosen.
 */
import { must } from '../core/check';
import { once } from '../core/once';
import { rowMajor, type Numbers } from '../core/tensor';
import {
  apart,
  coarse,
  differenceWords,
  listed,
  messageOf,
  singular,
  right,
  type Diagnosis,
  type Explanation,
  type GradientDifference,
} from './diagnosis';
import { placeOf } from './edits';
import { isRepresentable, precisions, type Precision, type Rounding } from './errorbound';
import { gatesOf, near, readings, type GradientOrigin } from './quantity';
import type { Named } from './subject';

/** A mistake that changes many gradients at once, with the gradients it gives; undefined if it does not apply. */
export interface Candidate extends Pick<Explanation, 'kind' | 'line' | 'mutant'> {
  /** Follows `your gradients equal ours`. */
  words: string;
  gradients: () => Named | undefined;
  /** Tried only if no other mistake explains the numbers. */
  rare?: boolean;
}

/** The given numbers of one quantity, row-major. */
export interface GivenQuantity {
  quantity: string;
  values: number[];
  shape: readonly number[];
}

/** Compares given gradients with the right ones and with those of every known mistake. */
export abstract class Judge {
  /** The right gradients, row-major. */
  abstract readonly ours: Named;
  /** The right outputs and last states, if they can be judged. */
  readonly outputs: Named = {};
  private all?: Candidate[];
  private readonly limits = new Map<Precision, Named>();
  private readonly computed = new Map<Candidate, Named | undefined>();
  private readonly largest = once(largest);

  /** Bounds on the rounding errors in a number format. */
  protected abstract bounds(rounding: Rounding): Named;
  protected abstract shapeOf(quantity: string): number[];
  /** The cell and unrolling that a gradient belongs to. */
  protected abstract place(quantity: string): GradientOrigin;
  protected abstract candidates(): Candidate[];

  /** Every known mistake. */
  get known(): Candidate[] {
    return (this.all ??= this.candidates());
  }

  /** How far a correct computation may be from ours, number by number: the sum of both error bounds. */
  tolerances(precision: Precision): Named {
    let found = this.limits.get(precision);
    if (!found) {
      const own = this.bounds(precisions.float64);
      found = Object.fromEntries(
        Object.entries(this.bounds(precisions[precision])).map(([name, theirs]) => [
          name,
          theirs.map((e, k) => e + own[name][k]),
        ]),
      );
      this.limits.set(precision, found);
    }
    return found;
  }

  /** Quantities that a format is too coarse to judge: even 0 would pass. */
  hidden(names: readonly string[], precision: Precision, ours = this.ours): string[] {
    const limits = this.tolerances(precision);
    return names.filter(
      (name) => ours[name].some((v) => v !== 0) && ours[name].every((v, k) => Math.abs(v) <= limits[name][k]),
    );
  }

  /** The number format in which the numbers seem to be computed, if it is coarser than the declared one. */
  protected coarser(
    given: readonly GivenQuantity[],
    precision: Precision,
    ours = this.ours,
  ): Precision | undefined {
    const names = Object.keys(precisions) as Precision[];
    // numbers of few digits also fit a finer format
    const coarsestFirst = names.slice(names.indexOf(precision) + 1).reverse();
    return coarsestFirst.find(
      (one) =>
        this.unlike(given, this.tolerances(one), ours).length === 0 &&
        // bounds of half precision are wide: the numbers must also be exact in that format
        (one === 'float32' ||
          given.every(({ values }) => values.every((v) => isRepresentable(precisions[one], v)))),
    );
  }

  /** Judges some or all gradients. */
  judge(gradients: Readonly<Record<string, Numbers>>, precision: Precision): Diagnosis {
    for (const quantity of Object.keys(gradients))
      must(
        quantity in this.ours,
        'diagnose',
        `gradients must be among ${Object.keys(this.ours).join(', ')}`,
        quantity,
      );
    const given = this.read(gradients);
    must(given.length > 0, 'diagnose', 'gradients must hold one at least', '{}');
    const limits = this.tolerances(precision);
    const wrong = this.unlike(given, limits);
    if (wrong.length === 0)
      return right('gradients', this.hidden(Object.keys(gradients), precision), precision);
    const differences = this.inOrder(wrong).map((one) => this.difference(one, limits));
    const flaw = wrong.find(({ values }) => !values.every(Number.isFinite));
    const explanations = flaw ? [] : this.explain(given, wrong, limits);
    if (explanations.length > 0)
      return { verdict: 'explained', explanations, differences, message: messageOf(explanations) };
    const format = this.coarser(given, precision);
    if (format)
      return { verdict: 'rounding', explanations: [], differences, message: coarse('gradients', format) };
    return {
      verdict: 'unexplained',
      explanations: [],
      differences,
      message: apart('your gradients', differences[0]),
    };
  }

  /** The largest difference from our numbers, as a fraction of the rounding tolerance; infinite for another shape. */
  partOf(quantity: string, numbers: Numbers, ours: Named, limits: Named): number {
    const { numbers: list, shape } = rowMajor(numbers, 'diagnose', quantity);
    if (list.length !== ours[quantity].length || !fits(shape, this.shapeOf(quantity))) return Infinity;
    return ours[quantity].reduce((most, right, k) => {
      const difference = this.isPadded(quantity, k) ? 0 : Math.abs(list[k] - right);
      const part = difference === 0 ? 0 : difference / limits[quantity][k];
      return part <= most ? most : Number.isNaN(part) ? Infinity : part;
    }, 0);
  }

  /** The first place where outputs, or else gradients, differ from ours, in words. */
  firstParting(
    values: Readonly<Record<string, Numbers>>,
    gradients: Readonly<Record<string, Numbers>>,
    precision: Precision,
  ): string {
    const limits = this.tolerances(precision);
    for (const [given, ours] of [
      [values, this.outputs],
      [gradients, this.ours],
    ] as const) {
      const wrong = this.inOrder(this.unlike(this.read(given), limits, ours));
      if (wrong.length > 0) return differenceWords(this.difference(wrong[0], limits, ours));
    }
    return '';
  }

  /** Whether a number is padding and is ignored. */
  protected isPadded(_quantity: string, _k: number): boolean {
    return false;
  }

  /** The value that replaces it. */
  protected paddingOf(_quantity: string, _k: number): number {
    return 0;
  }

  /** The given numbers, with padding of the outputs replaced. */
  protected read(given: Readonly<Record<string, Numbers>>): GivenQuantity[] {
    return Object.entries(given).map(([quantity, numbers]) => {
      const { numbers: list, shape } = rowMajor(numbers, 'diagnose', quantity);
      return {
        ...{ quantity, shape },
        values: Array.from(list, (v, k) => (this.isPadded(quantity, k) ? this.paddingOf(quantity, k) : v)),
      };
    });
  }

  /** The quantities that differ from ours. */
  protected unlike(given: readonly GivenQuantity[], limits: Named, ours = this.ours): GivenQuantity[] {
    return given.filter(
      ({ quantity, values, shape }) =>
        !fits(shape, this.shapeOf(quantity)) ||
        values.length !== ours[quantity].length ||
        !values.every((v, k) => Math.abs(v - ours[quantity][k]) <= limits[quantity][k]),
    );
  }

  private explain(
    given: readonly GivenQuantity[],
    wrong: readonly GivenQuantity[],
    limits: Named,
  ): Explanation[] {
    const widest = once((name: string): number => largest(limits[name]));
    const agrees = ({ quantity, values }: GivenQuantity, gradients: Named): boolean => {
      const scale = this.largest(gradients[quantity]) / (this.largest(this.ours[quantity]) || 1);
      return near(values, gradients[quantity], 2 * widest(quantity) * Math.max(1, scale));
    };
    const subjectOf = (names: string[]): string =>
      names.length === given.length && names.length > 1
        ? 'your gradients equal'
        : `your ${listed(names)} ${names.length > 1 ? 'equal' : 'equals'}`;
    const names = wrong.map(({ quantity }) => quantity);

    const all = this.known;
    const matching = (rare: boolean): Candidate[] =>
      all.filter((candidate) => {
        if ((candidate.rare ?? false) !== rare) return false;
        const gradients = this.gradientsOf(candidate);
        return gradients !== undefined && given.every((one) => agrees(one, gradients));
      });
    const tell = ({ words, kind, line, mutant }: Candidate): Explanation => ({
      words: `${subjectOf(names)} ours ${words}${placeOf(line)}`,
      ...{ kind, ...(line && { line }), ...(mutant !== undefined && { mutant }) },
    });
    const found = matching(false).map(tell);
    const alone = this.alone(wrong, this.ours, widest);
    if (alone) found.push(...alone);
    if (found.length === 0) found.push(...matching(true).map(tell));
    if (found.length > 0) return found;

    // a mistake that many gradients show, and another in those that it does not explain
    return all.flatMap(({ words, kind, line, ...rest }, index) => {
      const gradients = this.gradientsOf(all[index]);
      if (!gradients) return [];
      const left = given.filter((one) => !agrees(one, gradients));
      const explained = names.filter((name) => !left.some(({ quantity }) => quantity === name));
      if (explained.length === 0 || left.length > 2) return [];
      const others = this.alone(left, gradients, widest);
      return (others ?? []).map((other): Explanation => ({
        words: `your ${listed(explained)} ${explained.length > 1 ? 'equal' : 'equals'} ours ${words}${placeOf(line)}; with that mistake in them, ${other.words}`,
        ...{ kind, ...(line && { line }), ...rest },
      }));
    });
  }

  /** Explains each of several gradients separately; undefined if one has no explanation. */
  private alone(
    wrong: readonly GivenQuantity[],
    reference: Named,
    widest: (name: string) => number,
  ): Explanation[] | undefined {
    const each = wrong.map(({ quantity, values, shape }) => ({
      quantity,
      found: readings(
        { quantity, given: values, shape, ours: reference[quantity], tolerance: 2 * widest(quantity) },
        this.place(quantity),
        reference,
      ),
    }));
    if (each.some(({ found }) => found.length === 0)) return undefined;
    const common = each[0].found.filter(({ words }) =>
      each.every(({ found }) => found.some((one) => one.words === words)),
    );
    const names = each.map(({ quantity }) => quantity);
    const sentence = (of: string[], words: string): string =>
      `your ${listed(of)} ${of.length > 1 ? words : singular(words)}`;
    if (common.length > 0)
      return common.map(({ words }) => ({ words: sentence(names, words), kind: 'gradient' }));
    // each has its own
    const groups = new Map<string, string[]>();
    for (const { quantity, found } of each) {
      const words = found.map((one) => one.words).join(', or ');
      groups.set(words, [...(groups.get(words) ?? []), quantity]);
    }
    const words = Array.from(groups, ([text, of]) => sentence(of, text)).join('; ');
    return [{ words, kind: 'gradient' }];
  }

  private gradientsOf(candidate: Candidate): Named | undefined {
    if (!this.computed.has(candidate)) this.computed.set(candidate, candidate.gradients());
    return this.computed.get(candidate);
  }

  /** Gradients in the order in which the backward pass reaches them: each step's dx, the weights, the initial states. */
  protected inOrder(wrong: readonly GivenQuantity[]): GivenQuantity[] {
    const rank = ({ quantity }: GivenQuantity): number => {
      if (quantity === 'dx') return 0;
      const { cell, local } = this.place(quantity);
      const state = /^d(.+)0$/.exec(local)?.[1];
      return cell && state !== undefined && Object.hasOwn(cell.states, state) ? 2 : 1;
    };
    return [...wrong].sort((a, b) => rank(a) - rank(b));
  }

  protected difference(
    { quantity, values, shape }: GivenQuantity,
    limits: Named,
    ours = this.ours,
  ): GradientDifference {
    const own = this.shapeOf(quantity);
    const right = ours[quantity];
    if (values.length !== right.length || !fits(shape, own))
      return {
        quantity,
        where: `its shape, [${shape.join(', ')}] where [${own.join(', ')}] belongs`,
        given: NaN,
        ours: NaN,
      };
    const order = right.map((_, k) => k);
    const block = own.length === 3 ? own[1] * own[2] : right.length;
    // the backward pass begins at the last step
    if (ours === this.ours) order.sort((a, b) => Math.floor(b / block) - Math.floor(a / block) || a - b);
    const k = order.find((at) => !(Math.abs(values[at] - right[at]) <= limits[quantity][at])) ?? 0;
    return { quantity, where: this.placeIn(quantity, own, k), given: values[k], ours: right[k] };
  }

  private placeIn(quantity: string, shape: readonly number[], k: number): string {
    const width = shape[shape.length - 1];
    if (shape.length === 3)
      return `step ${Math.floor(k / (shape[1] * width))}, row ${Math.floor(k / width) % shape[1]}, entry ${k % width}`;
    const place = shape.length === 1 ? `[${k}]` : `[${Math.floor(k / width)}, ${k % width}]`;
    const { cell } = this.place(quantity);
    const gates = cell ? gatesOf(cell) : [];
    const gated = cell && gates.length > 1 && width === gates.length * cell.hidden;
    return gated ? `${place}, gate ${gates[Math.floor((k % width) / cell.hidden)]}` : place;
  }
}

/** A flat list fits any shape of its size. */
export const fits = (shape: readonly number[], own: readonly number[]): boolean =>
  shape.length === 1 || (shape.length === own.length && shape.every((n, k) => n === own[k]));

const largest = (values: readonly number[]): number =>
  values.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
