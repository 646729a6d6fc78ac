/** `backstep check`: the gradient-check table of every cell and variant, and the mutation score. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { executorOf } from '../core/programs/executor';
import { errorBounds } from '../bptt/check/bounds';
import { trainingSettings } from '../bptt/train/settings';
import { checkProblem, exactOracles, type GradcheckReport } from '../bptt/check/gradcheck';
import { mutationScore, type MutationReport } from '../bptt/check/mutants';
import type { ExactOracle, GradcheckRow, Oracle } from '../bptt/check/row';
import { caseGroups, suite, type Case } from '../bptt/check/suite/suite';
import { casesOfMistake, diagnosisOf, readMistake, type Mistake } from '../referee/mistakes';
import { repairs, type Repair } from '../referee/repair';
import { oneOf } from '../terminal/arguments';
import { settingOption } from '../terminal/options';
import { undecidedIn } from '../run/events';
import { isCellFile, readCellFile } from '../run/cellchoice';
import { jsonLine, line, table } from '../terminal/output';

/** The columns; `exact` sums up all exact oracles. */
const oracles: [Oracle, string][] = [
  ['differences', 'differences'],
  ['forwardMode', 'forward mode'],
  ['doubleSum', 'double sum'],
  ['newton', 'Newton'],
  ['jacobian', 'Jacobians'],
  ['statement', 'statements'],
  ['exact', 'exact'],
];

interface CheckOptions {
  mutants?: boolean;
  seed: number;
  json?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('check')
    .description('check every gradient of every cell against independent oracles')
    .argument(
      '[cells...]',
      `${caseGroups().join(', ')}, or a file with the equations of your own cell; default: all but files`,
    )
    .option('--mutants', 'also plant mistakes in every backward equation and count those that are caught')
    .addOption(
      settingOption(
        'check',
        'seed',
        { ...trainingSettings.seed, help: 'seed of the random weights and inputs' },
        { fills: true },
      ),
    )
    .option('--json', 'one JSON object per case')
    .addHelpText(
      'after',
      '\nExamples:\n  backstep check\n  backstep check lstm gru --mutants\n  backstep check examples/cells/mgu.txt\n  backstep check examples/mistakes/*.txt\n',
    )
    .action((groups: string[], options: CheckOptions) => {
      process.exitCode = check(groups, options) ? 0 : 1;
    });
}

interface CheckedCase {
  name: string;
  report: GradcheckReport;
  mutants?: MutationReport;
  /** For a user's own cell that is wrong: one-line changes that would make it right. */
  repairs?: Repair[];
  /** For a file that names the right cell: a diagnosis from the numbers alone. */
  diagnosis?: string;
}

function check(groups: string[], { mutants = false, seed, json = false }: CheckOptions): boolean {
  const all = suite();
  const [files, names] = [groups.filter(isCellFile), groups.filter((word) => !isCellFile(word))];
  names.forEach(oneOf('check: the cell', caseGroups()));
  const texts = new Map<Case, Mistake>();
  const own = files.flatMap((file) => {
    const mistake = readMistake(readCellFile(file, 'check: the cell', readMistake));
    const cases = casesOfMistake(mistake);
    texts.set(cases[0], mistake);
    return cases;
  });
  const chosen = [...all.filter(({ group }) => groups.length === 0 || names.includes(group)), ...own];

  const outcomes = chosen.map((one) => {
    const outcome: CheckedCase = run(one, mutants, seed);
    const mistake = texts.get(one);
    if (mistake && outcome.report.verdict === 'wrong') Object.assign(outcome, whatIsWrong(mistake));
    if (json) jsonLine(outcome);
    return outcome;
  });
  const ok = outcomes.every(passed);
  if (!json) show(outcomes, mutants);
  return ok;
}

/**
 * Explains what is wrong with a user's own cell: by comparing it with the right cell if known, else by trying
 * repairs.
 */
function whatIsWrong(mistake: Mistake): Pick<CheckedCase, 'repairs' | 'diagnosis'> {
  const diagnosis = diagnosisOf(mistake)?.message;
  return diagnosis === undefined ? { repairs: repairs(mistake.equations) } : { diagnosis };
}

function run({ name, cells, problem }: Case, mutants: boolean, seed: number): CheckedCase {
  const report = checkProblem(problem(seed), cells, { seed });
  // a mutant can only be judged by oracles that the original gradients pass
  return { name, report, ...(mutants && report.ok && { mutants: mutationScore(problem(seed)) }) };
}

const passed = ({ report, mutants }: CheckedCase): boolean =>
  report.ok && (mutants === undefined || mutants.killed === mutants.total);

function show(outcomes: CheckedCase[], mutants: boolean): void {
  const head = [
    'worst relative error',
    ...oracles.map(([, title]) => title),
    ...(mutants ? ['mutants killed'] : []),
    '',
  ];
  const body = outcomes.map((outcome) => {
    const { name, report, mutants: score } = outcome;
    const cells = oracles.map(([oracle]) =>
      worstOf(
        report.rows.filter((row) => (oracle === 'exact' ? isExact(row) : row.oracle === oracle)),
        oracle,
      ),
    );
    const killed = mutants ? [score ? `${score.killed}/${score.total}` : '–'] : [];
    return [name, ...cells, ...killed, statusOf(outcome)];
  });
  table(head, [
    ...body,
    ['bound', ...oracles.map(([oracle]) => boundOf(oracle)), ...(mutants ? [''] : []), ''],
  ]);

  for (const { name, report, mutants: score } of outcomes) {
    for (const row of report.rows.filter(({ verdict }) => verdict === 'wrong'))
      line(`${name}: ${describe(row)}`, pc.red);
    for (const survivor of score?.survivors ?? []) line(`${name}: not caught: ${survivor}`, pc.red);
  }
  for (const { name, repairs: found, diagnosis } of outcomes) {
    if (diagnosis !== undefined) line(`${name}: ${diagnosis}`, pc.yellow);
    for (const {
      line: { number, text },
      words,
    } of found ?? [])
      line(`${name}: line ${number}: \`${text}\` would be right ${words}`, pc.yellow);
    if (found?.length === 0)
      line(`${name}: no change of one line that is known here makes it right`, pc.yellow);
  }
  const rows = outcomes.flatMap(({ report }) => report.rows);
  const compared = rows.reduce((sum, { checked }) => sum + checked, 0);
  const undecided = undecidedIn(rows);
  line(
    `${outcomes.filter(passed).length} of ${outcomes.length} cases ok on the ${executorOf().name} executor; ${compared} derivatives compared${undecided && `, ${undecided}`}`,
  );
  provedLines(outcomes).forEach((words) => line(words));
  if (mutants) line(scoreLine(outcomes.flatMap(({ mutants: score }) => score ?? [])));
}

const isExact = ({ oracle }: GradcheckRow): boolean => exactOracles.some((one) => one === oracle);

/** What each exact oracle shows. */
const proofs: Record<ExactOracle, string> = {
  exact: 'the gradients, against forward mode',
  exactDoubleSum: 'the same, against the double sum',
  exactJacobian: 'the Jacobians, against forward mode of one step',
  exactTruncated: 'truncated runs: carried states against the whole sequence, gradients against each chunk',
};

/** What is proved, in how many cases, and how likely an error is. */
function provedLines(outcomes: CheckedCase[]): string[] {
  const each = exactOracles.flatMap((oracle) => {
    const tried = outcomes
      .map(({ report }) => report.rows.filter((row) => row.oracle === oracle))
      .filter((rows) => rows.length > 0);
    const proved = tried.filter((rows) => rows.every(({ ok }) => ok));
    return proved.length > 0 ? [`  in ${proved.length} of ${tried.length} cases ${proofs[oracle]}`] : [];
  });
  const chances = outcomes.filter(({ report }) => report.ok).flatMap(({ report }) => report.chance ?? []);
  if (each.length === 0 || chances.length === 0) return [];
  return [
    'proved, that is equal over a prime field, at any weights:',
    ...each,
    `a wrong gradient passes with an estimated probability of ${Math.max(...chances).toExponential(0)} at most`,
  ];
}

function scoreLine(scores: MutationReport[]): string {
  const sum = (of: (score: MutationReport) => number): number =>
    scores.reduce((total, score) => total + of(score), 0);
  const [killed, total] = [sum((s) => s.killed), sum((s) => s.total)];
  const each = `differences alone ${sum((s) => s.byOracle.differences)}, forward mode alone ${sum((s) => s.byOracle.forwardMode)}, exact alone ${sum((s) => s.byOracle.exact)}`;
  const unused = sum((s) => s.unused.length);
  const score = total === 0 ? 0 : (100 * killed) / total;
  return `mutation score ${killed}/${total} = ${score.toFixed(1)} % (${each}; ${sum((s) => s.equivalent)} mutants proved equivalent${unused > 0 ? `, ${unused} proved to change only unused terms` : ''})`;
}

function statusOf(outcome: CheckedCase): string {
  if (passed(outcome)) return 'ok';
  return outcome.report.verdict === 'undecided' ? 'undecided' : 'FAIL';
}

const boundOf = (oracle: Oracle): string =>
  errorBounds[oracle] === 0 ? '0' : errorBounds[oracle].toExponential(0);

/** The worst error of the derivatives that were decided. */
function worstOf(rows: GradcheckRow[], oracle: Oracle): string {
  if (oracle === 'exact' && rows.every(({ ok }) => ok)) return 'proved';
  const errors = rows.filter(({ checked }) => checked > 0).map(({ error }) => error);
  if (errors.length > 0) return Math.max(...errors).toExponential(1);
  return rows.length > 0 ? 'undecided' : '–';
}

/** Rows of truncated runs that are not gradients. */
const numbersOfRun = /^output$|at the end$/;

/** A failed row as a sentence. */
export const describe = ({
  oracle,
  variable,
  where,
  analytic,
  numeric,
  error,
  bound,
}: GradcheckRow): string => {
  const compared = /jacobian/i.test(oracle)
    ? `${variable} ${where} gives ${numeric}, the cell's jacobian ${analytic}`
    : oracle === 'exactTruncated' && numbersOfRun.test(variable)
      ? `${variable} ${where}: the whole sequence gives ${numeric}, chunks of it ${analytic}`
      : `d${variable} ${where}: ${oracle} gives ${numeric}, the backward pass ${analytic}`;
  return `${compared} (error ${error.toExponential(1)}, bound ${bound})`;
};
