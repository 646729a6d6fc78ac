/** `backstep referee`: checks another program's outputs and gradients, question by question or from files. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { trainingSettings } from '../bptt/train/settings';
import { endings, readCases, type CellByName } from '../conformance/caseread';
import type { ReadCase } from '../conformance/filecase';
import { judgeFiles } from '../conformance/judgefiles';
import { writeWhole } from '../io/files';
import { junit } from '../referee/junit';
import { NotStarted } from '../referee/program';
import { referee, type RefereeRow, type RefereeReport } from '../referee/referee';
import { real } from '../terminal/arguments';
import { saving, usage } from '../terminal/errors';
import { onInterrupt } from '../terminal/interrupt';
import { settingOption } from '../terminal/options';
import { jsonLine, line, table } from '../terminal/output';
import { choiceNames } from '../cells/kinds';
import { knownCell, makeCell, readCellChoice } from '../run/cellchoice';

interface RefereeOptions {
  cell: string;
  seed: number;
  timeout: number;
  json?: boolean;
  junit?: string;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('referee')
    .description(
      'judge the outputs and gradients of another program, from its files or by asking it line by line',
    )
    .argument(
      '<answers...>',
      `files (${endings.join(', ')}), or -- followed by the command that runs the program`,
    )
    .option(
      '--cell <name>',
      `the cell under test: ${choiceNames().join(', ')}, or a file of equations`,
      'lstm',
    )
    .option(
      '--timeout <seconds>',
      'seconds to wait for each answer',
      real('referee: --timeout', { above: 0, most: 3600 }),
      30,
    )
    .addOption(
      settingOption(
        'referee',
        'seed',
        { ...trainingSettings.seed, help: 'seed of the numbers' },
        { fills: true },
      ),
    )
    .option('--json', 'one JSON object per question, and one for the diagnosis')
    .option('--junit <file>', 'also write the results as JUnit XML')
    .addHelpText(
      'after',
      '\nExamples:\n  backstep referee -- python3 examples/referee/lstm_numpy.py\n  backstep referee --cell elman -- ./my-program --fast\n  backstep referee answers/manifest.json\n\nThe protocol and the files: docs/guide/referee.md\n',
    )
    .action(async (words: string[], options: RefereeOptions) => {
      const verdict = isFile(words[0]) ? fromFiles(words, options) : await fromProgram(words, options);
      report(verdict, options, isFile(words[0]) ? words.join(' ') : options.cell);
      process.exitCode = verdict.ok ? 0 : 1;
    });
}

const isFile = (word: string): boolean => endings.some((ending) => word.endsWith(ending));

function fromFiles(files: string[], { cell, json = false }: RefereeOptions): RefereeReport {
  const stranger = files.find((file) => !isFile(file));
  if (stranger !== undefined)
    throw usage(
      `referee: files must end in ${endings.join(', ')}, got ${stranger}`,
      'give a program behind --',
    );
  const usual = readCellChoice(cell, 'referee: --cell');
  const cells: CellByName = (name) => {
    const known = knownCell(name, 'referee: cell');
    return (sizes) => makeCell(known, sizes);
  };
  function* cases(): Generator<ReadCase> {
    for (const file of files) yield* readCases(file, cells, usual);
  }
  return judgeFiles(cases(), (row) => json && jsonLine(row));
}

async function fromProgram(
  command: string[],
  { cell: name, seed, timeout, json = false }: RefereeOptions,
): Promise<RefereeReport> {
  const cell = readCellChoice(name, 'referee: --cell');
  // the child process ends with this one
  const interrupt = onInterrupt(
    () => process.exit(interrupt.code),
    () => undefined,
  );
  try {
    return await referee(command, (sizes) => makeCell(cell, sizes), {
      ...{ seed, milliseconds: 1000 * timeout },
      onRow: (row) => json && jsonLine(row),
    });
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    throw usage(
      `referee: the command must be a program, got ${command[0]}: ${error.message}`,
      'give it behind --, with its path',
    );
  } finally {
    interrupt.done();
  }
}

function report(verdict: RefereeReport, { json = false, junit: file }: RefereeOptions, suite: string): void {
  const { diagnosis, smallest, ok } = verdict;
  if (json) jsonLine({ ok, ...(diagnosis !== undefined && { diagnosis }), ...(smallest && { smallest }) });
  else show(verdict);
  if (file !== undefined) saving(() => writeWhole(file, junit(suite, verdict)), 'another file by --junit');
}

const statuses: Record<RefereeRow['verdict'], string> = {
  ok: 'ok',
  wrong: 'FAIL',
  broken: 'FAIL',
  skipped: 'skipped',
  undecided: 'undecided',
};

/** Groups rows by their reason, so that each reason is printed once. */
function reasons(rows: readonly RefereeRow[]): Map<string, RefereeRow[]> {
  const found = new Map<string, RefereeRow[]>();
  for (const row of rows)
    if (row.reason !== undefined) found.set(row.reason, [...(found.get(row.reason) ?? []), row]);
  return found;
}

function show({ rows, diagnosis, smallest, ok }: RefereeReport): void {
  const part = (of: number | undefined): string =>
    of === undefined
      ? '–'
      : of === Infinity
        ? 'not comparable'
        : of < 1000
          ? of.toPrecision(2)
          : of.toExponential(1);
  table(
    ['difference, of the rounding bound', 'T', 'B', 'D', 'H', 'dtype', 'outputs', 'gradients', ''],
    rows.map(({ name, plan, precision = '–', outputs, gradients, verdict }) => [
      ...[name, ...(['T', 'B', 'D', 'H'] as const).map((axis) => String(plan?.[axis] ?? '–'))],
      ...[precision, part(outputs), part(gradients)],
      statuses[verdict],
    ]),
  );
  for (const [reason, of] of reasons(rows.filter(({ verdict }) => verdict !== 'wrong')))
    line(
      `${of.length > 3 ? `${of.length} questions` : of.map(({ name }) => name).join(', ')}: ${reason}`,
      of[0].verdict === 'broken' ? pc.red : pc.dim,
    );
  if (smallest) {
    line(`smallest that fails: ${smallest.sizes}`);
    line(`  ${smallest.reason}`, pc.red);
  }
  if (diagnosis !== undefined) line(`diagnosis: ${diagnosis}`, pc.red);
  const judged = [...new Set(rows.flatMap((row) => row.judged))];
  const right = rows.filter(({ verdict }) => verdict === 'ok').length;
  const asked = rows.filter(({ verdict }) => verdict !== 'skipped' && verdict !== 'undecided').length;
  line(
    `${right} of ${asked} answers right${judged.length > 0 ? `; gradients given: ${judged.join(', ')}` : '; no gradients were given'}`,
    ok ? pc.green : undefined,
  );
}
