'use strict';

/** What `npm run test:slow` runs: `NAME.slow.test.ts`. */
/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.js'),
  testMatch: ['<rootDir>/tests/**/*.slow.test.ts'],
  // scripts/coverage.ts adds up both halves and looks at the thresholds
  coverageDirectory: 'coverage/slow',
  coverageReporters: ['json'],
  coverageThreshold: {},
};
