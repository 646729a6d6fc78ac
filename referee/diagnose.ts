/**
 * Diagnoses wrong gradients of a cell: names the mistake that explains them.
 *
 * It tries every known small mistake: each is planted in the backward equations, run over the same steps on the same
 * numbers, and its gradients are compared with the given ones. So are mistakes in how the steps are combined, and those
 * that a single gradient shows (see `judge.ts`).
 */
import { must, mustBe, mustKnowKeys } from '../core/check';
import type { Numbers, Tensors } from '../core/tensor';
import { mutate } from '../bptt/check/mutants';
import { isCell, type Cell } from '../cells/cell';
import { lazy } from '../core/once';
import { gradientsBy } from './backwardpass';
import {
  apart,
  coarse,
  messageOf,
  notFinite,
  right,
  singular,
  type Diagnosis,
  type Explanation,
} from './diagnosis';
import { edited, edits, linesOf } from './edits';
import { precisions, type Precision, type Rounding } from './errorbound';
import { forwardReadings } from './forward';
import { Judge, type Candidate, type GivenQuantity } from './judge';
import { batchFirst, type GradientOrigin } from './quantity';
import { contributionsOf, stepMistakes, type Contributions } from './steps';
import { Subject, type Named, type Question } from './subject';
import { Program } from '../core/programs/program';

export type { Diagnosis, Explanation, GradientDifference } from './diagnosis';

/** A question, and the gradients to diagnose. */
export interface DiagnoseOptions extends Question {
  /** All or some of `dx` [T, B, D], `dh0` [B, H], `dWx` …, nested or row-major. */
  gradients: Readonly<Record<string, Numbers>>;
  /** The number format they were computed in; default float64. */
  precision?: Precision;
}

/**
 * Finds out what is wrong with given gradients of a cell: a message, with the line of the equation.
 *
 * It runs the cell on the question's numbers; the cell's own gradients are assumed to be right (`gradcheck` checks them).
 * Gradients that are left out are not judged.
 * @throws TypeError and RangeError for values that are not numbers, or not of the shape that the cell fixes. A gradient of
 *   a wrong shape is not an error, but part of the diagnosis.
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
    Object.hasOwn(precisions, precision),
    'diagnose',
    `precision must be one of ${Object.keys(precisions).join(', ')}`,
    precision,
  );
  return new Case(question).judge(gradients, precision);
}

/** Judges answers to one question; everything that does not depend on the answer is computed once. */
export class Case extends Judge {
  readonly subject: Subject;
  override readonly outputs: Named;
  readonly ours: Named;
  private parts?: Contributions;

  constructor(readonly question: Question) {
    super();
    this.subject = new Subject(question);
    this.outputs = this.subject.run();
    this.ours = this.subject.gradients();
  }

  /** Judges outputs and last states; padding of the outputs is ignored. */
  judgeValues(values: Readonly<Record<string, Numbers>>, precision: Precision): Diagnosis {
    const limits = this.tolerances(precision);
    const given = this.read(values);
    const wrong = this.unlike(given, limits, this.outputs);
    if (wrong.length === 0)
      return right('outputs', this.hidden(Object.keys(values), precision, this.outputs), precision);
    const differences = wrong.map((one) => this.difference(one, limits, this.outputs));
    const flaw = notFinite('outputs', differences);
    if (flaw) return flaw;
    const turned = this.batchFirst(wrong, limits);
    if (turned.length > 0)
      return { verdict: 'explained', explanations: turned, differences, message: messageOf(turned) };
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
      return { verdict: 'explained', explanations, differences, message: messageOf(explanations) };
    }
    const format = this.coarser(given, wrong, precision, this.outputs);
    if (format) return coarse('outputs', format, differences);
    return {
      verdict: 'unexplained',
      explanations: [],
      differences,
      message: apart('your outputs', differences[0]),
    };
  }

  /** Outputs that hold the rows before the steps. */
  private batchFirst(wrong: readonly GivenQuantity[], limits: Named): Explanation[] {
    return wrong.flatMap(({ quantity, values, shape }) =>
      batchFirst(
        {
          ...{ quantity, shape, given: values, ours: this.outputs[quantity] },
          tolerance: Math.max(...limits[quantity]),
        },
        { shape: this.shapeOf(quantity) },
      ).map((words): Explanation => ({ words: `your ${quantity} ${singular(words)}`, kind: 'gradient' })),
    );
  }

  protected bounds(rounding: Rounding): Named {
    const found = this.subject.bounds(rounding);
    this.subject.run();
    return found;
  }

  protected shapeOf(quantity: string): number[] {
    return this.subject.shapeOf(quantity);
  }

  protected override get right(): { program: Program; gradients: Tensors } {
    return { program: this.subject.backward, gradients: this.subject.gradientTensors };
  }

  protected override isPadded(quantity: string, k: number): boolean {
    const { valid } = this.subject.unroll.options;
    return quantity === 'output' && valid?.get(Math.floor(k / this.subject.shapeOf('output')[2]), 0) === 0;
  }

  protected override paddingOf(quantity: string, k: number): number {
    return this.outputs[quantity][k];
  }

  protected place(quantity: string): GradientOrigin {
    const { T, B, cell, unroll } = this.subject;
    const contributions = (): Contributions => (this.parts ??= contributionsOf(this.subject));
    return { T, B, cell, unroll, local: quantity, shape: this.shapeOf(quantity), contributions };
  }

  /** Every known mistake. */
  candidates(): Candidate[] {
    const { subject, question } = this;
    const { cell } = question;
    const lines = linesOf(cell, 'backward');
    const passOf = (other: () => Cell | undefined) => () => {
      const broken = other();
      return broken && subject.passOf(broken);
    };
    const inText = cell.equations
      ? edits(cell.equations, 'backward').map(({ index, words, text, renamed }) => ({
          ...{ words, line: lines[index], kind: 'line' as const, rare: renamed },
          ...gradientsBy(passOf(lazy(() => edited(cell, { backward: text })))),
        }))
      : [];
    const steps = stepMistakes(subject.unroll).map(({ words, rare, record }) => ({
      ...{ words, rare, kind: 'steps' as const },
      ...gradientsBy(() => {
        const program = new Program();
        record(program);
        return subject.pass(program);
      }),
    }));
    const mutants = mutate(subject).mutants.map(({ what, backward }) => ({
      ...{ words: `with this mistake: ${what}`, kind: 'mutant' as const, mutant: what },
      ...gradientsBy(() => subject.pass(backward)),
    }));
    return [...inText, ...steps, ...mutants];
  }
}
