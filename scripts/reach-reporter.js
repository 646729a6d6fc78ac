'use strict';

const { createHash } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const { relative } = require('node:path');
const process = require('node:process');
const workers = require('node:worker_threads');

/**
 * Whether more ran of a source file than when it is loaded: a function, or the getter of an export. The first function is
 * the file itself; swc adds those that define the exports.
 */
const ran = ({ result }) =>
  result.functions
    .slice(1)
    .some(({ functionName, ranges }) => ranges[0].count > 0 && !/^_(export|interop)/.test(functionName));

/** Number of worker threads that were started. */
let started = 0;
workers.Worker = class extends workers.Worker {
  constructor(...given) {
    super(...given);
    started++;
  }
};

/**
 * A jest reporter for `npm run mutate`, one process, with V8 coverage. It adds to the file named by BACKSTEP_REACH, for
 * each test file: a hash of it, its seconds of processor time, the source files that it uses in the main thread, and
 * whether it starts others.
 */
module.exports = class ReachReporter {
  used = process.cpuUsage();
  before = 0;

  onTestResult({ path }, { v8Coverage = [], numFailingTests }) {
    const { user, system } = process.cpuUsage(this.used);
    this.used = process.cpuUsage();
    const threads = started > this.before;
    this.before = started;
    if (numFailingTests > 0) throw new Error(`mutate: ${path} fails without any mutant`);
    const kept = JSON.parse(readFileSync(process.env.BACKSTEP_REACH, 'utf8'));
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
    const files = v8Coverage.filter(ran).map(({ result }) => relative('', result.url));
    kept[relative('tests', path)] = { hash, seconds: (user + system) / 1e6, threads, files: files.sort() };
    writeFileSync(process.env.BACKSTEP_REACH, `${JSON.stringify(kept)}\n`);
  }
};
