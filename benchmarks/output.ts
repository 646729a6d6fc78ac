/** Where results go besides the terminal. */
import { writeFileSync } from 'node:fs';
import { machine } from './machine';

/** Prints the results as JSON with `json`, and writes them to the file `out`. */
export function publish(results: object, { json, out }: { json?: boolean; out?: string }): void {
  const text = `${JSON.stringify({ machine: machine(), ...results }, null, 2)}\n`;
  if (json) process.stdout.write(text);
  if (out) writeFileSync(out, text);
}
