/** The version of this package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** package.json is one folder up when run from source, and two from dist. */
export function version(): string {
  for (const up of ['..', '../..']) {
    try {
      return (JSON.parse(readFileSync(join(__dirname, up, 'package.json'), 'utf8')) as { version: string })
        .version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
