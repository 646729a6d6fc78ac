/**
 * How Stryker runs the tests of a mutant: file by file with its jest runner, until one fails.
 *
 * Stryker's own runner loads every test file for every mutant. This one runs only those that cover the mutant: first
 * those that import its file or noticed others of the same file, then the quickest, and it stops at the first failure.
 * In each file it runs the tests that cover the mutant; if none notices it, all tests of these files, because what a
 * test computed may be cached and used by the next.
 *
 * Stryker counts coverage only in the main thread. What it finds uncovered may run in a worker thread, where the mutant is
 * active, too: it is tried with the test files that start one.
 *
 * BACKSTEP_MUTANTS names a JSON file: `tests` are the names of the test files for each source file, `threaded` those of
 * all that start threads, `mutants` is the number of mutants in these files, and `places` are those to run. `log` is the
 * file that gets a line for each.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import process from 'node:process';
import { PluginKind, declareFactoryPlugin } from '@stryker-mutator/api/plugin';
import { MutantRunStatus } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';

/** What the dry run found, in the sandbox, for the process that replaces this one after an endless loop. */
const FOUND = 'mutation-tests.json';

/** The path of a mutated file in the project. */
const sourceOf = (file) => relative(process.env.BACKSTEP_MUTANTS_ROOT, file);

/** Stryker's jest runner, told which test file to run. */
class FileByFile {
  /**
   * By path: the milliseconds of a test file and, by name, of its tests; the source files that it imports. A plain
   * object, which is kept as JSON.
   */
  files = {};
  /** How many mutants of a source file a test file has noticed: `source test` to a number. */
  kills = new Map();
  /** The test file of the run that is under way; none in the dry run. */
  file = undefined;

  constructor(jest) {
    this.jest = jest;
    const { tests, threaded, mutants, places, log } = JSON.parse(
      readFileSync(process.env.BACKSTEP_MUTANTS, 'utf8'),
    );
    this.tests = tests;
    this.threaded = threaded;
    this.mutants = mutants;
    this.log = log;
    this.places = new Set(places);
    const adapter = jest.jestTestAdapter;
    jest.jestTestAdapter = {
      run: async (settings) => {
        if (this.file) return adapter.run({ ...settings, testFiles: [this.file] });
        const [began, usedBefore] = [Date.now(), process.cpuUsage()];
        const answer = await adapter.run(settings);
        const { user, system } = process.cpuUsage(usedBefore);
        const share = Math.min(1, (user + system) / 1000 / (Date.now() - began));
        for (const { testFilePath, testResults, perfStats } of answer.results.testResults) {
          const tests = Object.fromEntries(
            testResults.map(({ fullName, duration }) => [fullName, share * (duration ?? 0)]),
          );
          const text = readFileSync(testFilePath, 'utf8');
          const imports = [...text.matchAll(/from '\.\.\/(.+)'/g)].map(([, path]) => `${path}.ts`);
          this.files[testFilePath] = { tests, time: share * perfStats.runtime, imports };
        }
        return answer;
      },
    };
  }

  capabilities() {
    return this.jest.capabilities();
  }

  async init() {
    await this.jest.init();
    if (existsSync(FOUND)) this.files = JSON.parse(readFileSync(FOUND, 'utf8'));
  }

  async dryRun(options) {
    this.file = undefined;
    const result = await this.jest.dryRun(options);
    if (result.mutantCoverage) this.coverByThreads(result.mutantCoverage);
    writeFileSync(FOUND, JSON.stringify(this.files));
    return result;
  }

  /** Lets the tests of the files that start a thread cover all mutants that no test covers. */
  coverByThreads({ static: always, perTest }) {
    const covered = new Set([always, ...Object.values(perTest)].flatMap(Object.keys));
    const tests = Object.entries(this.files).flatMap(([path, file]) =>
      this.threaded.includes(basename(path)) ? Object.keys(file.tests) : [],
    );
    for (const test of tests) {
      const of = (perTest[test] ??= {});
      for (let id = 0; id < this.mutants; id++) if (!covered.has(String(id))) of[id] = 1;
    }
  }

  /**
   * The runs to try, the most promising first: a test file, with the names of its tests or, for all, without. First
   * those that cover the mutant; then the other tests of these files.
   */
  runs(source, covering) {
    const files = Object.entries(this.files).flatMap(([path, { tests, time, imports }]) => {
      const some = covering?.filter((test) => test in tests);
      if (some?.length === 0 || !this.tests[sourceOf(source)].includes(basename(path))) return [];
      const own = imports.includes(sourceOf(source));
      const kills = this.kills.get(`${source} ${path}`) ?? 0;
      const rest = Object.keys(tests).filter((test) => some && !some.includes(test));
      const others = rest.reduce((sum, test) => sum + tests[test], 0);
      const cost = time - others;
      return [{ path, some, rest, cost, time, rank: (kills + (own ? 3 : 0) + 0.1) / (cost + 500) }];
    });
    files.sort((p, q) => q.rank - p.rank);
    const whole = files.filter(({ rest }) => rest.length > 0);
    return [...files.map(({ path, some }) => ({ path, some })), ...whole.map(({ path }) => ({ path }))];
  }

  async mutantRun(options) {
    const { testFilter: covering, activeMutant } = options;
    const { fileName, location, mutatorName, replacement } = activeMutant;
    const { start, end } = location;
    const place = JSON.stringify([
      sourceOf(fileName),
      ...[start.line, start.column, end.line, end.column],
      ...[mutatorName, replacement],
    ]);
    if (!this.places.has(place)) return { status: MutantRunStatus.Survived, nrOfTests: 0 };
    const began = Date.now();
    const { result, test } = await this.tried(options, this.runs(fileName, covering));
    const seconds = (Date.now() - began) / 1000;
    appendFileSync(this.log, `${JSON.stringify({ place, status: result.status, test, seconds })}\n`);
    return result;
  }

  /** The first result other than survival, and the test file that gave it. */
  async tried(options, runs) {
    let result = { status: MutantRunStatus.Survived, nrOfTests: 0 };
    for (const { path, some } of runs) {
      this.file = path;
      result = await this.jest.mutantRun({ ...options, testFilter: some });
      if (result.status === MutantRunStatus.Survived) continue;
      const key = `${options.activeMutant.fileName} ${path}`;
      this.kills.set(key, (this.kills.get(key) ?? 0) + 1);
      return { result, test: basename(path) };
    }
    return { result };
  }
}

const runner = (injector) => new FileByFile(injector.injectFunction(jestPlugins[0].factory));
runner.inject = ['$injector'];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'file-by-file', runner)];
