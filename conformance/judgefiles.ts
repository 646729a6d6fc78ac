/** Judges the answers of cases from files, as the referee judges those of a program. */
import { planText, type QuestionPlan } from '../referee/cases';
import { Case } from '../referee/diagnose';
import type { Rounding } from '../referee/errorbound';
import { Judge, type Candidate } from '../referee/judge';
import { lineOf } from '../referee/protocol';
import type { GradientOrigin } from '../referee/quantity';
import {
  judged,
  refereeVerdict,
  type JudgedAnswer,
  type RefereeRow,
  type RefereeReport,
} from '../referee/referee';
import type { Named } from '../referee/subject';
import type { FileCase, ReadCase } from './filecase';
import { questionBy, turned, type LayerInputs } from './layer';

/** A judged answer, and its question. */
interface JudgedCase extends JudgedAnswer {
  name: string;
  line: string;
}

/** Judges all cases. @param onRow is called with each row as soon as it is known. */
export function judgeFiles(
  cases: Iterable<ReadCase>,
  onRow: (row: RefereeRow) => void = () => undefined,
): RefereeReport {
  const rows: RefereeRow[] = [];
  const failed: JudgedCase[] = [];
  const add = (row: RefereeRow): void => {
    rows.push(row);
    onRow(row);
  };
  for (const one of cases) {
    if ('reason' in one) add({ ...one, judged: [] });
    else
      for (const found of judgeCase(one)) {
        add({ name: found.name, ...found.row });
        if (found.row.verdict === 'wrong') failed.push(found);
      }
  }
  const verdict = refereeVerdict(rows, failed);
  if (failed.length === 0) return verdict;
  const size = ({ row: { plan } }: JudgedAnswer): number => plan.T * plan.B * plan.D * plan.H;
  const [{ row, line }] = [...failed].sort((a, b) => size(a) - size(b));
  const { plan, reason = '' } = row;
  return { ...verdict, smallest: { plan, sizes: planText(plan), reason, line } };
}

/** A row for each direction, and one for the sum that two directions give to dx. */
export function* judgeCase({ name, cell, layer, precision, answers, dx }: FileCase): Generator<JudgedCase> {
  const { T, B, D, H, lengths, directions } = layer;
  const plan: QuestionPlan = { T, B, D, H, ...(lengths && { lengths: [...lengths] }) };
  const cases = directions.map((direction) => new Case(questionBy(cell, layer, direction)));
  const lines = cases.map(({ question }) => lineOf(question, 1));
  for (const [k, own] of cases.entries()) {
    const side = directions[k].reverse ? 'reverse' : 'forward';
    yield {
      ...{ name: cases.length > 1 ? `${name}, ${side}` : name, line: lines[k] },
      ...judged(plan, own, { precision, ...answers[k] }),
    };
  }
  if (!dx) return;
  const both = new BothDirections(cases, layer);
  const answer = { precision, values: {}, gradients: { dx } };
  yield { name: `${name}, both directions`, line: lines[0], ...judged(plan, both, answer) };
}

/** Judges the gradient of the input of two directions: the sum of what each sends to it. */
class BothDirections extends Judge {
  readonly ours: Named;

  constructor(
    private readonly cases: readonly Case[],
    private readonly layer: LayerInputs,
  ) {
    super();
    this.ours = { dx: this.sum(cases.map(({ ours }) => ours.dx)) };
  }

  protected bounds(rounding: Rounding): Named {
    const each = this.cases.map(({ subject }) => {
      const { dx } = subject.bounds(rounding);
      subject.run();
      return dx;
    });
    // the sum rounds once more
    return { dx: this.sum(each).map((e, j) => e + rounding.unit * Math.abs(this.ours.dx[j])) };
  }

  protected shapeOf(): number[] {
    const { T, B, D } = this.layer;
    return [T, B, D];
  }

  protected place(): GradientOrigin {
    const { T, B } = this.layer;
    return { T, B, shape: this.shapeOf(), local: 'dx', unroll: this.cases[0].subject.unroll };
  }

  protected candidates(): Candidate[] {
    const parts = this.cases.map(({ ours }) => ours.dx);
    const names = this.layer.directions.map(({ reverse }) => (reverse ? 'reverse' : 'forward'));
    const lost = names.map((side, k): Candidate => ({
      ...{ words: `without what the ${side} direction sends to it`, kind: 'steps' },
      gradients: () => ({ dx: this.sum(parts.map((one, at) => (at === k ? one.map(() => 0) : one))) }),
    }));
    const unturned: Candidate = {
      ...{ words: 'with the steps of the reverse direction in its own order', kind: 'steps' },
      gradients: () => ({ dx: parts[0].map((v, j) => v + parts[1][j]) }),
    };
    return [...lost, unturned];
  }

  /** Adds numbers of each direction, in order of time. */
  private sum(parts: readonly (readonly number[])[]): number[] {
    const { directions } = this.layer;
    const inTime = parts.map((one, k) => (directions[k].reverse ? turned(one, this.layer) : one));
    return inTime[0].map((v, j) => v + inTime[1][j]);
  }
}
