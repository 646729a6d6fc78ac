'use strict';

const { readFileSync, writeFileSync } = require('node:fs');

/** The count in a line such as "7 passed, 1 failed, 2 skipped" for the given word. */
const counted = (line, what) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);

/**
 * A jest reporter that writes the closing line of CI to the file named by BACKSTEP_TEST_COUNT, adding the counts that
 * an earlier run left there.
 */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const file = process.env.BACKSTEP_TEST_COUNT;
    const before = readFileSync(file, { encoding: 'utf8', flag: 'a+' });
    const passed = counted(before, 'passed') + results.numPassedTests;
    // a suite that fails to load counts as a failure, though it reports no test
    const failed = counted(before, 'failed') + results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = counted(before, 'skipped') + results.numPendingTests + results.numTodoTests;
    writeFileSync(file, `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
};
