/**
 * What is wrong with somebody's gradients, in words.
 *
 * The table of planted mistakes, read backwards. Each small mistake in the backward equations is made, run over the
 * same steps on the same numbers, and its gradients compared with those that were given; so are mistakes in how the
 * steps are put together, and those that one gradient shows by itself. Equal is what rounding explains: the bounds are
 * carried through the program (see `errorbound.ts`), they are not chosen.
 */
import { must, mustBe, mustKnowKeys } from '../core/check';
import { rowMajor, type Numbers } from '../core/tensor';
import { mutate } from '../bptt/check/mutants';
import { isCell } from '../cells/cell';
import { once } from '../core/once';
import { forwardReadings } from './forward';
import { roundoff, type Precision } from './errorbound';
import { edited, edits, linesOf, placeOf, type EquationLine } from './edits';
import { gatesOf, near, readings } from './quantity';
import { contributionsOf, stepHypotheses, type Contributions, type Hypothesis } from './steps';
import { Subject, type Named, type Question } from './subject';

/** A question, and somebody's answer. */
export interface DiagnoseOptions extends Question {
  /** All or some of `dx` [T, B, D], `dh0` [B, H], `dWx` …, nested or row-major. */
  gradients: Readonly<Record<string, Numbers>>;
  /** What they were computed in; default float64. */
  precision?: Precision;
}

/** One mistake that gives the same gradients as those that were given. */
export interface Explanation {
  /** A sentence: `your dWh equals ours without the term dcNext in dc (line 3: …)`. */
  words: string;
  /** The line of the backward equations as it should be. */
  line?: EquationLine;
  /** From where: a line of the equations, how steps are put together, a gradient by itself, the table of mutants. */
  kind: 'line' | 'steps' | 'gradient' | 'mutant';
  /** Of a mutant, its name there. */
  mutant?: string;
}

/** Where a gradient and ours part. */
export interface GradientDifference {
  quantity: string;
  /** `step 4, row 0, entry 2`, `[1, 8], gate f`. */
  where: string;
  given: number;
  ours: number;
}

/** What was found. */
export interface Diagnosis {
  /** `rounding`: right, but for coarser rounding than was stated. */
  verdict: 'right' | 'rounding' | 'explained' | 'unexplained';
  /** All that explain the gradients equally well. */
  explanations: Explanation[];
  /** The first place of each gradient that is not ours, in the order in which the backward pass reaches them. */
  differences: GradientDifference[];
  /** The whole in words, for people. */
  message: string;
}

/**
 * Finds what is wrong with somebody's gradients of a cell, in words, and with the line of the equation.
 *
 * It runs the cell on the question's numbers; the cell's own gradients are taken to be right (`gradcheck` tells that).
 * Gradients that are left out are not judged.
 * @throws TypeError and RangeError for numbers that are none, or not of the shape that the cell fixes. A gradient of a
 *   wrong shape is no error, but part of what is told.
 * @example
 * const cell = cellFromText({ input: 1, hidden: 1, equations: `cell sum
 * shapes
 *   x [D]   states h [H]   parameters Wx [D, H]
 * forward
 *   h = hPrev + x @ Wx
 * backward
 *   dh = dhOut + dhNext
 *   dhPrev = dh
 *   dx = dh @ Wx.T
 *   dWx += x.T @ dh` });
 * const question = { cell, x: [[[1]], [[2]]], parameters: { Wx: [[5]] }, dOutput: [[[0]], [[1]]] };
 * diagnose({ ...question, gradients: { dWx: [[3]] } }).verdict; // 'right'
 * const { explanations } = diagnose({ ...question, gradients: { dWx: [[1]] } });
 * explanations.some(({ words }) => words.includes('`=` stands where `+=` belongs')); // true
 */
export function diagnose(options: DiagnoseOptions): Diagnosis {
  mustKnowKeys(
    options,
    ['cell', 'x', 'parameters', 'initial', 'lengths', 'dOutput', 'dFinal', 'gradients', 'precision'],
    'diagnose',
  );
  const { gradients, precision = 'float64', ...question } = options;
  mustBe(isCell(question.cell), 'diagnose', 'cell must be a cell', question.cell);
  must(
    precision in roundoff,
    'diagnose',
    `precision must be one of ${Object.keys(roundoff).join(', ')}`,
    precision,
  );
  return new Case(question).judge(gradients, precision);
}

interface Given {
  quantity: string;
  values: number[];
  shape: readonly number[];
}

/** A mistake that can be tried; the `rare` ones only where no other will do. */
type Candidate = Hypothesis & Pick<Explanation, 'kind' | 'line' | 'mutant'> & { rare?: boolean };

/** Everything of a question that does not depend on the answer is computed once. */
export class Case {
  readonly subject: Subject;
  readonly outputs: Named;
  readonly ours: Named;
  private candidates?: Candidate[];
  private parts?: Contributions;
  private readonly limits = new Map<number, Named>();
  private readonly computed = new Map<Hypothesis, Named | undefined>();
  private readonly largest = once(largest);

  constructor(readonly question: Question) {
    this.subject = new Subject(question);
    this.outputs = this.subject.run();
    this.ours = this.subject.gradients();
  }

  /** How far two honest computations may lie apart, number by number: both are off by a bound at most. */
  tolerances(precision: Precision): Named {
    const unit = roundoff[precision];
    let found = this.limits.get(unit);
    if (!found) {
      found = Object.fromEntries(
        Object.entries(this.subject.bounds(unit)).map(([name, bounds]) => [name, bounds.map((e) => 2 * e)]),
      );
      this.limits.set(unit, found);
      this.subject.run();
    }
    return found;
  }

  /** Judges outputs and last states; what stands in the padding of the outputs counts for nothing. */
  judgeValues(values: Readonly<Record<string, Numbers>>, precision: Precision): Diagnosis {
    const limits = this.tolerances(precision);
    const given = this.read(values);
    const wrong = this.unlike(given, limits, this.outputs);
    if (wrong.length === 0)
      return { verdict: 'right', explanations: [], differences: [], message: 'your outputs are right' };
    const differences = wrong.map((one) => this.difference(one, limits, this.outputs));
    const whole = given.every(({ quantity, values }) => values.length === this.outputs[quantity].length);
    const readings = whole
      ? forwardReadings(
          this.question,
          Object.fromEntries(given.map(({ quantity, values }) => [quantity, values])),
          (name) => Math.max(...limits[name]),
          (name, k) => !this.isPadded(name, k),
        )
      : [];
    if (readings.length > 0) {
      const explanations = readings.map((words): Explanation => ({ words, kind: 'line' }));
      return { verdict: 'explained', explanations, differences, message: told(explanations) };
    }
    if (precision === 'float64' && this.unlike(given, this.tolerances('float32'), this.outputs).length === 0)
      return { verdict: 'rounding', explanations: [], differences, message: coarse('outputs') };
    return {
      verdict: 'unexplained',
      explanations: [],
      differences,
      message: apart('your outputs', differences[0]),
    };
  }

  judge(gradients: DiagnoseOptions['gradients'], precision: Precision): Diagnosis {
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
      return { verdict: 'right', explanations: [], differences: [], message: 'your gradients are right' };
    const differences = this.inOrder(wrong).map((one) => this.difference(one, limits));
    const flaw = wrong.find(({ values }) => !values.every(Number.isFinite));
    const explanations = flaw ? [] : this.explain(given, wrong, limits);
    if (explanations.length > 0)
      return { verdict: 'explained', explanations, differences, message: told(explanations) };
    if (precision === 'float64' && this.unlike(given, this.tolerances('float32')).length === 0)
      return { verdict: 'rounding', explanations: [], differences, message: coarse('gradients') };
    return {
      verdict: 'unexplained',
      explanations: [],
      differences,
      message: apart('your gradients', differences[0]),
    };
  }

  /** The largest difference of some numbers from ours, as a part of what rounding explains; infinite for another shape. */
  partOf(quantity: string, numbers: Numbers, ours: Named, limits: Named): number {
    const { numbers: list, shape } = rowMajor(numbers, 'diagnose', quantity);
    if (list.length !== ours[quantity].length || !fits(shape, this.subject.shapeOf(quantity)))
      return Infinity;
    return ours[quantity].reduce((most, right, k) => {
      const difference = this.isPadded(quantity, k) ? 0 : Math.abs(list[k] - right);
      const part = difference === 0 ? 0 : difference / limits[quantity][k];
      return part <= most ? most : Number.isNaN(part) ? Infinity : part;
    }, 0);
  }

  /** Where outputs, or else gradients, differ from ours first, in words. */
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

  private isPadded(quantity: string, k: number): boolean {
    const { valid } = this.subject.unroll.options;
    return quantity === 'output' && valid?.get(Math.floor(k / this.subject.shapeOf('output')[2]), 0) === 0;
  }

  /** Numbers as they were given; what stands in the padding of the outputs counts for nothing. */
  private read(given: Readonly<Record<string, Numbers>>): Given[] {
    return Object.entries(given).map(([quantity, numbers]) => {
      const { numbers: list, shape } = rowMajor(numbers, 'diagnose', quantity);
      return {
        ...{ quantity, shape },
        values: Array.from(list, (v, k) => (this.isPadded(quantity, k) ? this.outputs[quantity][k] : v)),
      };
    });
  }

  /** Those that are not ours. */
  private unlike(given: readonly Given[], limits: Named, ours = this.ours): Given[] {
    return given.filter(
      ({ quantity, values, shape }) =>
        !fits(shape, this.subject.shapeOf(quantity)) ||
        values.length !== ours[quantity].length ||
        !values.every((v, k) => Math.abs(v - ours[quantity][k]) <= limits[quantity][k]),
    );
  }

  private explain(given: readonly Given[], wrong: readonly Given[], limits: Named): Explanation[] {
    const widest = once((name: string): number => largest(limits[name]));
    const agrees = ({ quantity, values }: Given, gradients: Named): boolean => {
      const scale = this.largest(gradients[quantity]) / (this.largest(this.ours[quantity]) || 1);
      return near(values, gradients[quantity], 2 * widest(quantity) * Math.max(1, scale));
    };
    const said = (names: string[]): string =>
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
      words: `${said(names)} ours ${words}${placeOf(line)}`,
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

  /** What each of some gradients can be read as by itself; undefined where one cannot. */
  private alone(
    wrong: readonly Given[],
    reference: Named,
    widest: (name: string) => number,
  ): Explanation[] | undefined {
    const each = wrong.map(({ quantity, values, shape }) => ({
      quantity,
      found: readings(
        { quantity, given: values, shape, ours: reference[quantity], tolerance: 2 * widest(quantity) },
        this.subject,
        reference,
        () => (this.parts ??= contributionsOf(this.subject)),
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

  private gradientsOf(candidate: Hypothesis): Named | undefined {
    if (!this.computed.has(candidate)) this.computed.set(candidate, candidate.gradients());
    return this.computed.get(candidate);
  }

  /** Every mistake that is known here. */
  get known(): Candidate[] {
    if (this.candidates) return this.candidates;
    const { subject, question } = this;
    const { cell } = question;
    const lines = linesOf(cell, 'backward');
    const inText = cell.equations
      ? edits(cell.equations, 'backward').map(({ index, words, text, renamed }) => ({
          ...{ words, line: lines[index], kind: 'line' as const, rare: renamed },
          gradients: () => {
            const other = edited(cell, { backward: text });
            return other && subject.gradientsOf(other);
          },
        }))
      : [];
    const steps = stepHypotheses(subject).map((one) => ({ ...one, kind: 'steps' as const }));
    const mutants = mutate(subject).mutants.map(({ what, backward }) => ({
      ...{ words: `with this mistake: ${what}`, kind: 'mutant' as const, mutant: what },
      gradients: () => subject.gradients(backward),
    }));
    return (this.candidates = [...inText, ...steps, ...mutants]);
  }

  /** Gradients in the order in which the backward pass reaches them: each step's dx, the weights, the initial states. */
  private inOrder(wrong: readonly Given[]): Given[] {
    const rank = ({ quantity }: Given): number =>
      quantity === 'dx' ? 0 : Object.hasOwn(this.subject.cell.parameters, quantity.slice(1)) ? 1 : 2;
    return [...wrong].sort((a, b) => rank(a) - rank(b));
  }

  private difference(
    { quantity, values, shape }: Given,
    limits: Named,
    ours = this.ours,
  ): GradientDifference {
    const { subject } = this;
    const own = subject.shapeOf(quantity);
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
    return { quantity, where: this.placeIn(own, k), given: values[k], ours: right[k] };
  }

  private placeIn(shape: readonly number[], k: number): string {
    const width = shape[shape.length - 1];
    if (shape.length === 3)
      return `step ${Math.floor(k / (shape[1] * width))}, row ${Math.floor(k / width) % shape[1]}, entry ${k % width}`;
    const place = shape.length === 1 ? `[${k}]` : `[${Math.floor(k / width)}, ${k % width}]`;
    const { cell } = this.subject;
    const gates = gatesOf(cell);
    const gated = gates.length > 1 && width === gates.length * cell.hidden;
    return gated ? `${place}, gate ${gates[Math.floor((k % width) / cell.hidden)]}` : place;
  }
}

/** A flat list fits any shape of its size. */
const fits = (shape: readonly number[], own: readonly number[]): boolean =>
  shape.length === 1 || (shape.length === own.length && shape.every((n, k) => n === own[k]));

const largest = (values: readonly number[]): number =>
  values.reduce((top, v) => Math.max(top, Math.abs(v)), 0);

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;

const singular = (words: string): string =>
  words
    .replace(/^are /, 'is ')
    .replace(/^hold /, 'holds ')
    .replace(/\bthey are\b/, 'it is')
    .replace(/\bthey must\b/, 'it must')
    .replace(/\bto them\b/, 'to it')
    .replace(/\btheir\b/, 'its');

const coarse = (what: string): string =>
  `your ${what} equal ours up to the rounding of float32: say that they are float32, or compute them in float64`;

const differenceWords = ({ quantity, where, given, ours }: GradientDifference): string =>
  `${quantity} at ${where}${Number.isNaN(ours) ? '' : `: ${given} where ${ours} belongs`}`;

const apart = (yours: string, difference: GradientDifference): string =>
  `no mistake that is known here gives ${yours}; they differ from ours first in ${differenceWords(difference)}`;

/** How many explanations are told at once. */
const TOLD = 4;

/** All explanations in words; what a line or a step explains need not be told again as a mutant. */
function told(explanations: readonly Explanation[]): string {
  const better = explanations.filter(({ kind }) => kind !== 'mutant');
  const words = [...new Set((better.length > 0 ? better : explanations).map((one) => one.words))];
  const shown = words.slice(0, TOLD);
  const more = words.length - shown.length;
  const first =
    shown.length === 1
      ? shown[0]
      : `one of these, which give the same numbers here:\n${shown.map((one) => `  - ${one}`).join('\n')}`;
  return more > 0 ? `${first}\n  - and ${more} more` : first;
}
