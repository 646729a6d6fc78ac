/** `backstep grade`: grades a folder of students' gradients against an assignment. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { writeWhole } from '../io/files';
import { Grader, readAssignment, type Assignment, type Grade, type HintLevel } from '../referee/grade';
import { lineOf } from '../referee/protocol';
import { saving, usage, using } from '../terminal/errors';
import { jsonLine, line, table } from '../terminal/output';
import { isCellFile, makeCell, readCellChoice } from '../run/cellchoice';

interface GradeOptions {
  assignment?: string;
  hints: boolean;
  reveal?: boolean;
  csv?: string;
  json?: boolean;
  question?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('grade')
    .description("judge a folder of students' gradients, as equations or as numbers, against an assignment")
    .argument('<folder>', 'equations (.txt) and answers of the referee protocol (.json), one file each')
    .option('--assignment <file>', 'the assignment, in JSON (default: assignment.json in the folder)')
    .option('--no-hints', 'only say which gradients are wrong')
    .option('--reveal', 'also show the correction')
    .option('--csv <file>', 'also write the points as a table')
    .option('--json', 'one JSON object per submission')
    .option('--question', 'print the question for answers in JSON instead of judging')
    .addHelpText(
      'after',
      '\nExamples:\n  backstep grade examples/assignment\n  backstep grade examples/assignment --reveal --csv points.csv\n\nThe guide: docs/guide/grading.md\n',
    )
    .action((folder: string, options: GradeOptions) => {
      process.exitCode = gradeFolder(folder, options) ? 0 : 1;
    });
}

type Graded = { file: string } & Grade;

function gradeFolder(folder: string, options: GradeOptions): boolean {
  const { assignment: given, hints, reveal, csv, json } = options;
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw usage(`grade: the path must be a folder, got ${folder}`, 'give a folder of submissions');
  const file = given ?? join(folder, 'assignment.json');
  const fix = 'see examples/assignment/assignment.json for an example';
  if (!existsSync(file))
    throw usage(`grade: --assignment must be a file, got ${file}, which does not exist`, fix);
  const grader = using(() => graderOf(readAssignment(readFileSync(file, 'utf8')), file), fix);
  if (options.question) {
    process.stdout.write(`${lineOf(grader.question, 1)}\n`);
    return true;
  }
  const level: HintLevel = reveal ? 'correction' : hints ? 'kind' : 'quantity';
  const names = readdirSync(folder).filter(
    (name) => /\.(txt|json)$/.test(name) && join(folder, name) !== join(file),
  );
  if (names.length === 0)
    throw usage(`grade: the folder must hold submissions, got none in ${folder}`, 'name them .txt or .json');
  const grades = names.sort().map((name): Graded => {
    const found = { file: name, ...gradeFile(grader, join(folder, name), level) };
    if (json) jsonLine(found);
    return found;
  });
  if (!json) show(grades);
  if (csv !== undefined) saving(() => writeWhole(csv, csvOf(grades)), 'choose another file with --csv');
  return grades.every(({ verdict }) => verdict === 'right');
}

function graderOf(assignment: Assignment, file: string): Grader {
  const { cell } = assignment;
  // a file name is relative to the assignment
  const word = isCellFile(cell) && !isAbsolute(cell) ? join(dirname(file), cell) : cell;
  const setting = readCellChoice(word, 'grade: the cell of the assignment');
  return new Grader(assignment, (sizes) => makeCell(setting, sizes));
}

/** Size limit: no valid submission is larger. */
const MOST_BYTES = 1e6;

function gradeFile(grader: Grader, file: string, level: HintLevel): Grade {
  const found = statSync(file);
  if (!found.isFile()) return grader.unreadable('a submission must be a file');
  const { size } = found;
  return size > MOST_BYTES
    ? grader.unreadable(`a submission must have at most ${MOST_BYTES} bytes, got ${size}`)
    : grader.grade(readFileSync(file, 'utf8'), level);
}

function show(grades: readonly Graded[]): void {
  const [{ marks }] = grades;
  table(
    ['submission', ...marks.map(({ gradient }) => gradient), 'points', ''],
    grades.map((one) => [
      one.file,
      ...one.marks.map(({ points }) => String(points)),
      `${one.points} of ${one.of}`,
      one.verdict,
    ]),
  );
  for (const { file, hint, error } of grades) {
    if (hint !== undefined) line(`${file}: ${hint}`, pc.yellow);
    if (error !== undefined) line(`${file}: ${error}`, pc.red);
  }
  const right = grades.filter(({ verdict }) => verdict === 'right').length;
  line(`${right} of ${grades.length} submissions right`);
}

/** A field of a CSV file; a leading quote keeps spreadsheets from reading it as a formula. */
const field = (text: string): string => {
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

function csvOf(grades: readonly Graded[]): string {
  const [{ marks }] = grades;
  const head = ['submission', ...marks.map(({ gradient }) => gradient), 'points', 'of', 'verdict', 'remark'];
  const rows = grades.map(({ file, marks: own, points, of, verdict, hint, error }) => [
    ...[file, ...own.map((mark) => String(mark.points)), String(points), String(of), verdict],
    hint ?? error ?? '',
  ]);
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}
