/** Node's own modules, for code that also has to load where there is no Node. */
import type * as fs from 'node:fs';
import type * as os from 'node:os';
import type * as workerThreads from 'node:worker_threads';

interface Builtins {
  'node:fs': typeof fs;
  'node:os': typeof os;
  'node:worker_threads': typeof workerThreads;
}

/**
 * One of Node's own modules, or undefined in a page: there an import at the top of a file would fail with all that
 * imports it.
 */
export async function builtin<Name extends keyof Builtins>(name: Name): Promise<Builtins[Name] | undefined> {
  if (typeof process === 'undefined') return undefined;
  // asked for by name first: jest has no import()
  const found = process.getBuiltinModule?.(name) as Builtins[Name] | undefined;
  if (found) return found;
  return (import(name) as Promise<Builtins[Name]>).catch(() => undefined);
}
