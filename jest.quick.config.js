'use strict';

/** What `npm test` runs: every test but those in `NAME.slow.test.ts`. */
/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.js'),
  testPathIgnorePatterns: ['/node_modules/', '\\.slow\\.test\\.ts$'],
  // scripts/coverage.ts adds up both halves and looks at the thresholds
  coverageDirectory: 'coverage/quick',
  coverageReporters: ['json'],
  coverageThreshold: {},
};
