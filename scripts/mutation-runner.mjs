/**
 * How Stryker runs the tests of a mutant: file by file with its jest runner, until one fails.
 *
 * Stryker's own runner loads every test file for every mutant. This one runs only those that cover the mutant: first
 * the file's own and those that noticed others of the same file, then the quickest, and it stops at the first failure.
 * In each file it runs the tests that cover the mutant; if none notices it, all tests of these files, because what a
 * test computed may be cached and used by the next.
 *
 * BACKSTEP_MUTANTS names a JSON file: `seconds` bounds the time of one mutant's tests, `places` are the mutants to run.
 * All others are passed over. `log` is the file that gets a line for each.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { PluginKind, declareFactoryPlugin } from '@stryker-mutator/api/plugin';
import { MutantRunStatus } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';

/** What the dry run found, in the sandbox, for the process that replaces this one after an endless loop. */
const FOUND = 'mutation-tests.json';

/** Stryker's jest runner, told which test file to run. */
class FileByFile {
  /** By path: the names of a test file's tests, and the milliseconds that it takes, loading included. */
  files = new Map();
  /** How many mutants of a source file a test file has noticed: `source test` to a number. */
  kills = new Map();
  /** The test file of the run that is under way; none in the dry run. */
  file = undefined;

  constructor(jest) {
    this.jest = jest;
    const { seconds, places, log } = JSON.parse(readFileSync(process.env.BACKSTEP_MUTANTS, 'utf8'));
    this.seconds = seconds;
    this.log = log;
    this.places = new Set(places);
    const adapter = jest.jestTestAdapter;
    jest.jestTestAdapter = {
      run: async (settings) => {
        if (this.file) return adapter.run({ ...settings, testFiles: [this.file] });
        const answer = await adapter.run(settings);
        for (const { testFilePath, testResults, perfStats } of answer.results.testResults) {
          const names = testResults.map(({ fullName }) => fullName);
          this.files.set(testFilePath, { names: new Set(names), time: perfStats.runtime });
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
    if (!existsSync(FOUND)) return;
    const found = JSON.parse(readFileSync(FOUND, 'utf8'));
    this.files = new Map(found.map(({ path, names, time }) => [path, { names: new Set(names), time }]));
  }

  async dryRun(options) {
    this.file = undefined;
    const result = await this.jest.dryRun(options);
    const found = [...this.files].map(([path, { names, time }]) => ({ path, names: [...names], time }));
    writeFileSync(FOUND, JSON.stringify(found));
    return result;
  }

  /** The test files to try, the most promising first, within the bound. */
  order(source, covering) {
    const name = basename(source, '.ts');
    const rank = ([path, { time }]) => {
      const test = basename(path, '.test.ts');
      const own = test === name || test.startsWith(`${name}-`);
      return ((this.kills.get(`${source} ${path}`) ?? 0) + (own ? 3 : 0) + 0.1) / (time + 500);
    };
    const sorted = [...this.files]
      .filter(([, { names }]) => covering === undefined || covering.some((test) => names.has(test)))
      .map((entry) => ({ path: entry[0], ...entry[1], rank: rank(entry) }))
      .sort((p, q) => q.rank - p.rank);
    let left = this.seconds * 1000;
    return sorted.filter(({ time }, k) => (left -= time) >= 0 || k === 0);
  }

  async mutantRun(options) {
    const { testFilter: covering, activeMutant } = options;
    const { fileName, location, mutatorName, replacement } = activeMutant;
    const { start, end } = location;
    const place = JSON.stringify([
      relative(process.env.BACKSTEP_MUTANTS_ROOT, fileName),
      ...[start.line, start.column, end.line, end.column],
      ...[mutatorName, replacement],
    ]);
    if (!this.places.has(place)) return { status: MutantRunStatus.Survived, nrOfTests: 0 };
    const began = Date.now();
    const { result, test } = await this.tried(options, this.order(fileName, covering));
    const seconds = (Date.now() - began) / 1000;
    appendFileSync(this.log, `${JSON.stringify({ place, status: result.status, test, seconds })}\n`);
    return result;
  }

  /** The first result other than survival, and the test file that gave it. */
  async tried(options, files) {
    const { testFilter: covering, activeMutant } = options;
    let result = { status: MutantRunStatus.Survived, nrOfTests: 0 };
    for (const whole of covering === undefined ? [true] : [false, true]) {
      for (const { path, names } of files) {
        const some = covering?.filter((test) => names.has(test));
        if (whole && some?.length === names.size) continue;
        this.file = path;
        result = await this.jest.mutantRun({ ...options, testFilter: whole ? undefined : some });
        if (result.status === MutantRunStatus.Survived) continue;
        const key = `${activeMutant.fileName} ${path}`;
        this.kills.set(key, (this.kills.get(key) ?? 0) + 1);
        return { result, test: basename(path) };
      }
    }
    return { result };
  }
}

const runner = (injector) => new FileByFile(injector.injectFunction(jestPlugins[0].factory));
runner.inject = ['$injector'];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'file-by-file', runner)];
