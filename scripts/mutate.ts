/**
 * Mutation testing with Stryker: plants mistakes in the source, one at a time, and counts those that no test notices.
 *
 *   npm run mutate -- cells/lstm.ts                      one file, in minutes
 *   npm run mutate -- cells hopfield/recall.ts           every file of a folder, and another
 *   npm run mutate -- cells/gru.ts --with jacobian       with another test file, for mutants that survive its own tests
 *   npm run mutate                                       core, cells, bptt, hopfield, io: days on one core
 *
 * A mutant first runs against the file's own tests, `tests/NAME.test.ts` or `tests/NAME-….test.ts`; if there are
 * none, against all quick tests that import the file. Survivors then run against the tests of `--with`. The whole
 * suite is never run, so a score is a lower bound. The results of each file are kept in `.cache/mutation`, from which
 * `tests/MUTATION.md` is generated.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { count, record, same, type Mutant, type Result } from './mutation-record';

const FOLDERS = ['core', 'cells', 'losses', 'bptt', 'hopfield', 'io'];
const CACHE = '.cache/mutation';
/** Quick tests only: each mutant takes as long as its tests. */
const tests = readdirSync('tests').filter(
  (name) => name.endsWith('.test.ts') && !name.endsWith('.slow.test.ts'),
);

/** The tests that belong to a file by name. */
const ownTests = (file: string): string[] => {
  const name = basename(file, '.ts');
  return tests.filter((test) => test === `${name}.test.ts` || test.startsWith(`${name}-`));
};

/** The tests that import a file directly. */
const importers = (file: string): string[] =>
  tests.filter((test) =>
    readFileSync(join('tests', test), 'utf8').includes(`from '../${file.replace(/\.ts$/, '')}'`),
  );

/** Runs Stryker with these tests over a file, or over some ranges of it. */
function stryker(file: string, places: readonly string[], withTests: readonly string[]): Mutant[] {
  const report = join(CACHE, 'stryker.json');
  const config = {
    testRunner: 'jest',
    plugins: ['@stryker-mutator/jest-runner'],
    coverageAnalysis: 'perTest',
    mutate: places,
    concurrency: 1,
    tempDirName: '.cache/stryker',
    ignorePatterns: ['.git', 'coverage', 'dist', 'docs/.book', 'docs/site', 'runs'],
    jest: {
      projectType: 'custom',
      configFile: 'jest.config.js',
      enableFindRelatedTests: false,
      config: { testMatch: withTests.map((test) => `<rootDir>/tests/${test}`) },
    },
    reporters: ['json'],
    jsonReporter: { fileName: report },
    // many mutants are in code that runs when a module is loaded: they count like all others
    warnings: { slow: false },
    // the time limit that detects endless loops, generous enough for a busy machine
    timeoutMS: 20_000,
  };
  const written = join(CACHE, 'config.json');
  writeFileSync(written, JSON.stringify(config));
  const { status } = spawnSync('npx', ['stryker', 'run', written], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`mutate: Stryker failed on ${file}: run npx stryker run ${written}`);
  const { files } = JSON.parse(readFileSync(report, 'utf8')) as {
    files: Record<string, { source: string; mutants: Mutant[] }>;
  };
  const { source, mutants } = files[file] ?? { source: '', mutants: [] };
  const lines = source.split('\n');
  return mutants.map(({ mutatorName, replacement, status, location }) => ({
    ...{ mutatorName, replacement, status, location },
    line: lines[location.start.line - 1].trim(),
  }));
}

const passed = ({ status }: Mutant): boolean => status === 'Survived' || status === 'NoCoverage';
const placeOf = (file: string, { location: { start, end } }: Mutant): string =>
  `${file}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`;

function mutate(file: string, others: readonly string[]): Result {
  const began = Date.now();
  const own = ownTests(file);
  const first = own.length > 0 ? own : importers(file);
  const rounds = [first, others.filter((test) => !first.includes(test))].filter((round) => round.length > 0);
  let mutants: Mutant[] = [];
  for (const [k, round] of rounds.entries()) {
    const left = mutants.filter(passed);
    if (k > 0 && left.length === 0) break;
    const found = stryker(file, k === 0 ? [file] : left.map((mutant) => placeOf(file, mutant)), round);
    mutants =
      k === 0
        ? found
        : mutants.map((mutant) => (passed(mutant) ? (found.find((m) => same(m, mutant)) ?? mutant) : mutant));
  }
  return {
    file,
    hash: createHash('sha256').update(readFileSync(file)).digest('hex'),
    date: new Date().toISOString().slice(0, 10),
    minutes: (Date.now() - began) / 60_000,
    tests: rounds.flat(),
    mutants,
  };
}

/** Every source file under a path. */
function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

if (!existsSync('jest.config.js')) throw new Error('mutate: run it from the folder of package.json');
mkdirSync(CACHE, { recursive: true });
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { with: { type: 'string', multiple: true, default: [] } },
});
const others = values.with.map((name) => `${name}.test.ts`);
for (const file of (positionals.length > 0 ? positionals : FOLDERS).flatMap(filesUnder)) {
  const kept = join(CACHE, `${file.replaceAll('/', '+')}.json`);
  const result = mutate(file, others);
  writeFileSync(kept, JSON.stringify(result));
  const { noticed, refused, survived, score } = count(result.mutants);
  console.log(
    `${file}: ${noticed} noticed, ${refused} refused when loaded, ${survived} survived: ${score} % (${result.minutes.toFixed(1)} min)`,
  );
  const results = readdirSync(CACHE)
    .filter((name) => name.includes('+'))
    .map((name) => JSON.parse(readFileSync(join(CACHE, name), 'utf8')) as Result);
  writeFileSync('tests/MUTATION.md', record(results));
}
