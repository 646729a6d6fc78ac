/**
 * The path of the file that worker threads run, in the folder of this file. In bundles, scripts/build.ts replaces
 * `__filename` by the path that this file would have beside them.
 */
import { mustBe } from '../../core/check';

/** @throws TypeError if a bundler has moved this code, because the path would then be wrong. */
export function workerFile(): string {
  const file = __filename.replace(/workerfile(?=\.[jt]s$)/, 'worker');
  mustBe(
    file !== __filename,
    'parallel',
    'backstep must be loaded from its own files',
    __filename,
    'a bundle holds no file for worker threads: mark backstep as external, or use threads: 1',
  );
  return file;
}
