'use strict';

const rooms = Object.keys(require('./scripts/rooms.json')).filter((room) => !room.includes('/'));

/** All tests: `npx jest tests/lstm` finds quick and slow ones. `npm test` and `npm run test:slow` run one half each. */
/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  // jest leaves a core idle unless told not to
  maxWorkers: '100%',
  // a hang is a failure, a busy machine is not
  testTimeout: 300_000,
  workerGracefulExitTimeout: 60_000,
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  // a look-up of a global in jest's sandbox takes longer than most of what is done with it
  sandboxInjectedGlobals: [
    'Math',
    'Number',
    'Array',
    'Object',
    'Map',
    'Set',
    'Float64Array',
    'Float32Array',
    'Infinity',
  ],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/', '<rootDir>/tests/nodes/'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        // import() must stay import(): the packages loaded that way are ESM only
        module: { type: 'commonjs', ignoreDynamic: true },
        sourceMaps: 'inline',
      },
    ],
  },
  reporters: ['default', ...(process.env.BACKSTEP_TEST_COUNT ? ['<rootDir>/scripts/count-reporter.js'] : [])],
  coverageProvider: 'v8',
  collectCoverageFrom: [`{${rooms.join(',')}}/**/*.ts`, 'index.ts'],
  coverageReporters: ['text', 'json-summary'],
  // of all tests together: CI runs each half with --coverage, and then `npm run coverage`
  coverageThreshold: {
    './core/': { lines: 95 },
    './cells/': { lines: 95 },
    './losses/': { lines: 95 },
    './hopfield/': { lines: 95 },
    './bptt/': { lines: 95 },
  },
};
