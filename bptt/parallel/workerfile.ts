/**
 * Where the file lies that worker threads run: beside this one. In the ES module, which is one file, there is no beside:
 * scripts/build.ts puts other words in this place.
 */
import { mustBe } from '../../core/check';

/** @throws TypeError when a bundler has moved this code: the file would then be some other one. */
export function workerFile(): string | URL {
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
