/**
 * Judges gradients: whether they equal ours and, if not, which known mistakes give the same numbers.
 *
 * Numbers are equal if rounding explains the difference: the bounds are computed (see `errorbound.ts`), not chosen.
 */
import { must } from '../core/check';
import { lazy, once } from '../core/once';
import type { Program } from '../core/programs/program';
import { isContiguous, rowMajor, type Numbers, type Tensors } from '../core/tensor';
import {
  apart,
  coarse,
  differenceWords,
  notFinite,
  listed,
  messageOf,
  singular,
  right,
  type CoarserFormat,
  type Diagnosis,
  type Explanation,
  type GradientDifference,
} from './diagnosis';
import type { Targets } from './backwardpass';
import { placeOf } from './edits';
import { mayBeIn, precisions, type Precision, type Rounding } from './errorbound';
import { gatesOf, isChosen, near, readings, type GradientOrigin } from './quantity';
import type { Named } from './subject';

/** A mistake that changes many gradients at once, with the gradients it gives; undefined if it does not apply. */
export interface Candidate extends Pick<Explanation, 'kind' | 'line' | 'mutant'> {
  /** Follows `your gradients equal ours`. */
  words: string;
  gradients: () => Named | undefined;
  /** Some of them, or parts of them, by running only what they depend on. */
  some?: (targets: Targets) => Named | undefined;
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
  /** Gradients of candidates, as far as they were needed. */
  private readonly computed = new Map<Candidate, Named | undefined>();
  private readonly largest = once(largest);
  private readonly float64 = lazy(() => this.bounds(precisions.float64));

  /** Bounds on the rounding errors in a number format. */
  protected abstract bounds(rounding: Rounding): Named;
  protected abstract shapeOf(quantity: string): number[];
  /** The right backward pass, and the tensors of the gradients by the names of the quantities, if there is one program. */
  protected get right(): { program: Program; gradients: Tensors } | undefined {
    return undefined;
  }
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
      const own = this.float64();
      const bounds = precision === 'float64' ? own : this.bounds(precisions[precision]);
      found = Object.fromEntries(
        Object.entries(bounds).map(([name, theirs]) => [name, theirs.map((e, k) => e + own[name][k])]),
      );
      this.limits.set(precision, found);
    }
    return found;
  }

  /** Quantities that a format is too coarse to judge: an error of half of them would pass. */
  hidden(names: readonly string[], precision: Precision, ours = this.ours): string[] {
    const limits = this.tolerances(precision);
    return names.filter((name) => ours[name].some((v) => v !== 0) && isWide(limits[name], ours[name]));
  }

  /** The coarser number format than the declared one that may explain why the numbers differ from ours. */
  protected coarser(
    given: readonly GivenQuantity[],
    wrong: readonly GivenQuantity[],
    precision: Precision,
    ours = this.ours,
  ): CoarserFormat | undefined {
    const share = Math.max(
      ...wrong.map(({ quantity, values }) => {
        const right = ours[quantity];
        return values.length === right.length
          ? lengthOf(values.map((v, k) => v - right[k])) / lengthOf(right)
          : NaN;
      }),
    );
    // whatever the bound: no format makes an error as large as this
    if (!(share <= GROSS)) return undefined;
    const names = Object.keys(precisions) as Precision[];
    // numbers of few digits also fit a finer format
    const coarsestFirst = names.slice(names.indexOf(precision) + 1).reverse();
    const format = coarsestFirst.find(
      (one) =>
        given.every(({ values }) => values.every((v) => mayBeIn(precisions[one], v))) &&
        this.unlike(given, this.tolerances(one), ours).length === 0,
    );
    if (!format) return undefined;
    const { length } = this.hidden(
      wrong.map(({ quantity }) => quantity),
      format,
      ours,
    );
    return { format, sure: length === 0, share };
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
    const flaw = notFinite('gradients', differences);
    if (flaw) return flaw;
    const explanations = this.explain(given, wrong, limits);
    if (explanations.length > 0)
      return { verdict: 'explained', explanations, differences, message: messageOf(explanations) };
    const format = this.coarser(given, wrong, precision);
    if (format) return coarse('gradients', format, differences);
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
    // a gradient that is exactly 0 has no rounding errors, but a mistake in it has those of the others
    const relative = Math.max(
      ...Object.entries(this.ours).map(([name, right]) => (widest(name) || 0) / (this.largest(right) || 1)),
    );
    const agrees: Agreement = (name, values, gradient, slack = 1) => {
      const scale = this.largest(gradient) / (this.largest(this.ours[name]) || 1);
      const bound = widest(name) * Math.max(1, scale) || relative * this.largest(gradient);
      // an overflow agrees with nothing
      return scale < Infinity && near(values, gradient, 2 * slack * bound);
    };
    const compared: Compared = { given, wrong, agrees };
    const subjectOf = (names: string[]): string =>
      names.length === given.length && names.length > 1
        ? 'your gradients equal'
        : `your ${listed(names)} ${names.length > 1 ? 'equal' : 'equals'}`;
    const names = wrong.map(({ quantity }) => quantity);

    const all = this.known;
    const matching = (rare: boolean): Candidate[] =>
      all.filter(
        (candidate) =>
          (candidate.rare ?? false) === rare &&
          this.differing(candidate, compared, 0) !== undefined &&
          this.isCloser(candidate, wrong, limits),
      );
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
    return all.flatMap((candidate) => {
      const { words, kind, line, mutant } = candidate;
      const left = this.differing(candidate, compared, 2);
      const found = wrong.filter((one) => !left?.includes(one));
      const explained = found.map(({ quantity }) => quantity);
      if (!left || !this.isCloser(candidate, found, limits)) return [];
      const others = this.alone(left, this.gradientsOf(candidate) ?? {}, widest);
      return (others ?? []).map((other): Explanation => ({
        words: `your ${listed(explained)} ${explained.length > 1 ? 'equal' : 'equals'} ours ${words}${placeOf(line)}; with that mistake in them, ${other.words}`,
        ...{ kind, ...(line && { line }), ...(mutant !== undefined && { mutant }) },
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
    if (common.length > 0) {
      const norm = lengthOf(wrong.flatMap(({ values }) => values));
      const clip = isChosen(norm) ? `: they are clipped to a norm of ${Number(norm.toPrecision(2))}` : '';
      // clipping makes them smaller
      const isSmaller = (words: string): boolean => {
        const factor = Number(/^are (\S+) times ours$/.exec(words)?.[1]);
        return factor > 0 && factor < 1;
      };
      return common.map(({ words }) => ({
        words: sentence(names, isSmaller(words) ? words + clip : words),
        kind: 'gradient',
      }));
    }
    // each has its own
    const groups = new Map<string, string[]>();
    for (const { quantity, found } of each) {
      const words = found.map((one) => one.words).join(', or ');
      groups.set(words, [...(groups.get(words) ?? []), quantity]);
    }
    const words = Array.from(groups, ([text, of]) => sentence(of, text)).join('; ');
    return [{ words, kind: 'gradient' }];
  }

  /** Whether a candidate fits a wrong quantity better than the right gradients do: otherwise it explains nothing. */
  private isCloser(candidate: Candidate, wrong: readonly GivenQuantity[], limits: Named): boolean {
    const gradients = this.gradientsOf(candidate) ?? {};
    return wrong.some(({ quantity, values }) => {
      const distance = (to: readonly number[]): number =>
        values.reduce((most, v, k) => {
          const difference = Math.abs(v - to[k]);
          return difference === 0 ? most : Math.max(most, difference / limits[quantity][k]);
        }, 0);
      return distance(gradients[quantity]) <= distance(this.ours[quantity]) / 2;
    });
  }

  /**
   * The quantities that a candidate does not reproduce; undefined if there are more than `most`. A few small gradients decide
   * most candidates, and the rest of the backward pass is not run.
   */
  private differing(
    candidate: Candidate,
    { given, wrong, agrees }: Compared,
    most: number,
  ): GivenQuantity[] | undefined {
    const differs = (gradients: Named) => (one: GivenQuantity) =>
      !agrees(one.quantity, one.values, gradients[one.quantity]);
    const first = candidate.some && this.firstPart();
    const dx = first && given.find(({ quantity }) => quantity === first.of);
    // it must be reproduced if all must be, or if it is the only wrong one
    if (first && dx && (most === 0 || (wrong.length === 1 && wrong[0] === dx))) {
      const found = this.some(candidate, { [FIRST]: first })?.[FIRST];
      const values = dx.values.slice(...first.block.map((row) => row * first.width));
      if (!found || !agrees(first.of, values, found, SLACK)) return undefined;
    }
    const few = [...given]
      .sort((a, b) => this.ours[a.quantity].length - this.ours[b.quantity].length)
      .slice(0, most + 1);
    const targets = few.map(({ quantity }) => [quantity, { of: quantity }]);
    const some = this.some(candidate, Object.fromEntries(targets) as Targets);
    if (!some || few.filter(differs(some)).length > most) return undefined;
    const all = this.gradientsOf(candidate);
    const left = all && given.filter(differs(all));
    return left && left.length <= most ? left : undefined;
  }

  /** The rows of dx that the backward pass writes first: they take one step, not all. */
  private readonly firstPart = lazy((): FirstPart | undefined => {
    const { program, gradients = {} } = this.right ?? {};
    const of = ['dx', 'x'].find((name) => name in gradients);
    if (of === undefined || !program || !isContiguous(gradients[of])) return undefined;
    const { data, offset } = gradients[of];
    const outputs = program.operations.flatMap((operation) =>
      operation.kind === 'pointwise' ? Object.values(operation.outputs) : [operation.out],
    );
    const width = gradients[of].shape[1];
    const part = outputs.find((t) => t.data === data && isContiguous(t) && t.shape[1] === width);
    if (!part) return undefined;
    const row = (part.offset - offset) / width;
    return { of, width, block: [row, row + part.shape[0]] };
  });

  /** Some gradients of a candidate. */
  private some(candidate: Candidate, targets: Targets): Named | undefined {
    if (!candidate.some) return this.gradientsOf(candidate);
    const known = this.computed.get(candidate);
    const isKnown = this.computed.has(candidate) && !known;
    if (isKnown || (known && Object.keys(targets).every((name) => name in known))) return known;
    const found = candidate.some(targets);
    this.computed.set(candidate, found && { ...known, ...found });
    return this.computed.get(candidate);
  }

  /** All gradients of a candidate. */
  private gradientsOf(candidate: Candidate): Named | undefined {
    const known = this.computed.get(candidate);
    const isKnown = this.computed.has(candidate) && !known;
    if (isKnown || (known && Object.keys(this.ours).every((name) => name in known))) return known;
    const found = candidate.gradients();
    this.computed.set(candidate, found && { ...known, ...found });
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

/** Whether a given quantity, or a part of it, is what a candidate gives, within the rounding errors times `slack`. */
type Agreement = (quantity: string, values: readonly number[], gradient: number[], slack?: number) => boolean;

/** The given quantities, those that differ from ours, and how they are compared. */
interface Compared {
  given: readonly GivenQuantity[];
  wrong: readonly GivenQuantity[];
  agrees: Agreement;
}

/** Some rows of a gradient. */
interface FirstPart {
  of: string;
  width: number;
  block: [from: number, to: number];
}

/** The name under which the first part of a gradient is kept. */
const FIRST = 'first';

/** A part is compared less strictly than the whole, whose largest number is not known yet. */
const SLACK = 1000;

/** A bound above this share of a quantity says nothing about it. */
const WIDE = 0.5;

/** A relative error above this is a mistake, not rounding. */
const GROSS = 0.1;

const lengthOf = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Whether error bounds are so wide that a large part of the numbers could be wrong. */
const isWide = (limits: readonly number[], numbers: readonly number[]): boolean =>
  !(lengthOf(limits) < WIDE * lengthOf(numbers));

/** A flat list fits any shape of its size. */
export const fits = (shape: readonly number[], own: readonly number[]): boolean =>
  shape.length === 1 || (shape.length === own.length && shape.every((n, k) => n === own[k]));

const largest = (values: readonly number[]): number =>
  values.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
