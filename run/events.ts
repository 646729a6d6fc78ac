/** Events that every training run reports, as text lines. */
import type { GradcheckReport } from '../bptt/check/gradcheck';
import type { GradcheckRow } from '../bptt/check/row';
import type { Reason } from '../bptt/check/judge';
import { count, short } from '../core/format';

export interface Saved {
  event: 'saved';
  step: number;
  files: string[];
  bytes: number;
  /** The file to which the model of an earlier run was copied before it was replaced; absent if there was none. */
  backup?: string;
}
export type Gradcheck = { event: 'gradcheck' } & GradcheckReport;
export type RunEvent = Saved | Gradcheck;

/** An event as text lines. */
export function linesOfRun(event: RunEvent): string[] {
  if (event.event === 'gradcheck') return gradcheckLines(event);
  const { files, bytes, backup } = event;
  return [
    row('saved', `${files.join(', ')} (${count(Math.ceil(bytes / 1024))} kB)`),
    ...(backup === undefined ? [] : [row('', `the earlier model is now ${backup}`)]),
  ];
}

function gradcheckLines({ rows, verdict }: GradcheckReport): string[] {
  const names: Record<GradcheckRow['oracle'], string> = {
    differences: 'central differences',
    forwardMode: 'forward mode',
    doubleSum: 'the double sum',
    newton: "Newton's method over the sequence",
    jacobian: 'the Jacobian of each step',
    statement: 'each equation on duals',
    exact: 'a prime field',
    exactDoubleSum: 'the double sum over it',
    exactJacobian: 'the Jacobians over it',
    exactTruncated: 'truncated runs over it',
  };
  const oracles = [...new Set(rows.map(({ oracle }) => oracle))];
  const compared = rows.reduce((sum, { checked }) => sum + checked, 0);
  const result = { right: 'right', wrong: 'WRONG', undecided: 'undecided, no mistake found' }[verdict];
  const about = (oracle: GradcheckRow['oracle']): string => {
    const all = rows.filter((one) => one.oracle === oracle);
    const decided = all.filter(({ checked }) => checked > 0);
    const worst = decided.reduce<GradcheckRow | undefined>(
      (most, one) => (most && most.error >= one.error ? most : one),
      undefined,
    );
    const error = worst
      ? `worst error ${worst.error.toExponential(1)} (d${worst.variable}), bound ${worst.bound.toExponential(0)}`
      : '';
    return `  ${names[oracle].padEnd(24)}${[error, undecidedIn(all)].filter(Boolean).join('; ')}`;
  };
  return [
    row('gradients', `${result}: ${count(compared)} derivatives of this network, in float64, compared with`),
    ...oracles.map(about),
    ...rows
      .filter((one) => one.verdict === 'wrong')
      .map(
        (one) =>
          `  WRONG d${one.variable} ${one.where}: ${names[one.oracle]} gives ${one.numeric}, the backward pass ${one.analytic}`,
      ),
  ];
}

/** How many derivatives an oracle could not decide, and why; empty if there are none. */
export function undecidedIn(rows: readonly GradcheckRow[]): string {
  const sum = (reason: Reason): number => rows.reduce((total, one) => total + one.undecided[reason], 0);
  const [kink, rounding, field] = [sum('kink'), sum('rounding'), sum('field')];
  const why = [
    kink > 0 ? `${count(kink)} at a kink` : '',
    rounding > 0 ? `${count(rounding)} hidden by rounding` : '',
    field > 0 ? `${count(field)} not decidable over a field` : '',
  ];
  const all = kink + rounding + field;
  return all === 0 ? '' : `${count(all)} undecided (${why.filter(Boolean).join(', ')})`;
}

/** What a validation says after it has lowered the learning rate. */
export const rateNow = ({ learningRate }: { learningRate?: number }): string =>
  learningRate === undefined ? '' : `; the learning rate is now ${short(learningRate)}`;

/** A line of two columns: a title and a text. */
export const row = (title: string, text: string): string => `${title.padEnd(12)}${text}`;
