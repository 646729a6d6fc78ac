/** Command-line arguments for starting node in a separate process. */
import { join } from 'node:path';

const root = join(__dirname, '..');

/** Reads TypeScript from then on. */
export const register = ['-r', join(root, 'scripts/register.js')];
/** `backstep`, from its sources. */
export const command = [...register, join(root, 'cli/main.ts')];
