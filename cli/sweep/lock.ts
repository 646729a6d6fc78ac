/** One sweep at a time in a folder: two would run the same trials twice. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder, reasonOf } from '../../io/files';
import { failure } from '../errors';

/**
 * Takes the folder for this process; a lock that a killed process left behind is taken over.
 * @returns what gives it back.
 * @throws CommandError when another process has it, or it cannot be written to.
 */
export function lock(folder: string): () => void {
  const file = join(folder, 'sweep.lock');
  const take = (): boolean => {
    try {
      makeFolder(folder);
    } catch (error) {
      throw unwritable(folder, error);
    }
    try {
      writeFileSync(file, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw unwritable(folder, error);
    }
  };
  if (!take()) {
    const [pid, host] = readFileSync(file, 'utf8').trim().split(' ');
    if (host === hostname() && !lives(Number(pid))) rmSync(file, { force: true });
    if (!take())
      throw failure(
        `sweep: ${folder} must belong to one sweep at a time, got another one that runs (process ${pid} on ${host})`,
        `wait for it, or --out DIR; if there is none, remove ${file}`,
      );
  }
  return () => rmSync(file, { force: true });
}

const unwritable = (folder: string, error: unknown): Error =>
  failure(
    `sweep: --out must be a folder that can be written to, got ${folder}: ${reasonOf(error)}`,
    'another folder: --out DIR',
    error,
  );

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
