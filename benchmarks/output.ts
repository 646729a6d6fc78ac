/** Writes benchmark results as JSON to standard output or to a file. */
import { writeFileSync } from 'node:fs';
import { machine } from './machine';

/** Prints the results as JSON if `json` is set, and writes them to the file `out` if one is given. */
export function publish(results: object, { json, out }: { json?: boolean; out?: string }): void {
  const text = `${JSON.stringify({ machine: machine(), ...results }, null, 2)}\n`;
  if (json) process.stdout.write(text);
  if (out) writeFileSync(out, text);
}
