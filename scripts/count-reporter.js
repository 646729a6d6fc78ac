'use strict';

const { readFileSync, writeFileSync } = require('node:fs');

/** How many a line such as "7 passed, 1 failed, 2 skipped" counts as this. */
const counted = (line, what) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);

/**
 * A jest reporter that leaves the closing line of CI in the file that BACKSTEP_TEST_COUNT names. What a run before has
 * left there is added.
 */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const file = process.env.BACKSTEP_TEST_COUNT;
    const before = readFileSync(file, { encoding: 'utf8', flag: 'a+' });
    const passed = counted(before, 'passed') + results.numPassedTests;
    // a suite that does not even load has failed, though it counts no test
    const failed = counted(before, 'failed') + results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = counted(before, 'skipped') + results.numPendingTests + results.numTodoTests;
    writeFileSync(file, `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
};
