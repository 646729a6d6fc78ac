/** Lists the files of a folder. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../core/check';

/**
 * The files in a folder and its subfolders, relative to it and sorted by name in each, without hidden ones. Symbolic links
 * are followed.
 *
 * @throws RangeError for a link that leads nowhere or into a folder that holds it, and for what is no file: nothing is skipped
 *   silently.
 */
export function filesUnder(folder: string): string[] {
  const where = `folder: ${folder}`;
  const inside = (path: string, holders: readonly string[]): string[] => {
    const real = realpathSync(join(folder, path));
    must(!holders.includes(real), where, 'links must not lead into a folder that holds them', path);
    return readdirSync(join(folder, path))
      .filter((name) => !name.startsWith('.'))
      .sort()
      .flatMap((name) => {
        const own = join(path, name);
        const stats = statSync(join(folder, own), { throwIfNoEntry: false });
        must(stats !== undefined, where, 'links must lead to a file', `${own}, which leads nowhere`);
        if (stats.isDirectory()) return inside(own, [...holders, real]);
        must(stats.isFile(), where, 'it must hold files and folders only', `${own}, which is neither`);
        return [own];
      });
  };
  return inside('', []);
}
