/** One line on what was measured where; without it no two runs can be compared. */
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
    // not a checkout
  }
  return `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, ${commit}`;
}
