'use strict';

// `node -r ./scripts/register.js FILE.ts` runs TypeScript from source without checking types (that is
// `npm run typecheck`). swc compiles; NODE_OPTIONS stays untouched, so worker threads must ask for it themselves.
require('ts-node').register({ swc: true, cwd: require('node:path').join(__dirname, '..') });
