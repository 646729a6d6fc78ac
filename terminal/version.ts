/** The version of this package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** From source package.json lies one folder up, from dist two. */
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
