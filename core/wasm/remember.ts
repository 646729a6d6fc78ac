/**
 * Remembers across processes which modules of 256-bit kernels have passed the self-test, in a file in the user's cache
 * folder, one per V8 version and processor model. If it cannot be written, the test runs in every process.
 */
import type * as FileSystem from 'node:fs';

interface Place {
  fs: typeof FileSystem;
  folder: string;
  file: string;
}

let place: Place | undefined;
let passed: Set<string> | undefined;

function placeOf(): Place {
  const [fs, os, path] = [
    process.getBuiltinModule('node:fs'),
    process.getBuiltinModule('node:os'),
    process.getBuiltinModule('node:path'),
  ];
  const folder = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'backstep');
  const processor = digest(Buffer.from(`${process.versions.v8} ${os.cpus()[0]?.model ?? ''}`));
  return { fs, folder, file: path.join(folder, `wide-${processor}.txt`) };
}

const digest = (bytes: Uint8Array): string =>
  process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('hex').slice(0, 32);

/** Whether this module has passed the self-test on this machine. */
export function hasPassed(bytes: Uint8Array): boolean {
  if (!passed) {
    passed = new Set();
    try {
      place = placeOf();
      passed = new Set(place.fs.readFileSync(place.file, 'utf8').split('\n'));
    } catch {
      // missing or not readable: nothing has passed
    }
  }
  return passed.has(digest(bytes));
}

/** Records that this module has passed. */
export function keepPassed(bytes: Uint8Array): void {
  const name = digest(bytes);
  passed?.add(name);
  try {
    place?.fs.mkdirSync(place.folder, { recursive: true });
    // one appended line, so that concurrent processes do not interfere
    place?.fs.appendFileSync(place.file, `${name}\n`);
  } catch {
    // no cache: the test runs again in the next process
  }
}
