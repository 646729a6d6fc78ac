/** One run or sweep at a time in a folder: two would overwrite each other's files. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../io/files';
import { failure } from './errors';
import { outFolder } from './outfolder';

/**
 * Takes the folder for this process; a lock that a killed process left behind is taken over. It is given back at the latest
 * when the process ends.
 *
 * @param kind what wants the folder; it names the lock.
 * @returns what gives it back.
 * @throws CommandError when another process has it, or it cannot be written to.
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
    // in a container that was started again, the killed process may have had our own number
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
