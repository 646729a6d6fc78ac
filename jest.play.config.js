'use strict';

/** The built page in Chromium: `npm run test:play`. Apart from the other tests, which need no browser. */
/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.js'),
  testMatch: ['<rootDir>/playground/tests/**/*.test.ts'],
  reporters: ['default'],
  // one browser at a time
  maxWorkers: 1,
};
