/** Finds the external programs that some tests compare with, or reports them as missing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');

/** A Python that has a package, the system's own first; undefined when there is none. */
export function pythonWith(name: string): string | undefined {
  const code = `import importlib.util, sys; sys.exit(importlib.util.find_spec('${name}') is None)`;
  return ['/usr/bin/python3', 'python3'].find((python) => spawnSync(python, ['-c', code]).status === 0);
}

/** Whether the runtimes of `tests/runtimes` are installed. */
export const hasRuntimes = (): boolean =>
  existsSync(join(root, 'tests/runtimes/node_modules/onnxruntime-node'));

/** `describe`, or `describe.skip` with a line on the console that names the missing program and its source. */
export function describeWith(there: unknown, missing: string): jest.Describe {
  if (there) return describe;
  process.stderr.write(`skipped: ${missing}\n`);
  return describe.skip;
}

/** Runs a program; returns its output. @throws Error with all output when it fails. */
export function run(command: string, args: string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8', cwd: root });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} must succeed, got status ${status}\n${stdout}${stderr}`);
}
