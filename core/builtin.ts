/** Loads Node's built-in modules in code that must also run in browsers. */
import { mustBe } from './check';
import type * as fs from 'node:fs';
import type * as os from 'node:os';
import type * as path from 'node:path';
import type * as workerThreads from 'node:worker_threads';
import type * as zlib from 'node:zlib';

interface Builtins {
  'node:fs': typeof fs;
  'node:os': typeof os;
  'node:path': typeof path;
  'node:worker_threads': typeof workerThreads;
  'node:zlib': typeof zlib;
}

/**
 * One of Node's built-in modules, or undefined in a browser. There, a static import would make this file and all that
 * import it fail.
 */
export async function builtin<Name extends keyof Builtins>(name: Name): Promise<Builtins[Name] | undefined> {
  if (typeof process === 'undefined') return undefined;
  // tried first, because jest has no import()
  const found = process.getBuiltinModule?.(name) as Builtins[Name] | undefined;
  if (found) return found;
  return (import(name) as Promise<Builtins[Name]>).catch(() => undefined);
}

/**
 * The same without waiting, for what only Node can do.
 * @param where prefix of the message.
 * @throws TypeError in a browser, which has no files.
 */
export function builtinNow<Name extends keyof Builtins>(name: Name, where: string): Builtins[Name] {
  const found = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.(name);
  mustBe(found !== undefined, where, 'files must be used in Node', 'a page, or another runtime', 'use bytes');
  return found;
}
