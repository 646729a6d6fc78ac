/** Reads files, and writes them atomically, with clear error messages. */
import { builtinNow } from '../core/builtin';
import { lazy } from '../core/once';

// loaded when a file is used: a page imports this file, too
const fs = lazy(() => builtinNow('node:fs', 'files'));
const path = lazy(() => builtinNow('node:path', 'files'));

/**
 * Writes a file atomically: at every moment, even after a power failure, either the old or the new version is
 * complete. Writes, syncs and renames a temporary file in the same folder. Missing folders are created. A symbolic
 * link is followed; devices and pipes are written directly.
 *
 * @throws Error naming the file and the reason (`cause` is the system's error); the old file is then intact.
 */
export function writeWhole(file: string, contents: Uint8Array | string): void {
  try {
    if (takesBytes(file)) fs().writeFileSync(file, contents);
    else replace(targetOf(file), contents);
  } catch (error) {
    throw new Error(`write: ${file} must be writable, got ${reasonOf(error)}`, { cause: error });
  }
}

function replace(file: string, contents: Uint8Array | string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    makeFolder(path().dirname(file));
    const handle = fs().openSync(temporary, 'w');
    try {
      fs().writeFileSync(handle, contents);
      fs().fsyncSync(handle);
    } finally {
      fs().closeSync(handle);
    }
    fs().renameSync(temporary, file);
    syncFolder(path().dirname(file));
  } catch (error) {
    // the folder may be missing or not a folder: the first error is the relevant one
    try {
      fs().rmSync(temporary, { force: true });
    } catch {
      /* nothing was written */
    }
    throw error;
  }
}

/** The final target of a path: follows symbolic links, even to a file that does not exist yet. */
function targetOf(file: string): string {
  try {
    return fs().realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const link = fs().lstatSync(file, { throwIfNoEntry: false });
    if (!link?.isSymbolicLink()) return file;
    return targetOf(path().resolve(fs().realpathSync(path().dirname(file)), fs().readlinkSync(file)));
  }
}

/** Whether it is a device or a pipe, which a file must not replace. */
function takesBytes(file: string): boolean {
  const found = fs().statSync(file, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/**
 * Writes a file as `writeWhole` does, but never replaces another: if the name is taken, a number is added. If
 * `kept.bin` exists with other contents, it writes `kept-2.bin`.
 * @returns the name of the file; if a file with the same contents exists, its name.
 */
export function writeBeside(file: string, contents: Uint8Array): string {
  const ending = path().extname(file);
  for (let k = 1; ; k++) {
    const name = k === 1 ? file : `${file.slice(0, -ending.length)}-${k}${ending}`;
    if (!fs().existsSync(name)) {
      writeWhole(name, contents);
      return name;
    }
    if (fs().statSync(name).isFile() && readWhole(name).equals(contents)) return name;
  }
}

/** Removes temporary files that killed writers of this file have left. */
export function clearUp(file: string): void {
  const target = targetOf(file);
  if (!fs().existsSync(path().dirname(target))) return;
  for (const name of fs().readdirSync(path().dirname(target))) {
    const [, of, writer] = /^(.+)\.(\d+)\.tmp$/.exec(name) ?? [];
    if (of === path().basename(target) && !isRunning(Number(writer)))
      fs().rmSync(path().join(path().dirname(target), name), { force: true });
  }
}

/** Whether a process with this id exists on this machine, whoever owns it. */
export function isRunning(id: number): boolean {
  try {
    process.kill(id, 0); // signal 0 only tests for existence
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Creates a folder and its missing parents. mkdir's own `recursive` never returns if the system reports ENOENT. */
export function makeFolder(folder: string): void {
  if (fs().statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (path().dirname(folder) !== folder) makeFolder(path().dirname(folder));
  fs().mkdirSync(folder);
}

/**
 * The bytes of a file.
 * @throws Error naming the file and the reason.
 */
export function readWhole(file: string): Buffer {
  try {
    return fs().readFileSync(file);
  } catch (error) {
    throw new Error(`read: ${file} must be a readable file, got ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The text of a UTF-8 file, without a leading byte order mark.
 * @throws Error naming the file and the reason.
 */
export const readUtf8 = (file: string): string => new TextDecoder().decode(readWhole(file));

/** `file`, or if it is a folder, the first of the names that exists in it, or the first name. */
export function fileIn(file: string, ...names: [string, ...string[]]): string {
  if (!fs().statSync(file, { throwIfNoEntry: false })?.isDirectory()) return file;
  const files = names.map((name) => path().join(file, name));
  return files.find((one) => fs().existsSync(one)) ?? files[0];
}

const reasons: Record<string, string> = {
  ENOSPC: 'a full disk',
  EDQUOT: 'a full quota',
  EFBIG: 'a file that is too large',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'a read-only file system',
  ENOENT: 'no such file',
  EISDIR: 'a folder',
  ENOTDIR: 'a path through something that is no folder',
  EEXIST: 'a path through something that is no folder',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'a name that is too long',
  ELOOP: 'symbolic links that lead in a circle',
};

/** The reason of a system error in plain words: `a full disk (ENOSPC)`. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code !== undefined && code in reasons ? `${reasons[code]} (${code})` : message;
}

/** Makes a rename durable; not every system can sync a folder, and reading the file does not require it. */
function syncFolder(folder: string): void {
  try {
    const handle = fs().openSync(folder, 'r');
    try {
      fs().fsyncSync(handle);
    } finally {
      fs().closeSync(handle);
    }
  } catch {
    /* not possible on this system */
  }
}
