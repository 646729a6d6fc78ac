'use strict';

// `node -r ./scripts/register.js FILE.ts` runs TypeScript from source without type-checking (`npm run typecheck` does
// that). ts-node compiles with swc; the output is cached in node_modules/.cache, so that the next process reads it
// there instead of loading ts-node. Worker threads inherit the `-r`, except under jest, where it must be passed:
// `execArgv: ['-r', '…/scripts/register.js']`.
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

// one cache file per source, so that the cache stays bounded: its first line identifies the input
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
    // several processes may write the same file: each writes its own, and the last rename wins
    const own = `${kept}.${process.pid}.${threadId}`;
    writeFileSync(own, text);
    renameSync(own, kept);
  } catch {
    // if the cache is not writable, every process compiles for itself
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
