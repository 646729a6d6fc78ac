/** Creates the folder that --out names, before the work starts, so that an error comes early. */
import { accessSync, constants } from 'node:fs';
import { makeFolder, reasonOf } from '../io/files';
import { failure } from './errors';

/**
 * Creates the folder if it is missing, and runs `work`, which prepares it.
 * @throws CommandError when the folder cannot be created or written to.
 */
export function outFolder<T>(command: string, folder: string, work: () => T): T {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return work();
  } catch (error) {
    throw failure(
      `${command}: --out must be a writable folder, got ${folder}: ${reasonOf(error)}`,
      'choose another folder with --out DIR',
      error,
    );
  }
}
