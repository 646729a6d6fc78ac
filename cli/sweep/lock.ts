/** One sweep at a time in a folder: two would run the same trials twice. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../../io/files';
import { failure } from '../errors';
import { outFolder } from '../outfolder';

/**
 * Takes the folder for this process; a lock that a killed process left behind is taken over.
 * @returns what gives it back.
 * @throws CommandError when another process has it, or it cannot be written to.
 */
export function lock(folder: string): () => void {
  const file = join(folder, 'sweep.lock');
  const take = (): boolean =>
    outFolder('sweep', folder, () => {
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
        `sweep: ${folder} must belong to one sweep at a time, got another one that runs (process ${pid} on ${host})`,
        `wait for it, or --out DIR; if there is none, remove ${file}`,
      );
  }
  return () => rmSync(file, { force: true });
}
