/** One line that identifies the machine, Node version and commit of a measurement. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

export function machine(): string {
  let commit = 'no commit';
  try {
    commit = execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    // not a git checkout
  }
  return `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, ${commit}`;
}
