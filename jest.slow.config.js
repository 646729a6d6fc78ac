'use strict';

/** What `npm run test:slow` runs: `NAME.slow.test.ts`. */
/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.js'),
  testMatch: ['<rootDir>/tests/**/*.slow.test.ts'],
};
