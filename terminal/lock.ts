/** Locks a folder for one run or sweep at a time; two would overwrite each other's files. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../io/files';
import { failure } from './errors';
import { outFolder } from './outfolder';

/**
 * Locks the folder for this process; a lock left behind by a killed process is taken over. It is released when the process
 * ends, at the latest.
 *
 * @param kind the kind of work; it names the lock.
 * @returns a function that releases the lock.
 * @throws CommandError when another process holds the lock, or the folder is not writable.
 */
export function lock(folder: string, kind: { command: string; noun: string }): () => void {
  const { command, noun } = kind;
  const file = join(folder, `${command}.lock`);
  const take = (): boolean =>
    outFolder(command, folder, () => {
      try {
        writeFileSync(file, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      }
    });
  if (!take()) {
    const [pid, host] = readFileSync(file, 'utf8').trim().split(' ');
    // in a restarted container, the killed process may have had our own process id
    const left = Number(pid) === process.pid || !isRunning(Number(pid));
    if (host === hostname() && left) rmSync(file, { force: true });
    if (!take())
      throw failure(
        `${command}: ${folder} must be used by one ${noun} at a time, got a second one (process ${pid} on ${host} is using it)`,
        `wait, or use another folder by --out DIR; if that process no longer runs, delete ${file}`,
      );
  }
  const release = (): void => {
    process.removeListener('exit', release);
    // the folder may have gone
    if (existsSync(file)) rmSync(file);
  };
  process.on('exit', release);
  return release;
}
