'use strict';

const { writeFileSync } = require('node:fs');

/** A jest reporter that leaves the closing line of CI in the file that BACKSTEP_TEST_COUNT names. */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    // a suite that does not even load has failed, though it counts no test
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
    writeFileSync(process.env.BACKSTEP_TEST_COUNT, line);
  }
};
