/** Files written whole or not at all, and read with a clear word when that fails. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';

/**
 * Writes a file so that, at every moment and even if the power fails, either the old or the new one is there in full:
 * a temporary file in the same folder is written, synced and renamed. Missing folders are made. A symbolic link stays: the
 * file that it points to is written. A device or a pipe is written to.
 *
 * @throws Error naming the file and the reason (`cause` is the system's); whatever was there before is intact then.
 */
export function writeWhole(file: string, contents: Uint8Array | string): void {
  try {
    if (takesBytes(file)) writeFileSync(file, contents);
    else replace(targetOf(file), contents);
  } catch (error) {
    throw new Error(`write: ${file} must be writable, got ${reasonOf(error)}`, { cause: error });
  }
}

function replace(file: string, contents: Uint8Array | string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(file));
    const handle = openSync(temporary, 'w');
    try {
      writeFileSync(handle, contents);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
    syncFolder(dirname(file));
  } catch (error) {
    // the folder may be missing or no folder at all: the reason that counts is the first one
    try {
      rmSync(temporary, { force: true });
    } catch {
      /* nothing was written */
    }
    throw error;
  }
}

/** The file that a name stands for in the end: symbolic links are followed, to a file that may not be there yet. */
function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const link = lstatSync(file, { throwIfNoEntry: false });
    if (!link?.isSymbolicLink()) return file;
    return targetOf(resolve(realpathSync(dirname(file)), readlinkSync(file)));
  }
}

/** A device or a pipe: a file in its place would be something else. */
function takesBytes(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/**
 * Writes a file as `writeWhole` does, but replaces none: where another has its name, the name gets a number.
 * Beside a file `kept.bin` of other bytes, it writes `kept-2.bin`.
 * @returns the name; that of a file with these very bytes where there is one.
 */
export function writeBeside(file: string, contents: Uint8Array): string {
  const ending = extname(file);
  for (let k = 1; ; k++) {
    const name = k === 1 ? file : `${file.slice(0, -ending.length)}-${k}${ending}`;
    if (!existsSync(name)) {
      writeWhole(name, contents);
      return name;
    }
    if (statSync(name).isFile() && readWhole(name).equals(contents)) return name;
  }
}

/** Removes what writers of this file have left beside it that were killed while they wrote. */
export function clearUp(file: string): void {
  const target = targetOf(file);
  if (!existsSync(dirname(target))) return;
  for (const name of readdirSync(dirname(target))) {
    const [, of, writer] = /^(.+)\.(\d+)\.tmp$/.exec(name) ?? [];
    if (of === basename(target) && !isRunning(Number(writer)))
      rmSync(join(dirname(target), name), { force: true });
  }
}

/** Whether a process of this machine is there, ours or another's. */
export function isRunning(id: number): boolean {
  try {
    process.kill(id, 0); // asks, and sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Makes a folder and those above it that are missing. mkdir's own `recursive` never returns where the system says ENOENT. */
export function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder);
}

/**
 * The bytes of a file.
 * @throws Error naming the file and the reason.
 */
export function readWhole(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`read: ${file} must be a readable file, got ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The text of a UTF-8 file, without the byte order mark that some editors begin it with.
 * @throws Error naming the file and the reason.
 */
export const readUtf8 = (file: string): string => new TextDecoder().decode(readWhole(file));

/** `file`, or the file `name` in it when it is a folder. */
export function fileIn(file: string, name: string): string {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ? join(file, name) : file;
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

/** Makes the renaming itself last; not every system can sync a folder, and none needs it to read the file. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    /* not possible on this system */
  }
}
