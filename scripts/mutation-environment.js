'use strict';

const { TestEnvironment } = require('jest-environment-node');

/** Jest's environment for mutants: after the first failure in a file, it skips the other tests. */
module.exports = class extends TestEnvironment {
  handleTestEvent({ name, test }) {
    if (name === 'test_done' && test.errors.length > 0) this.failed = true;
    if (name === 'test_start' && this.failed) test.mode = 'skip';
  }
};
