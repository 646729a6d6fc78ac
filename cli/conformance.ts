/**
 * `backstep conformance`: runs the recurrent cases of another test suite, and measures how many mistakes they detect.
 */
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import pc from 'picocolors';
import { readSuite, suites, type SuiteName } from '../conformance/read';
import { suiteScores, type Score } from '../conformance/score';
import { judgeFound, type CaseVerdict, type SuiteCase } from '../conformance/suite';
import { known } from '../terminal/arguments';
import { usage } from '../terminal/errors';
import { jsonLine, line, table } from '../terminal/output';

interface ConformanceOptions {
  json?: boolean;
  survivors?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('conformance')
    .description(
      'run the recurrent layers of a conformance suite, and count the wrong forward passes that the suite would miss',
    )
    .argument('<suite>', `format of the suite: ${suites.join(', ')}`)
    .argument('<path>', 'folder of the suite, or one of its files')
    .option('--survivors', 'list the wrong forward passes that the suite would miss')
    .option('--json', 'one JSON object per case, then one per kind of layer')
    .addHelpText(
      'after',
      '\nExamples:\n  backstep conformance onnx onnx/backend/test/data/node\n  backstep conformance webnn wpt/webnn/conformance_tests\n  backstep conformance tflite tensorflow/lite/kernels\n',
    )
    .action((suite: string, path: string, options: ConformanceOptions) => {
      process.exitCode = run(known(suite, suites, 'conformance: the suite must be one of'), path, options)
        ? 0
        : 1;
    });
}

function run(
  suite: SuiteName,
  path: string,
  { json = false, survivors = false }: ConformanceOptions,
): boolean {
  if (!existsSync(path))
    throw usage(
      `conformance: the path must be a file or a folder, got ${path}`,
      'give the folder of the suite',
    );
  const found = readSuite(suite, path);
  if (found.length === 0)
    throw usage(
      `conformance: the path must hold recurrent cases of ${suite}, got ${path}`,
      `give the folder that holds ${examples[suite]}`,
    );
  const verdicts = found.map(judgeFound);
  const cases = found.filter((one): one is SuiteCase => 'layer' in one);
  const marks = suiteScores(cases);
  if (json) for (const one of [...verdicts, ...marks]) jsonLine(one);
  else show(verdicts, marks, survivors);
  return verdicts.every(({ verdict }) => verdict === 'pass' || verdict === 'not expressible');
}

/** What the folder of a suite holds. */
const examples: Record<SuiteName, string> = {
  onnx: 'test_lstm_defaults and similar folders',
  webnn: 'lstm.https.any.js',
  tflite: 'lstm_test.cc',
};

const statuses: Record<CaseVerdict['verdict'], string> = {
  pass: 'ok',
  fail: 'FAIL',
  'not expressible': 'not expressible',
  unreadable: 'FAIL',
};

function show(verdicts: readonly CaseVerdict[], marks: readonly Score[], survivors: boolean): void {
  table(
    ['case', 'layer', 'of the tolerance', ''],
    verdicts.map(({ name, form = '–', difference, verdict }) => [
      ...[name, form, difference === undefined ? '–' : difference.toPrecision(2)],
      statuses[verdict],
    ]),
  );
  for (const { name, reason, verdict } of verdicts)
    if (reason !== undefined) line(`${name}: ${reason}`, verdict === 'not expressible' ? pc.dim : pc.red);
  const count = (verdict: CaseVerdict['verdict']): number =>
    verdicts.filter((one) => one.verdict === verdict).length;
  line(
    `${count('pass')} pass, ${count('fail')} fail, ${count('not expressible')} not expressible, ${count('unreadable')} unreadable`,
  );
  if (marks.length > 0) showScores('wrong forward passes noticed', marks, survivors);
}

/** A table of mutation scores, and their sum. */
export function showScores(what: string, marks: readonly Score[], survivors: boolean): void {
  line();
  table(
    [what, 'cases', 'noticed', 'of', 'no mistakes', ''],
    marks.map(({ form, cases, killed, total, equivalent }) => [
      ...[form, String(cases), String(killed), String(total), String(equivalent)],
      total === 0 ? '–' : `${Math.floor((100 * killed) / total)} %`,
    ]),
  );
  const sum = (of: (mark: Score) => number): number => marks.reduce((all, mark) => all + of(mark), 0);
  const [killed, total] = [sum((mark) => mark.killed), sum((mark) => mark.total)];
  line(`${killed} of ${total} noticed; ${total - killed} would pass`);
  if (!survivors) return;
  for (const mark of marks) for (const words of mark.survivors) line(`  ${mark.form}: ${words}`);
}
