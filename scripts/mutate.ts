/**
 * Mutation testing with Stryker: plants mistakes in the source, one at a time, and counts those that no test notices.
 *
 *   npm run mutate -- cells/lstm.ts               every mistake in one file
 *   npm run mutate -- cells hopfield/recall.ts    in every file of a folder, and in another
 *   npm run mutate -- --sample 200 bptt           200 mistakes, drawn at random from all of a folder
 *   npm run mutate -- --sample 200 --seed 2 bptt  200 others
 *   npm run mutate -- --again cells               only those that survived the last time
 *
 * The tests of a file's mutants are the 40 quick test files that are nearest to it, by the imports in between.
 * They are tried one after the other until one fails, up to `--seconds 60` of processor time for one mutant. `--with
 * parallel.slow` tries a test file before them. A command that was stopped goes on where it was, if neither the sources nor the tests
 * have changed. The results are kept in `tests/mutation.json`, from which `tests/MUTATION.md` is written: `npm run mutate
 * -- --record` does nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import {
  countStatuses,
  mutantStatus,
  isEquivalent,
  record,
  type Mutant,
  type Result,
  type Status,
} from './mutation-record';
import { whole } from '../terminal/arguments';
import { failure, usage } from '../terminal/errors';
import { script, type Arguments } from './script';

const CACHE = '.cache/mutation';
const KEPT = 'tests/mutation.json';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The folders that are mutated. */
const FOLDERS = ['core', 'cells', 'losses', 'hopfield', 'bptt', 'io'];

/** How many test files are tried for a mutant. */
const NEAREST = 40;

/** The quick test files. */
const quickTests = (): string[] =>
  readdirSync('tests').filter((test) => test.endsWith('.test.ts') && !test.endsWith('.slow.test.ts'));

const texts = new Map<string, string>();
function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(file, 'utf8');
  texts.set(file, text);
  return text;
}

const loaded = new Map<string, string[]>();
/** The files of the project that a file loads. */
function imports(file: string): string[] {
  const known = loaded.get(file);
  if (known) return known;
  const paths = textOf(file).matchAll(/^(?:import|export)(?! type)[^;]*?'(\.[^']+)'|import\('(\.[^']+)'\)/gm);
  const found = Array.from(paths, ([, path, lazy]) => join(dirname(file), path ?? lazy)).flatMap((path) =>
    [`${path}.ts`, join(path, 'index.ts')].filter((one) => existsSync(one)).slice(0, 1),
  );
  loaded.set(file, found);
  return found;
}

/**
 * Every file that a test loads, with its distance: the length of the shortest way, on which a step from a file that imports
 * many others counts more, because it says less about what is tested.
 */
function distances(test: string): Map<string, number> {
  const found = new Map<string, number>();
  const open = new Map([[test, 0]]);
  while (open.size > 0) {
    const [file, far] = [...open].reduce((p, q) => (q[1] < p[1] ? q : p));
    open.delete(file);
    found.set(file, far);
    const next = imports(file);
    const beyond = far + Math.log2(1 + next.length);
    for (const one of next) if (!found.has(one)) open.set(one, Math.min(open.get(one) ?? Infinity, beyond));
  }
  return found;
}

/** Whether a test file starts threads, in which coverage is not counted. */
const startsThreads = (test: string): boolean =>
  /\b(parallel|threads|Pool|Worker)\b/.test(textOf(join('tests', test)));

/** The test files to try for a source file. */
interface Tried {
  tests: string[];
  /** Whether no test loads it: it runs in threads alone. */
  aside: boolean;
}

/**
 * The test files to try for each source file: those that are nearest to it, first the one that is called as it is. For what no test loads, those that start threads and are nearest to a file of its folder.
 */
function testsOf(files: readonly string[], others: readonly string[]): Record<string, Tried> {
  const ways = new Map(quickTests().map((test) => [test, distances(join('tests', test))]));
  const nearest = (far: (way: ReadonlyMap<string, number>) => number, name: string): string[] =>
    [...ways]
      .map(([test, way]) => ({ test, far: far(way), isOther: !test.startsWith(`${name}.`) }))
      .filter(({ far }) => far < Infinity)
      .sort(
        (p, q) =>
          Number(p.isOther) - Number(q.isOther) ||
          p.far - q.far ||
          textOf(join('tests', p.test)).length - textOf(join('tests', q.test)).length,
      )
      .map(({ test }) => test);
  const of = (file: string): Tried => {
    const [folder, name] = [dirname(file), basename(file, '.ts')];
    const loading = nearest((way) => way.get(file) ?? Infinity, name);
    const around = (way: ReadonlyMap<string, number>): number =>
      Math.min(...Array.from(way, ([one, far]) => (dirname(one) === folder ? far : Infinity)));
    const aside = loading.length === 0;
    const tests = aside ? nearest(around, name).filter(startsThreads) : loading;
    return { tests: [...new Set([...others, ...tests.slice(0, NEAREST)])], aside };
  };
  return Object.fromEntries(files.map((file) => [file, of(file)]));
}

/** A mutant that can be planted, and where Stryker places it. */
interface Planted extends Mutant {
  place: string;
  /** Its lines and columns, as Stryker reads them. */
  range: string;
}

/** Every mutant of the files, but for texts of error messages. */
async function listed(files: readonly string[]): Promise<Planted[]> {
  const silent = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false };
  const { strykerPlugins } = (await import(resolve('scripts/mutation-ignorer.mjs'))) as {
    strykerPlugins: { value: unknown }[];
  };
  const { Instrumenter } = await import('@stryker-mutator/instrumenter');
  const ignorers = strykerPlugins.map(({ value }) => value);
  const options = { plugins: null, excludedMutations: [], ignorers };
  const planted: Planted[] = [];
  for (const file of files) {
    const content = readFileSync(file, 'utf8');
    const lines = content.split('\n');
    const instrumenter = new Instrumenter(silent as never);
    const { mutants } = await instrumenter.instrument(
      [{ name: file, mutate: true, content }],
      options as never,
    );
    const seen = new Map<string, number>();
    for (const { status, location, mutatorName, replacement } of mutants) {
      if (status === 'Ignored') continue;
      const { start, end } = location;
      const code = lines[start.line].trim();
      const base = `${file} ${mutatorName} ${code} ${replacement}`;
      const nth = seen.get(base) ?? 0;
      seen.set(base, nth + 1);
      const place = JSON.stringify([
        file,
        ...[start.line, start.column, end.line, end.column],
        ...[mutatorName, replacement],
      ]);
      const range = `${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`;
      planted.push({ file, line: start.line + 1, mutatorName, code, replacement, nth, place, range });
    }
  }
  return planted;
}

/**
 * Runs Stryker on these mutants. The status of each, by place. What a run that was stopped has found is kept in a folder
 * of its own, and the same run goes on from there.
 */
function stryker(
  chosen: readonly Planted[],
  seconds: number,
  others: readonly string[],
): Map<string, Status> {
  const files = [...new Set(chosen.map(({ file }) => file))];
  const tried = testsOf(files, others);
  const places = chosen.map(({ place }) => place);
  const names = [...new Set(Object.values(tried).flatMap(({ tests }) => tests))];
  const inputs = [...files, ...names.map((test) => join('tests', test))].map(textOf);
  const folder = join(CACHE, hashOf(JSON.stringify([places, seconds, inputs])).slice(0, 16));
  mkdirSync(folder, { recursive: true });
  const [report, list, config, log, known] = ['report', 'job', 'config', 'log', 'known'].map((name) =>
    resolve(folder, `${name}.json`),
  );
  rmSync(report, { force: true });
  const threaded = names.filter(startsThreads);
  writeFileSync(list, JSON.stringify({ tried, threaded, seconds, places, log, known }));
  writeFileSync(config, JSON.stringify(configOf(chosen, report)));
  const env = { ...process.env, BACKSTEP_MUTANTS: list, BACKSTEP_MUTANTS_ROOT: process.cwd() };
  const { status } = spawnSync('npx', ['stryker', 'run', config], { stdio: 'inherit', env });
  if (status !== 0 || !existsSync(report)) {
    throw new Error('mutate: Stryker did not end well; the same command goes on where it stopped');
  }
  const found = statuses(report);
  const missing = places.filter((place) => !found.has(place));
  if (missing.length > 0) throw new Error(`mutate: Stryker did not plant ${missing.join(', ')}`);
  rmSync(folder, { recursive: true });
  return found;
}

/** Stryker's configuration for these mutants, of which the runner chooses the tests. */
const configOf = (chosen: readonly Planted[], report: string): object => ({
  testRunner: 'file-by-file',
  plugins: [
    '@stryker-mutator/jest-runner',
    './scripts/mutation-runner.mjs',
    './scripts/mutation-ignorer.mjs',
  ],
  ignorers: ['message-text'],
  coverageAnalysis: 'off',
  mutate: chosen.map(({ file, range }) => `${file}:${range}`),
  concurrency: 1,
  // what a test leaves behind must not slow down all that follow
  maxTestRunnerReuse: 200,
  tempDirName: '.cache/stryker',
  ignorePatterns: ['.git', 'coverage', 'dist', 'docs/.book', 'docs/site', 'runs'],
  jest: {
    projectType: 'custom',
    configFile: 'jest.config.js',
    enableFindRelatedTests: false,
    config: { testEnvironment: resolve('scripts/mutation-environment.js') },
  },
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: report },
  // endless loops are found by counting and by processor time; the clock must not stop a test on a busy machine
  timeoutMS: 36_000_000,
});

/** The status of each mutant in Stryker's report, by place. */
function statuses(report: string): Map<string, Status> {
  type Reported = Omit<Mutant, 'status'> & {
    status: string;
    statusReason?: string;
    location: Record<'start' | 'end', { line: number; column: number }>;
  };
  const reported = JSON.parse(readFileSync(report, 'utf8')) as {
    files: Record<string, { mutants: Reported[] }>;
  };
  const found = new Map<string, Status>();
  for (const [file, { mutants }] of Object.entries(reported.files)) {
    for (const { location, mutatorName, replacement, status, statusReason } of mutants) {
      const { start, end } = location;
      const place = JSON.stringify([
        file,
        ...[start.line - 1, start.column - 1, end.line - 1, end.column - 1],
        ...[mutatorName, replacement],
      ]);
      found.set(place, mutantStatus(status, statusReason));
    }
  }
  return found;
}

/** Every source file under a path. */
function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

const today = (): string => new Date().toISOString().slice(0, 10);
const identity = ({ file, mutatorName, code, replacement, nth }: Mutant): string =>
  [file, mutatorName, code, replacement, nth].join('\n');
const under = (file: string, scopes: readonly string[]): boolean =>
  scopes.some((scope) => file === scope || file.startsWith(`${scope}/`));

/** The result of one scope: of all its mutants, or of a sample. */
function result(scope: string, chosen: readonly Planted[], found: Map<string, Status>, of?: number): Result {
  const statuses = chosen.map(({ place }) => found.get(place) ?? 'refused');
  const many = (status: Status): number => statuses.filter((s) => s === status).length;
  const survived = chosen.filter((_, k) => statuses[k] === 'survived' || statuses[k] === 'timed out');
  const numbers = {
    noticed: many('noticed'),
    endless: many('endless'),
    refused: many('refused'),
    survived: survived.map(({ place: _place, range: _range, ...mutant }) => mutant),
  };
  const first = { date: today(), ...countStatuses({ scope, ...numbers }) };
  return { scope, of, mutants: chosen.length, date: today(), first, ...numbers };
}

/** The results so far; read again when others are added, because two runs may end while a third is under way. */
const kept = (): Result[] => (existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Result[]) : []);

const config = {
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    again: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    with: { type: 'string', multiple: true },
  },
} as const;

async function main({ positionals, values }: Arguments<typeof config>): Promise<void> {
  if (!existsSync('jest.config.js')) throw failure('run it from the folder of package.json');
  mkdirSync(CACHE, { recursive: true });
  const scopes = positionals.length > 0 ? positionals : FOLDERS;
  const missing = scopes.find((scope) => !existsSync(scope));
  if (missing !== undefined) throw usage(`each argument must be a file or folder, got ${missing}`);
  const seconds = whole('--seconds')(values.seconds);
  const sample = values.sample === undefined ? undefined : whole('--sample')(values.sample);
  const keep = (...added: Result[]): void => {
    const others = kept().filter(({ scope }) => !added.some((r) => r.scope === scope));
    const all = [...others, ...added].sort((a, b) => (a.scope < b.scope ? -1 : 1));
    writeFileSync(KEPT, `${JSON.stringify(all, null, 1)}\n`);
    writeFileSync('tests/MUTATION.md', record(all));
    for (const one of added) {
      const { noticed, survived, score } = countStatuses(one);
      console.log(`${one.scope}: ${noticed} noticed, ${survived} survived: ${score} %`);
    }
  };
  const nearest = `the ${NEAREST} nearest quick test files, up to ${seconds} s of processor time for a mistake`;
  const how = [...(values.with ?? []).map((name) => `tests/${name}.test.ts`), nearest].join(', then ');
  const run = (chosen: readonly Planted[]): Map<string, Status> =>
    stryker(
      chosen,
      seconds,
      (values.with ?? []).map((name) => `${name}.test.ts`),
    );
  if (values.record) keep();
  else if (values.again) keep(...(await survivorsAgain(kept(), scopes, run, how)));
  else if (sample !== undefined) {
    const samples = await Promise.all(
      scopes.map(async (scope) => drawn(scope, await listed(filesUnder(scope)), sample, values.seed)),
    );
    const found = run(samples.flatMap(({ chosen }) => chosen));
    keep(...samples.map(({ name, chosen, of }) => ({ ...result(name, chosen, found, of), how })));
  } else {
    const files = scopes.flatMap(filesUnder);
    const all = await listed(files);
    const found = run(all);
    const of = (file: string): Planted[] => all.filter((mutant) => mutant.file === file);
    keep(...files.map((file) => ({ ...result(file, of(file), found), how })));
  }
}

type Run = (chosen: readonly Planted[]) => Map<string, Status>;

/**
 * The results with a survivor in the scopes, after another run of their survivors. Equivalent ones are not run, nor those
 * whose code is no longer there: they still count as survivors, as the noticed ones count whose code has changed.
 */
async function survivorsAgain(
  results: readonly Result[],
  scopes: readonly string[],
  run: Run,
  how: string,
): Promise<Result[]> {
  const again = results.filter(({ survived }) => survived.some(({ file }) => under(file, scopes)));
  const files = [...new Set(again.flatMap(({ survived }) => survived.map(({ file }) => file)))];
  const places = new Map(
    (await listed(files.filter((file) => existsSync(file)))).map((mutant) => [identity(mutant), mutant]),
  );
  const wanted = again
    .flatMap(({ survived }) => survived)
    .filter((mutant) => !isEquivalent(mutant))
    .flatMap((mutant) => places.get(identity(mutant)) ?? []);
  const found = wanted.length > 0 ? run([...new Set(wanted)]) : new Map<string, Status>();
  return again.map((one) => {
    const measured = [...new Set([one.how, `survivors again: ${how}`])].filter(Boolean).join('; ');
    const next: Result = { ...one, date: today(), how: measured, survived: [] };
    for (const mutant of one.survived) {
      const planted = places.get(identity(mutant));
      const status = planted && (found.get(planted.place) ?? 'survived');
      if (status === 'noticed' || status === 'endless' || status === 'refused') next[status]++;
      else next.survived.push({ ...mutant, line: planted?.line ?? mutant.line });
    }
    return next;
  });
}

/** Mutants drawn from all of a folder: those whose hashes are least, so that a larger sample holds a smaller one. */
function drawn(
  scope: string,
  all: readonly Planted[],
  size: number,
  seed: string,
): { name: string; chosen: Planted[]; of: number } {
  const order = all.map((mutant) => ({ mutant, key: hashOf(`${seed}\n${identity(mutant)}`) }));
  order.sort((a, b) => (a.key < b.key ? -1 : 1));
  const chosen = order.slice(0, size).map(({ mutant }) => mutant);
  return { name: `${scope}, sample ${seed}`, chosen, of: all.length };
}

void script(__filename, config, main);
