'use strict';

// `node -r ./scripts/register.js FILE.ts` runs TypeScript from source without checking types (that is
// `npm run typecheck`); swc compiles. Worker threads inherit the `-r`, except under jest, where a worker has
// to be given it: `execArgv: ['-r', '…/scripts/register.js']`.
require('ts-node').register({ swc: true, cwd: require('node:path').join(__dirname, '..') });
