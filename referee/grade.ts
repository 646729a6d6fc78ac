/**
 * Grades students' gradients of a cell, given as equations or as numbers, against an assignment.
 *
 * A right submission in another form gets its points: equations are decided by the exact oracle, numbers by rounding error
 * bounds. Mistakes are reported as hints at three levels: which quantity, which kind of mistake, the correction.
 */
import type { Cell } from '../cells/cell';
import { cellFromText } from '../cells/text';
import { isRecord, must, mustBe, mustKnowKeys } from '../core/check';
import { safe } from '../core/safe';
import { checkProblem } from '../bptt/check/gradcheck';
import { problemOfCell } from '../bptt/check/problem';
import { randomQuestion, type MakeCell } from './cases';
import { Case } from './diagnose';
import type { Diagnosis, Explanation } from './diagnosis';
import { answerOf } from './protocol';
import { Subject, type Named, type Question } from './subject';

/** The assignment. */
export interface Assignment {
  /** The name of a built-in cell, or the text of a cell. */
  cell: string;
  /** Points for each gradient: `dWx`, `dx`, `dh0`. */
  points: Readonly<Record<string, number>>;
}

/** How much a hint reveals. */
export type HintLevel = 'quantity' | 'kind' | 'correction';

/** One gradient of a submission. */
export interface Mark {
  gradient: string;
  right: boolean;
  points: number;
  of: number;
}

/** The grade of a submission. */
export interface Grade {
  /** `unreadable`: it could not be judged; the reason is in `error`. */
  verdict: 'right' | 'partly right' | 'wrong' | 'unreadable';
  marks: Mark[];
  points: number;
  of: number;
  /** Hints, at the level that was asked for. */
  hint?: string;
  error?: string;
}

/** Sizes that distinguish mistakes. */
const sizes = { input: 4, hidden: 5 };
const plan = { T: 4, B: 3, D: sizes.input, H: sizes.hidden };

/** @throws RangeError and TypeError if the value is not an assignment. */
export function readAssignment(text: string): Assignment {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new TypeError(safe(`assignment: it must be JSON, got ${(error as Error).message}`), {
      cause: error,
    });
  }
  mustBe(isRecord(parsed), 'assignment', 'it must be an object', text.slice(0, 40));
  mustKnowKeys(parsed, ['cell', 'points'], 'assignment');
  const { cell, points } = parsed;
  mustBe(typeof cell === 'string' && cell !== '', 'assignment', 'cell must be a name or a file', cell);
  mustBe(isRecord(points), 'assignment', 'points must be an object: { "dWx": 2 }', points);
  must(Object.keys(points).length > 0, 'assignment', 'points must name at least one gradient', '{}');
  for (const [name, value] of Object.entries(points))
    must(
      typeof value === 'number' && Number.isFinite(value) && value >= 0,
      'assignment',
      `the points of ${name} must be a number >= 0`,
      value,
    );
  return { cell, points: points as Record<string, number> };
}

/** Judges submissions against one assignment. */
export class Grader {
  readonly question: Question;
  private readonly one: Case;

  /** @throws RangeError when the assignment asks for a gradient that the cell does not have. */
  constructor(
    private readonly assignment: Assignment,
    make: MakeCell,
  ) {
    this.question = randomQuestion(plan, make, 1);
    this.one = new Case(this.question);
    for (const name of Object.keys(assignment.points))
      must(
        name in this.one.ours,
        'assignment',
        `points must be among ${Object.keys(this.one.ours).join(', ')}`,
        name,
        `the gradients of ${this.question.cell.name}`,
      );
  }

  /** Judges the text of a submission: equations, or an answer of the referee's protocol in JSON. */
  grade(text: string, level: HintLevel = 'quantity'): Grade {
    try {
      return /^\s*\{/.test(text) ? this.gradeNumbers(text, level) : this.gradeEquations(text, level);
    } catch (error) {
      // an unreadable file must not stop the grading of the next one
      return this.unreadable((error as Error).message);
    }
  }

  /** A grade without points, and the reason. */
  unreadable(reason: string): Grade {
    const [first] = safe(reason).split('\n');
    const error = first.length > 200 ? `${first.slice(0, 199)}…` : first;
    return { ...this.marked(() => false), verdict: 'unreadable', error };
  }

  private gradeEquations(text: string, level: HintLevel): Grade {
    const theirs = cellFromText({ ...sizes, equations: text });
    mustFit(theirs, this.question.cell);
    const subject = new Subject(this.question, theirs);
    const outputs = this.one.judgeValues(subject.run(), 'float64');
    if (outputs.verdict !== 'right')
      return { ...this.marked(() => false), hint: hintOf('its outputs', outputs, level) };
    const gradients = subject.gradients();
    const exact = checkProblem(problemOfCell(theirs, { T: 4, B: 3 }), [], { oracles: ['exact'] });
    const decided = new Map(
      exact.rows.map(({ variable, verdict }) => [`d${variable.replace(/^l0\./, '')}`, verdict]),
    );
    return this.gradeGradients(gradients, level, (name) => {
      const verdict = decided.get(name);
      return verdict === undefined || verdict === 'undecided' ? undefined : verdict === 'right';
    });
  }

  private gradeNumbers(text: string, level: HintLevel): Grade {
    const { precision, gradients } = answerOf(text, 1, Object.keys(this.question.cell.states));
    const given = Object.fromEntries(Object.entries(gradients).filter(([name]) => name in this.one.ours));
    const limits = this.one.tolerances(precision);
    const right = (name: string): boolean =>
      name in given && this.one.partOf(name, given[name], this.one.ours, limits) <= 1;
    return this.withHint(right, () => this.one.judge(given, precision), level, Object.keys(given).length > 0);
  }

  /** Marks for gradients that were computed from equations. */
  private gradeGradients(
    gradients: Named,
    level: HintLevel,
    decided: (name: string) => boolean | undefined,
  ): Grade {
    const limits = this.one.tolerances('float64');
    const right = (name: string): boolean =>
      decided(name) ?? this.one.partOf(name, gradients[name], this.one.ours, limits) <= 1;
    return this.withHint(right, () => this.one.judge(gradients, 'float64'), level, true);
  }

  private withHint(
    right: (name: string) => boolean,
    diagnosis: () => Diagnosis,
    level: HintLevel,
    any: boolean,
  ): Grade {
    const grade = this.marked(right);
    const wrong = grade.marks.filter((mark) => !mark.right).map(({ gradient }) => gradient);
    if (wrong.length === 0) return grade;
    const which = `${wrong.join(', ')} ${wrong.length > 1 ? 'are' : 'is'} not right`;
    if (!any) return { ...grade, hint: `${which}: nothing was given` };
    // a diagnosis takes much longer than a verdict
    return { ...grade, hint: level === 'quantity' ? which : hintOf(which, diagnosis(), level) };
  }

  private marked(right: (name: string) => boolean): Grade {
    const marks = Object.entries(this.assignment.points).map(([gradient, of]): Mark => {
      const is = right(gradient);
      return { gradient, right: is, points: is ? of : 0, of };
    });
    const sum = (key: 'points' | 'of'): number => marks.reduce((total, mark) => total + mark[key], 0);
    const all = marks.filter((mark) => mark.right).length;
    const verdict = all === marks.length ? 'right' : all > 0 ? 'partly right' : 'wrong';
    return { verdict, marks, points: sum('points'), of: sum('of') };
  }
}

/** Parameters and states must be those of the assignment; otherwise the gradients are not comparable. */
function mustFit(theirs: Cell, ours: Cell): void {
  for (const name of Object.keys(ours.states))
    must(theirs.states[name] === ours.states[name], theirs.name, `there must be the state ${name}`, name);
  for (const [name, { shape }] of Object.entries(ours.parameters)) {
    const own = theirs.parameters[name] as Cell['parameters'][string] | undefined;
    must(own !== undefined, theirs.name, `there must be the parameter ${name} [${shape.join(', ')}]`, 'none');
    must(
      own.shape.join() === shape.join(),
      theirs.name,
      `${name} must be [${shape.join(', ')}]`,
      `[${own.shape.join(', ')}]`,
      `D = ${sizes.input}, H = ${sizes.hidden}`,
    );
  }
}

/** The hint in words: which quantity; where to look; the correction. */
function hintOf(which: string, { verdict, explanations, message }: Diagnosis, level: HintLevel): string {
  if (level === 'quantity') return which;
  if (level === 'correction') return `${which}; ${message}`;
  const best = explanations.find(({ kind }) => kind !== 'mutant') ?? explanations.at(0);
  if (verdict !== 'explained' || !best) return `${which}: no single mistake that is known here explains it`;
  return `${which}: look at ${lookAt(best)}`;
}

/** The kind of a mistake, without the mistake itself. */
function lookAt({ kind, line }: Explanation): string {
  if (kind === 'line' && line)
    return `what \`${line.text.split(' ')[0]}\` is made of: every path and every factor`;
  if (kind === 'steps') return 'how the steps are connected: the gradient from the step after';
  if (kind === 'gradient') return 'that gradient by itself: its sign, its order, and what is added up';
  return 'the terms and factors of the lines that it is made of';
}
