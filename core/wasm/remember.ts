/**
 * Which modules of wide kernels have passed the self-test, kept from one process to the next: in a file of the user's cache
 * folder, one for each version of V8 and model of processor. Where it cannot be written, the test is run each time.
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

/** Whether this module passed before, here. */
export function hasPassed(bytes: Uint8Array): boolean {
  if (!passed) {
    passed = new Set();
    try {
      place = placeOf();
      passed = new Set(place.fs.readFileSync(place.file, 'utf8').split('\n'));
    } catch {
      // never written, or not readable: nothing has passed
    }
  }
  return passed.has(digest(bytes));
}

/** Keeps that this module passed. */
export function keepPassed(bytes: Uint8Array): void {
  const name = digest(bytes);
  passed?.add(name);
  try {
    place?.fs.mkdirSync(place.folder, { recursive: true });
    // a line at the end of a file: two processes do not disturb each other
    place?.fs.appendFileSync(place.file, `${name}\n`);
  } catch {
    // no cache here: the test is run again in the next process
  }
}
