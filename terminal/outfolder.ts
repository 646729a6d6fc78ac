/** Creates the folder that --out names, before the work starts, so that an error comes early. */
import { accessSync, constants } from 'node:fs';
import { makeFolder, reasonOf } from '../io/files';
import { failure } from './errors';

/**
 * Makes the folder where there is none, and does what else has to be possible in it.
 * @throws CommandError where it cannot be made or written to.
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
