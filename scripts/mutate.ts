/**
 * Mutation testing with Stryker: plants mistakes in the source, one at a time, and counts those that no test notices.
 *
 *   npm run mutate -- cells/lstm.ts               every mistake in one file
 *   npm run mutate -- cells hopfield/recall.ts    in every file of a folder, and in another
 *   npm run mutate -- --sample 200 bptt           200 mistakes, drawn at random from all of a folder
 *   npm run mutate -- --sample 200 --seed 2 bptt  200 others
 *   npm run mutate -- --again cells               only those that survived the last time
 *
 * The tests are those in `TESTS` and those of the mutated files. `--seconds 60` bounds the processor time of
 * the tests of one mutant: see `scripts/mutation-runner.mjs`. `--with parallel.slow` adds a test file. The results are kept in `tests/mutation.json`,
 * from which `tests/MUTATION.md` is written: `npm run mutate -- --record` does nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  count,
  describe,
  isEquivalent,
  record,
  type Mutant,
  type Result,
  type Status,
} from './mutation-record';

const CACHE = '.cache/mutation';
const KEPT = 'tests/mutation.json';

/** The quick tests of each folder: those that cover most of it in the least time. */
const TESTS: Record<string, string> = {
  core:
    'anysize arithmetic check engines equations field forms hoist init lookup matmul memory network notfinite pointwise portable program ' +
    'random reduce registry scalar statement tensor wasm-encoder wasm-gemm wasm-math wasm-pointwise wasm-reduce weightinit wide',
  cells:
    'activation celloptions clockwork elman embedding equations gru jordan linear lstm lstm1997 network own owncell ' +
    'ownplaces recurrence registry text textcell trace unroll usercell weightinit',
  losses: 'forms losses network pytorch text usercell',
  hopfield: 'capacity continuoushopfield densehopfield goldenhopfield hopfield paper-hopfield',
  bptt:
    'attention bidirectional bounds checkpoint chunks clip clipeffect decode embedding exactoracle fit flow forms ' +
    'gradcheck hessian jacobian loop network notfinite online optimizers planted pool recurrence schedules settings spectrum topology trace truncated ' +
    'unroll upstream weightnoise',
  io: 'checkpoint cli-formats keras npz onnx onnxread pictures pytorch records safetensors weights',
};

/** A file that so few tests import is what they test; others are imported to test something else. */
const FEW = 3;

/** The test files for mutants of these files: those of their folders, and the quick ones that test a file itself. */
function testsOf(files: readonly string[], others: readonly string[]): string[] {
  const isQuick = (test: string): boolean => test.endsWith('.test.ts') && !test.endsWith('.slow.test.ts');
  const texts = readdirSync('tests')
    .filter(isQuick)
    .map((test) => [test, readFileSync(join('tests', test), 'utf8')]);
  const subjects = (file: string): string[] => {
    const importing = texts.filter(([, text]) => text.includes(`'../${file.replace(/\.ts$/, '')}'`));
    return importing.length <= FEW ? importing.map(([test]) => test) : [];
  };
  const folders = [...new Set(files.map((file) => file.split('/')[0]))];
  const listed = [...folders.flatMap((folder) => TESTS[folder].split(' ')), ...others];
  const tests = [...new Set([...listed.map((name) => `${name}.test.ts`), ...files.flatMap(subjects)])];
  for (const test of tests)
    if (!existsSync(join('tests', test))) throw new Error(`mutate: there is no tests/${test}`);
  return tests;
}

/** A mutant that can be planted, and where Stryker places it. */
interface Planted extends Mutant {
  place: string;
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
      planted.push({ file, line: start.line + 1, mutatorName, code, replacement, nth, place });
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
  const files = [...new Set(chosen.map(({ file }) => file))];
  const [report, list, written, log] = ['stryker', 'chosen', 'config', 'log'].map((name) =>
    join(CACHE, `${name}.json`),
  );
  rmSync(report, { force: true });
  writeFileSync(
    list,
    JSON.stringify({ seconds, log: resolve(log), places: chosen.map(({ place }) => place) }),
  );
  const config = {
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
        testMatch: testsOf(files, others).map((test) => `<rootDir>/tests/${test}`),
        testEnvironment: resolve('scripts/mutation-environment.js'),
      },
    },
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: report },
    warnings: { slow: false },
    dryRunTimeoutMinutes: 60,
    // endless loops are found by counting; the clock must not stop a test on a busy machine
    timeoutMS: 10_000 * seconds,
  };
  writeFileSync(written, JSON.stringify(config));
  const env = { ...process.env, BACKSTEP_MUTANTS: resolve(list), BACKSTEP_MUTANTS_ROOT: process.cwd() };
  const { status } = spawnSync('npx', ['stryker', 'run', written], { stdio: 'inherit', env });
  if (status !== 0 || !existsSync(report)) {
    throw new Error(
      `mutate: Stryker failed: run BACKSTEP_MUTANTS=${resolve(list)} npx stryker run ${written}`,
    );
  }
  return statuses(report);
}

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
      found.set(place, describe(status, statusReason));
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
    survived: survived.map(({ place: _place, ...mutant }) => mutant),
  };
  const first = { date: today(), ...count({ scope, ...numbers }) };
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
  const scopes = positionals.length > 0 ? positionals : Object.keys(TESTS);
  const seconds = Number(values.seconds);
  const results = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Result[]) : [];
  const keep = (...added: Result[]): void => {
    const others = results.filter(({ scope }) => !added.some((r) => r.scope === scope));
    const all = [...others, ...added].sort((a, b) => (a.scope < b.scope ? -1 : 1));
    writeFileSync(KEPT, `${JSON.stringify(all, null, 1)}\n`);
    writeFileSync('tests/MUTATION.md', record(all));
    for (const one of added) {
      const { noticed, survived, score } = count(one);
      console.log(`${one.scope}: ${noticed} noticed, ${survived} survived: ${score} %`);
    }
  };
  const run = (chosen: readonly Planted[]): Map<string, Status> => stryker(chosen, seconds, values.with);
  if (values.record) keep();
  else if (values.again) keep(...(await survivorsAgain(results, scopes, run)));
  else if (values.sample) {
    for (const scope of scopes) keep(await sampled(scope, Number(values.sample), values.seed, run));
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

/** The result of mutants drawn from a folder: those whose hashes are least, so that a larger sample holds a smaller one. */
async function sampled(scope: string, size: number, seed: string, run: Run): Promise<Result> {
  const all = await listed(filesUnder(scope));
  const hash = (mutant: Mutant): string =>
    createHash('sha256')
      .update(`${seed}\n${identity(mutant)}`)
      .digest('hex');
  const order = all.map((mutant) => ({ mutant, key: hash(mutant) }));
  order.sort((a, b) => (a.key < b.key ? -1 : 1));
  const chosen = order.slice(0, size).map(({ mutant }) => mutant);
  return result(`${scope}, sample ${seed}`, chosen, run(chosen), all.length);
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
