'use strict';

// `node -r ./scripts/register.js FILE.ts` runs TypeScript from source without checking types (that is
// `npm run typecheck`). ts-node compiles with swc; what it made of a file is kept in node_modules/.cache, so
// that the next process reads it there instead of loading ts-node. Worker threads inherit the `-r`, except
// under jest, where a worker has to be given it: `execArgv: ['-r', '…/scripts/register.js']`.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { threadId } = require('node:worker_threads');

const root = join(__dirname, '..');
const cache = join(root, 'node_modules', '.cache', 'backstep');
const compiler = [
  ...['ts-node', '@swc/core'].map((name) => require(`${name}/package.json`).version),
  readFileSync(join(root, 'tsconfig.json'), 'utf8'),
];

let service;
function compile(source, file) {
  service ??= require('ts-node').create({ swc: true, cwd: root });
  return service.compile(source, file);
}

// one file for each source, so that nothing grows: the first line says what it was made of
function read(kept, key) {
  try {
    const text = readFileSync(kept, 'utf8');
    return text.startsWith(`${key}\n`) ? text.slice(key.length + 1) : undefined;
  } catch {
    return undefined;
  }
}

function write(kept, text) {
  try {
    mkdirSync(cache, { recursive: true });
    // two processes may write the same file: each writes its own, the last one stays
    const own = `${kept}.${process.pid}.${threadId}`;
    writeFileSync(own, text);
    renameSync(own, kept);
  } catch {
    // where nothing can be written, every process compiles for itself
  }
}

const hash = (...parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

require.extensions['.ts'] = (module, file) => {
  const source = readFileSync(file, 'utf8');
  const key = hash(compiler, source);
  const kept = join(cache, hash(file));
  let code = read(kept, key);
  if (code === undefined) {
    code = compile(source, file);
    write(kept, `${key}\n${code}`);
  }
  module._compile(code, file);
};

process.setSourceMapsEnabled(true);
