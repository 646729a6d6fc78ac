/** Fixtures of the tests of sweeps: a folder with a text, and configuration files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSweep, type Sweep } from '../sweep/config';

/** Settings of a trial that takes a moment; `hidden` is left to the test. */
export const sizes = { text: 'text.txt', steps: 20, batch: 2, seq: 5 };
export const small = { ...sizes, hidden: 6 };

/** Writes configurations into a folder, beside the text that they name. */
export function sweepsIn(folder: string): {
  write: (name: string, config: unknown) => string;
  sweepOf: (config: unknown) => Sweep;
} {
  writeFileSync(join(folder, 'text.txt'), 'she sells sea shells by the sea shore\n'.repeat(40));
  const write = (name: string, config: unknown): string => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    return file;
  };
  return { write, sweepOf: (config) => readSweep(write('some', config)) };
}
