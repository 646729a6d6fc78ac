/**
 * How Stryker runs the tests of a mutant: test file by test file with its jest runner, in one process, until one fails.
 *
 * Stryker would first run every test without a mutant, and load every test file for every mutant. This runner does
 * neither. It tries the test files in the order in which they are given, first those that noticed other mutants of the
 * same source file, and those of its folder before what is far. When it needs a test file for the first time, it runs it
 * without a mutant, to learn which of its tests cover which mutant. Of a file that covers the mutant it runs those tests;
 * if all files let it pass, they run once more as a whole, because what a test computed may be cached and used by the next.
 *
 * Coverage is counted only in the main thread. A mutant that no test covers may run in a worker thread, where it is
 * active, too: it is tried with the test files that start one.
 *
 * The load of the machine changes no result: the bound is processor time, and an endless loop is found by counting, or by
 * the processor time that a test needs.
 *
 * BACKSTEP_MUTANTS names a JSON file: `tried` has the test files for each source file, in order, `threaded` those that
 * start threads, `seconds` is the processor time for one mutant, and `places` are the mutants to run. `log` is the file that gets a line for each, and `known` one for what
 * the test files do without a mutant. A run that was stopped goes on from both.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import console from 'node:console';
import process from 'node:process';
import { URL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { PluginKind, declareFactoryPlugin } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus, TestStatus } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';

const jestRunner = import.meta.resolve('@stryker-mutator/jest-runner');
/** What Stryker's runner shares with the tests: it keeps the coverage of one run for the next. */
const { state } = await import(new URL('jest-plugins/messaging.cjs', jestRunner).href);

/** How many times as often as without a mutant a statement may run, as in Stryker, or as much processor time be used. */
const MOST_HITS = 100;
const MOST_TIMES = 20;
/** As many test files that cannot even be loaded with a mutant refuse it: no other one can tell more. */
const MOST_REFUSED = 3;
/** Seconds of processor time that are added, for tests that take almost none. */
const GRACE = 30;

/** Seconds of processor time of this process. */
const used = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Ends the process when it has used more processor time than it was told last, after writing a line to the log. */
const watchdog = `
  const { appendFileSync } = require('node:fs');
  const { parentPort, workerData } = require('node:worker_threads');
  let run;
  parentPort.on('message', (next) => (run = next));
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    if (!run || (user + system) / 1e6 < run.end) return;
    appendFileSync(workerData, JSON.stringify(run.line) + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;

const linesOf = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

const survived = { status: MutantRunStatus.Survived, nrOfTests: 0 };

/** Stryker's jest runner, told which test file to run. */
class FileByFile {
  /** How many mutants of a source file, or of its folder, a test file has noticed: `source test` to a number. */
  kills = new Map();
  /** The test file of the run that is under way. */
  file = '';

  constructor(jest) {
    this.jest = jest;
    const job = JSON.parse(readFileSync(process.env.BACKSTEP_MUTANTS, 'utf8'));
    const { tried, threaded, seconds, places, log, known } = job;
    Object.assign(this, { tests: tried, threaded, seconds, log, known });
    this.wanted = new Set(places);
    const before = linesOf(log);
    this.results = new Map(before.map(({ place, result }) => [place, result]));
    for (const { place, test, result } of before) this.count(JSON.parse(place)[0], test, result);
    this.without = new Map(linesOf(known).map((line) => [line.test, line]));
    const adapter = jest.jestTestAdapter;
    jest.jestTestAdapter = {
      run: (settings) => adapter.run({ ...settings, testFiles: [resolve('tests', this.file)] }),
    };
    this.guard = new Worker(watchdog, { eval: true, workerData: log });
    this.guard.unref();
  }

  capabilities() {
    return this.jest.capabilities();
  }

  init() {
    return this.jest.init();
  }

  /** What Stryker takes for the first run of all tests; each test file is run when it is needed. */
  dryRun() {
    const test = { id: 'tests', name: 'tests', status: TestStatus.Success, timeSpentMs: 0 };
    return { status: DryRunStatus.Complete, tests: [test] };
  }

  /** A test file without a mutant: its seconds, and how often which test comes to each mutant; undefined if it fails. */
  async withoutMutant(test) {
    const known = this.without.get(test);
    if (known) return known.fails ? undefined : known;
    this.file = test;
    state.instrumenterContext = {};
    const began = used();
    const { status, tests = [] } = await this.jest.dryRun({ coverageAnalysis: 'perTest', files: [] });
    const seconds = used() - began;
    const fails = status !== DryRunStatus.Complete || tests.some((one) => one.status === TestStatus.Failed);
    const { static: always = {}, perTest = {} } = state.instrumenterContext.mutantCoverage ?? {};
    const line = { test, fails, seconds, tests: tests.map(({ name }) => name), always, perTest };
    this.without.set(test, line);
    appendFileSync(this.known, `${JSON.stringify(line)}\n`);
    if (fails) console.error(`mutate: tests/${test} is left out, because it fails without a mutant`);
    return fails ? undefined : line;
  }

  async mutantRun(options) {
    const { fileName, location, mutatorName, replacement } = options.activeMutant;
    const { start, end } = location;
    const source = relative(process.env.BACKSTEP_MUTANTS_ROOT, fileName);
    const place = JSON.stringify([
      source,
      ...[start.line, start.column, end.line, end.column],
      ...[mutatorName, replacement],
    ]);
    if (!this.wanted.has(place)) return survived;
    const before = this.results.get(place);
    if (before) return before;
    const began = used();
    const { result, test } = await this.tried(options, source, place);
    const line = { place, result, test, seconds: used() - began };
    appendFileSync(this.log, `${JSON.stringify(line)}\n`);
    return result;
  }

  killsOf(of, test) {
    return this.kills.get(`${of} ${test}`) ?? 0;
  }

  /** Counts a mutant of a source file that a test file has noticed. */
  count(source, test, { status }) {
    if (status !== MutantRunStatus.Killed && status !== MutantRunStatus.Timeout) return;
    for (const of of [source, dirname(source)]) this.kills.set(`${of} ${test}`, this.killsOf(of, test) + 1);
  }

  /**
   * The test files in the order in which they are tried: first those that noticed others of this source file, then the
   * three that are nearest, then those that noticed others of its folder.
   */
  ordered(source, tests) {
    const folder = dirname(source);
    const ranked = tests.map((test, k) => ({
      test,
      own: this.killsOf(source, test),
      near: k < 3 ? Infinity : this.killsOf(folder, test),
    }));
    ranked.sort((p, q) => q.own - p.own || (p.near === q.near ? 0 : q.near - p.near));
    return ranked.map(({ test }) => test);
  }

  /** The first result other than survival, and the test file that gave it. */
  async tried(options, source, place) {
    const { id } = options.activeMutant;
    const { tests, aside } = this.tests[source];
    const order = this.ordered(source, tests);
    const inThreads = [];
    const whole = [];
    const refused = [];
    let left = this.seconds;
    let isCovered = false;
    const attempt = async (known, covering) => {
      const result = await this.attempt(options, place, known, covering);
      this.count(source, known.test, result);
      return { result, test: known.test };
    };
    for (const test of order) {
      if (left <= 0) break;
      const known = await this.withoutMutant(test);
      if (!known) continue;
      const covering = known.tests.filter((name) => known.perTest[name]?.[id]);
      const always = aside || id in known.always;
      if (!always && covering.length === 0) {
        if (this.threaded.includes(test)) inThreads.push(known);
        continue;
      }
      isCovered = true;
      left -= known.seconds;
      const found = await attempt(known, always ? undefined : covering);
      if (found.result.status === MutantRunStatus.Error) {
        refused.push(found);
        if (refused.length === MOST_REFUSED) return found;
        continue;
      }
      if (found.result.status !== MutantRunStatus.Survived) return found;
      if (!always && covering.length < known.tests.length) whole.push(known);
    }
    left = this.seconds;
    for (const known of isCovered ? whole : inThreads) {
      if (left <= 0) break;
      left -= known.seconds;
      const found = await attempt(known);
      if (found.result.status !== MutantRunStatus.Survived) return found;
    }
    return refused[0] ?? { result: survived };
  }

  /** One test file with the mutant: these of its tests, or all. */
  async attempt(options, place, known, covering) {
    const { id } = options.activeMutant;
    const hits = [known.always, ...Object.values(known.perTest)].reduce((sum, of) => sum + (of[id] ?? 0), 0);
    const result = { status: MutantRunStatus.Timeout, reason: 'processor time' };
    this.file = known.test;
    this.guard.postMessage({
      end: used() + MOST_TIMES * known.seconds + GRACE,
      line: { place, result, test: known.test },
    });
    const hitLimit = hits > 0 ? MOST_HITS * hits : undefined;
    const found = await this.jest.mutantRun({ ...options, testFilter: covering, hitLimit });
    this.guard.postMessage(undefined);
    // a test that waited for what never came, or only for a busy machine
    const isLate =
      found.status === MutantRunStatus.Killed && /Exceeded timeout of/.test(found.failureMessage);
    return isLate ? { status: MutantRunStatus.Timeout, reason: 'time' } : found;
  }
}

const runner = (injector) => new FileByFile(injector.injectFunction(jestPlugins[0].factory));
runner.inject = ['$injector'];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'file-by-file', runner)];
