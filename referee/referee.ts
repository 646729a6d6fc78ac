/**
 * The referee for other people's recurrent code: asks a program for outputs and gradients, judges the answers, shrinks a
 * failing question to a minimal one, and diagnoses the mistake.
 *
 * Questions are independent: no behavior of the program aborts the run.
 */
import {
  planText,
  plans,
  randomQuestion,
  smaller,
  type MakeCell,
  type NamedPlan,
  type QuestionPlan,
} from './cases';
import { Case, type Diagnosis } from './diagnose';
import { listed } from './diagnosis';
import type { Judge } from './judge';
import type { Precision } from './errorbound';
import { ForeignProgram, NoAnswer } from './program';
import { answerOf, BadAnswer, lineOf, type Answer, type AnswerNumbers } from './protocol';
import type { Named } from './subject';

/** The result of one question. */
export interface RefereeRow {
  name: string;
  /** Its sizes; absent for a file that cannot be read. */
  plan?: QuestionPlan;
  /** `wrong`: numbers differ from ours; `broken`: no valid answer; `skipped`: the program declined; `undecided`: its
   * number format is too coarse for this question. */
  verdict: 'ok' | 'wrong' | 'broken' | 'skipped' | 'undecided';
  precision?: Precision;
  /** The largest difference as a fraction of the rounding tolerance; undefined if nothing was given. */
  outputs?: number;
  gradients?: number;
  /** Which gradients were given. */
  judged: string[];
  /** The message, unless it is ok. */
  reason?: string;
}

/** The smallest question that still fails. */
export interface Smallest {
  plan: QuestionPlan;
  /** Its sizes, in words. */
  sizes: string;
  reason: string;
  /** The line to send, exactly. */
  line: string;
}

/** The referee's report. */
export interface RefereeReport {
  rows: RefereeRow[];
  /** The message of the most telling diagnosis, if a question failed. */
  diagnosis?: string;
  smallest?: Smallest;
  ok: boolean;
}

export interface RefereeOptions {
  /** Milliseconds for each answer. */
  milliseconds: number;
  seed: number;
  /** The questions to ask; default all. */
  plans?: readonly NamedPlan[];
  /** Called with each row as soon as it is known. */
  onRow?: (row: RefereeRow) => void;
}

/** Maximum number of questions while shrinking. */
const SHRINKING = 60;

/** Judges a program. @throws NotStarted when there is no such program. */
export async function referee(
  command: readonly string[],
  make: MakeCell,
  { milliseconds, seed, plans: asked = plans, onRow = () => undefined }: RefereeOptions,
): Promise<RefereeReport> {
  const session = new Session(new ForeignProgram(command, milliseconds), make, seed);
  try {
    const rows: RefereeRow[] = [];
    const failed: JudgedAnswer[] = [];
    for (const { name, ...plan } of asked) {
      const judged = await session.judge(plan);
      const row = { name, ...judged.row };
      rows.push(row);
      onRow(row);
      if (row.verdict === 'wrong') failed.push(judged);
    }
    const verdict = refereeVerdict(rows, failed);
    return failed.length === 0 ? verdict : { ...verdict, smallest: await session.shrink(failed[0].row) };
  } finally {
    session.close();
  }
}

/** The report on judged questions. @param failed those with wrong answers. */
export function refereeVerdict(rows: RefereeRow[], failed: readonly JudgedAnswer[]): RefereeReport {
  const failures = rows.some(({ verdict }) => verdict === 'wrong' || verdict === 'broken');
  const ok = !failures && rows.some(({ verdict }) => verdict === 'ok');
  if (failed.length === 0) return { rows, ok };
  return { rows, ok, diagnosis: mostTelling(failed.map(({ diagnosis }) => diagnosis())).message };
}

/** Prefers a diagnosis that is explained, then the one with most wrong gradients, then the one with fewest explanations. */
function mostTelling(all: readonly Diagnosis[]): Diagnosis {
  const rank = ({ verdict, differences, explanations }: Diagnosis): number[] => {
    const words = explanations.filter(({ kind }) => kind !== 'mutant').map((one) => one.words);
    return [verdict === 'explained' ? 0 : 1, -differences.length, new Set(words).size];
  };
  const later = (a: number[], b: number[]): number =>
    a.map((v, k) => v - b[k]).find((difference) => difference !== 0) ?? 0;
  return [...all].sort((a, b) => later(rank(a), rank(b)))[0];
}

type Found = Omit<RefereeRow, 'name' | 'plan'> & { plan: QuestionPlan };

/** A judged answer. */
export interface JudgedAnswer {
  row: Found;
  /** Computed on demand. */
  diagnosis: () => Diagnosis;
}

class Session {
  private next = 1;

  constructor(
    private readonly program: ForeignProgram,
    private readonly make: MakeCell,
    private readonly seed: number,
  ) {}

  close(): void {
    this.program.close();
  }

  async judge(plan: QuestionPlan): Promise<JudgedAnswer> {
    const id = this.next++;
    const question = randomQuestion(plan, this.make, this.seed);
    const states = Object.keys(question.cell.states);
    try {
      const answer = answerOf(await this.program.ask(lineOf(question, id)), id, states);
      return judged(plan, new Case(question), answer);
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof BadAnswer)) throw error;
      // a program that broke the protocol may be out of step: start it anew
      this.program.restart();
      return {
        row: { plan, verdict: 'broken', judged: [], reason: error.message },
        diagnosis: () => ({
          verdict: 'unexplained',
          explanations: [],
          differences: [],
          message: error.message,
        }),
      };
    }
  }

  /** Whether the cell can be of these sizes: some need more than one unit or input. */
  private fits({ D, H }: QuestionPlan): boolean {
    try {
      this.make({ input: D, hidden: H });
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  /** Finds a minimal question that is still answered wrongly, by reducing one size at a time. */
  async shrink(from: Found): Promise<Smallest> {
    let [row, asked] = [from, 0];
    for (let again = true; again;) {
      again = false;
      for (const candidate of smaller(row.plan).filter((plan) => this.fits(plan))) {
        if (asked++ >= SHRINKING) break;
        const found = await this.judge(candidate);
        if (found.row.verdict !== 'wrong') continue;
        row = found.row;
        again = true;
        break;
      }
    }
    const { plan, reason = '' } = row;
    return {
      plan,
      sizes: planText(plan),
      reason,
      line: lineOf(randomQuestion(plan, this.make, this.seed), 1),
    };
  }
}

/** Judges an answer to one question. */
export function judged(
  plan: QuestionPlan,
  one: Judge,
  { precision, values, gradients, skip }: Answer,
): JudgedAnswer {
  const empty: Diagnosis = { verdict: 'right', explanations: [], differences: [], message: '' };
  const none = Object.keys(values).length === 0 && Object.keys(gradients).length === 0;
  const names = Object.keys(gradients);
  if (skip !== undefined)
    return { row: { plan, verdict: 'skipped', judged: [], reason: skip }, diagnosis: () => empty };
  const unknown = names.find((name) => !(name in one.ours));
  if (none || unknown !== undefined) {
    const reason =
      unknown === undefined
        ? 'the answer must hold output or gradients'
        : `gradients must be among ${Object.keys(one.ours).join(', ')}, got ${unknown.slice(0, 40)}`;
    return { row: { plan, verdict: 'broken', judged: [], reason }, diagnosis: () => empty };
  }
  const limits = one.tolerances(precision);
  const hidden: string[] = [];
  const part = (given: AnswerNumbers, ours: Named): number | undefined => {
    const unseen = one.hidden(Object.keys(given), precision, ours);
    const parts = Object.entries(given).map(
      ([name, numbers]) => [name, one.partOf(name, numbers, ours, limits)] as const,
    );
    // even for such a part, an error beyond the bound counts as wrong
    const shown = parts.filter(([name, part]) => !(unseen.includes(name) && part <= 1));
    hidden.push(...parts.filter((one) => !shown.includes(one)).map(([name]) => name));
    return shown.length === 0 ? undefined : Math.max(...shown.map(([, part]) => part));
  };
  const [outputs, derived] = [part(values, one.outputs), part(gradients, one.ours)];
  const wrong = [outputs, derived].some((one) => one !== undefined && !(one <= 1));
  // gradients of other outputs are other gradients
  const diagnosis = (): Diagnosis =>
    one instanceof Case && outputs !== undefined && !(outputs <= 1)
      ? one.judgeValues(values, precision)
      : one.judge(gradients, precision);
  const undecided = outputs === undefined && derived === undefined;
  return {
    row: {
      ...{ plan, verdict: wrong ? 'wrong' : undecided ? 'undecided' : 'ok', precision },
      judged: names.filter((name) => !hidden.includes(name)),
      ...(hidden.length > 0 && { reason: `${precision} is too coarse to judge ${listed(hidden)} here` }),
      ...(outputs !== undefined && { outputs }),
      ...(derived !== undefined && { gradients: derived }),
      ...(wrong && { reason: one.firstParting(values, gradients, precision) }),
    },
    diagnosis,
  };
}
