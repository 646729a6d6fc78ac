/**
 * Mutation testing with Stryker: plants mistakes in the source, one at a time, and counts those that no test notices.
 *
 *   npm run mutate -- cells/lstm.ts               every mistake in one file
 *   npm run mutate -- cells hopfield/recall.ts    in every file of a folder, and in another
 *   npm run mutate -- --sample 200 bptt           200 mistakes, drawn at random from all of a folder
 *   npm run mutate -- --sample 200 --seed 2 bptt  200 others
 *   npm run mutate -- --again cells               only those that survived the last time
 *
 * The tests of a file's mutants are the quick ones that use it, as measured once with V8's coverage: first those that
 * import the file, then the quickest, up to `--seconds 60` of processor time together. `--with parallel.slow` adds a test
 * file. The results are kept in `tests/mutation.json`, from which `tests/MUTATION.md` is written:
 * `npm run mutate -- --record` does nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  countStatuses,
  mutantStatus,
  isEquivalent,
  record,
  type Mutant,
  type Result,
  type Status,
} from './mutation-record';

const CACHE = '.cache/mutation';
const KEPT = 'tests/mutation.json';

/** The folders that are mutated. */
const FOLDERS = ['core', 'cells', 'losses', 'hopfield', 'bptt', 'io'];

/** What a test file uses: see `scripts/reach-reporter.js`. */
interface Reach {
  hash: string;
  seconds: number;
  /** Whether it starts worker threads, in which nothing is measured. */
  threads: boolean;
  files: string[];
}

const hashOf = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);

/** What each quick test uses. Test files that are new or changed since they were last measured are run once for it. */
function reach(others: readonly string[]): Map<string, Reach> {
  const file = join(CACHE, 'reach.json');
  if (!existsSync(file)) writeFileSync(file, '{}');
  const known = (): Record<string, Reach> => JSON.parse(readFileSync(file, 'utf8')) as Record<string, Reach>;
  const isQuick = (test: string): boolean => test.endsWith('.test.ts') && !test.endsWith('.slow.test.ts');
  const tests = [...readdirSync('tests').filter(isQuick), ...others];
  const before = known();
  const missing = tests.filter((test) => before[test]?.hash !== hashOf(join('tests', test)));
  if (missing.length > 0) {
    console.log(`measuring which source files ${missing.length} test files use`);
    const reporters = ['./scripts/reach-reporter.js', 'default'].map((name) => `--reporters=${name}`);
    const coverage = ['--coverage', '--coverageReporters=none', '--coverageThreshold={}'];
    const paths = missing.map((test) => `tests/${test}`);
    const { status } = spawnSync('npx', ['jest', '-i', ...coverage, ...reporters, '--', ...paths], {
      stdio: 'inherit',
      env: { ...process.env, BACKSTEP_REACH: file },
    });
    if (status !== 0) throw new Error('mutate: the tests must pass without a mutant');
  }
  const now = known();
  return new Map(tests.map((test) => [test, now[test]]));
}

/**
 * The test files for the mutants of these source files. Those of one file use it and need `seconds` of processor time
 * together: first those that import the file, then the quickest. What no test uses in the main thread may be used in
 * others: its tests are those that start one.
 */
function testsOf(
  all: Map<string, Reach>,
  files: readonly string[],
  seconds: number,
  others: readonly string[],
): Map<string, string[]> {
  const of = (file: string): string[] => {
    const own = (test: string): boolean =>
      readFileSync(join('tests', test), 'utf8').includes(`'../${file.replace(/\.ts$/, '')}'`);
    const using = [...all].filter(([, { files: used }]) => used.includes(file));
    const order = (using.length > 0 ? using : [...all].filter(([, { threads }]) => threads))
      .map(([test, { seconds: cost }]) => ({ test, cost, own: own(test) }))
      .sort((p, q) => Number(q.own) - Number(p.own) || p.cost - q.cost);
    let left = seconds;
    const fits = ({ cost }: { cost: number }, k: number): boolean => {
      const isRoom = cost <= left || k === 0;
      if (isRoom) left -= cost;
      return isRoom;
    };
    return [...order.filter(fits).map(({ test }) => test), ...others];
  };
  return new Map(files.map((file) => [file, of(file)]));
}

/** A mutant that can be planted, and where Stryker places it. */
interface Planted extends Mutant {
  place: string;
  /** How many mutants its file has, with those that are left out. */
  among: number;
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
      planted.push({
        file,
        line: start.line + 1,
        mutatorName,
        code,
        replacement,
        nth,
        place,
        among: mutants.length,
      });
    }
  }
  return planted;
}

/** Runs Stryker on these mutants. The status of each, by place. */
function stryker(
  chosen: readonly Planted[],
  seconds: number,
  others: readonly string[],
): Map<string, Status> {
  const sizes = new Map(chosen.map(({ file, among }) => [file, among]));
  const files = [...sizes.keys()];
  const all = reach(others);
  const tests = testsOf(all, files, seconds, others);
  const [report, list, written, log] = ['stryker', 'chosen', 'config', 'log'].map((name) =>
    join(CACHE, `${name}.json`),
  );
  rmSync(report, { force: true });
  const job = {
    tests: Object.fromEntries(tests),
    threaded: [...all].flatMap(([test, { threads }]) => (threads ? [test] : [])),
    mutants: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    places: chosen.map(({ place }) => place),
    log: resolve(log),
  };
  writeFileSync(list, JSON.stringify(job));
  writeFileSync(written, JSON.stringify(configOf(files, [...new Set([...tests.values()].flat())], report)));
  const env = { ...process.env, BACKSTEP_MUTANTS: resolve(list), BACKSTEP_MUTANTS_ROOT: process.cwd() };
  const { status } = spawnSync('npx', ['stryker', 'run', written], { stdio: 'inherit', env });
  if (status !== 0 || !existsSync(report)) {
    throw new Error(
      `mutate: Stryker failed: run BACKSTEP_MUTANTS=${resolve(list)} npx stryker run ${written}`,
    );
  }
  return statuses(report);
}

/** Stryker's configuration for mutants of these files, which these test files are to notice. */
const configOf = (files: readonly string[], tests: readonly string[], report: string): object => ({
  testRunner: 'file-by-file',
  plugins: [
    '@stryker-mutator/jest-runner',
    './scripts/mutation-runner.mjs',
    './scripts/mutation-ignorer.mjs',
  ],
  ignorers: ['message-text'],
  coverageAnalysis: 'perTest',
  mutate: files,
  concurrency: 1,
  // what a test leaves behind must not slow down all that follow
  maxTestRunnerReuse: 200,
  tempDirName: '.cache/stryker',
  ignorePatterns: ['.git', 'coverage', 'dist', 'docs/.book', 'docs/site', 'runs'],
  jest: {
    projectType: 'custom',
    configFile: 'jest.config.js',
    enableFindRelatedTests: false,
    config: {
      testMatch: tests.map((test) => `<rootDir>/tests/${test}`),
      testEnvironment: resolve('scripts/mutation-environment.js'),
    },
  },
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: report },
  warnings: { slow: false },
  dryRunTimeoutMinutes: 60,
  // endless loops are found by counting; the clock must not stop a test on a busy machine
  timeoutMS: 600_000,
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
    survived: survived.map(({ place: _place, among: _among, ...mutant }) => mutant),
  };
  const first = { date: today(), ...countStatuses({ scope, ...numbers }) };
  return { scope, of, mutants: chosen.length, date: today(), first, ...numbers };
}

async function main(): Promise<void> {
  if (!existsSync('jest.config.js')) throw new Error('mutate: run it from the folder of package.json');
  mkdirSync(CACHE, { recursive: true });
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      sample: { type: 'string' },
      again: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      with: { type: 'string', multiple: true, default: [] },
    },
  });
  const scopes = positionals.length > 0 ? positionals : FOLDERS;
  const seconds = Number(values.seconds);
  const results = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Result[]) : [];
  const keep = (...added: Result[]): void => {
    const others = results.filter(({ scope }) => !added.some((r) => r.scope === scope));
    const all = [...others, ...added].sort((a, b) => (a.scope < b.scope ? -1 : 1));
    writeFileSync(KEPT, `${JSON.stringify(all, null, 1)}\n`);
    writeFileSync('tests/MUTATION.md', record(all));
    for (const one of added) {
      const { noticed, survived, score } = countStatuses(one);
      console.log(`${one.scope}: ${noticed} noticed, ${survived} survived: ${score} %`);
    }
  };
  const run = (chosen: readonly Planted[]): Map<string, Status> =>
    stryker(
      chosen,
      seconds,
      values.with.map((name) => `${name}.test.ts`),
    );
  if (values.record) keep();
  else if (values.again) keep(...(await survivorsAgain(results, scopes, run)));
  else if (values.sample) {
    const samples = await Promise.all(
      scopes.map(async (scope) =>
        drawn(scope, await listed(filesUnder(scope)), Number(values.sample), values.seed),
      ),
    );
    const found = run(samples.flatMap(({ chosen }) => chosen));
    keep(...samples.map(({ name, chosen, of }) => result(name, chosen, found, of)));
  } else {
    const files = scopes.flatMap(filesUnder);
    const all = await listed(files);
    const found = run(all);
    const of = (file: string): Planted[] => all.filter((mutant) => mutant.file === file);
    keep(...files.map((file) => result(file, of(file), found)));
  }
}

type Run = (chosen: readonly Planted[]) => Map<string, Status>;

/** The results with a survivor in the scopes, after another run of their survivors. */
async function survivorsAgain(
  results: readonly Result[],
  scopes: readonly string[],
  run: Run,
): Promise<Result[]> {
  const again = results.filter(({ survived }) => survived.some(({ file }) => under(file, scopes)));
  const all = again.flatMap(({ survived }) => survived);
  const wanted = new Set(all.filter((mutant) => !isEquivalent(mutant)).map(identity));
  const files = [...new Set(all.map(({ file }) => file))];
  const chosen = (await listed(files)).filter((mutant) => wanted.has(identity(mutant)));
  const found = run(chosen);
  const places = new Map(chosen.map((mutant) => [identity(mutant), mutant]));
  return again.map((one) => {
    const next: Result = { ...one, date: today(), survived: [] };
    for (const mutant of one.survived) {
      const planted = places.get(identity(mutant));
      const status = planted ? (found.get(planted.place) ?? 'survived') : 'survived';
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
  const hash = (mutant: Mutant): string =>
    createHash('sha256')
      .update(`${seed}\n${identity(mutant)}`)
      .digest('hex');
  const order = all.map((mutant) => ({ mutant, key: hash(mutant) }));
  order.sort((a, b) => (a.key < b.key ? -1 : 1));
  const chosen = order.slice(0, size).map(({ mutant }) => mutant);
  return { name: `${scope}, sample ${seed}`, chosen, of: all.length };
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
