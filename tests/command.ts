/** Runs the command line in tests: in this process, or in a separate one. */
import { spawnSync } from 'node:child_process';
import './nocolor';
import { main } from '../cli/main';
import { command } from './process';

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs `backstep` with these arguments in this process, because starting a process takes longer than most commands.
 * Commands that draw figures cannot run this way: their packages are ESM-only, which jest's realm does not load.
 */
export const backstep = (...words: string[]): Promise<Ran> => backstepIn('.', ...words);

/** The same in a folder. */
export async function backstepIn(folder: string, ...words: string[]): Promise<Ran> {
  const [before, home] = [process.exitCode, process.cwd()];
  const captured = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    jest.spyOn(process[stream], 'write').mockImplementation((text) => {
      captured[stream] += String(text);
      return true;
    }),
  );
  process.exitCode = 0;
  process.chdir(folder);
  try {
    await main(words);
    return { status: Number(process.exitCode), ...captured };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = before;
    process.chdir(home);
  }
}

/** Runs it in a process of its own. */
export const backstepProcess = (...words: string[]): Ran => backstepProcessIn('.', ...words);

/** The same in a folder. */
export function backstepProcessIn(folder: string, ...words: string[]): Ran {
  return spawnSync(process.execPath, [...command, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
}
