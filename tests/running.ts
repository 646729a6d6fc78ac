/** A process observed while it runs: its output so far, and its end. No test waits for a fixed time. */
import { spawn, type ChildProcess } from 'node:child_process';
import { command } from './process';

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

export class Running {
  /** All that it has printed, on both streams. */
  output = '';
  readonly end: Promise<Ended>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.end = new Promise((resolve) =>
      child.on('close', (status, signal) => resolve({ status, signal, output: this.output })),
    );
  }

  /** Waits until it has printed this text a number of times. @throws Error when it ends before. */
  says(words: string, times = 1): Promise<void> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        for (const stream of [child.stdout, child.stderr]) stream?.off('data', look);
        child.off('close', ended);
        act();
      };
      const look = (): void => {
        if (this.output.split(words).length - 1 >= times) settle(resolve);
      };
      const ended = (): void =>
        settle(() => reject(new Error(`the process must print ${words}, got ${this.output}`)));
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', look);
      child.on('close', ended);
      look();
    });
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.end;
  }
}

/** Starts `backstep` with these words in a folder. */
export const started = (folder: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Running =>
  new Running(
    spawn(process.execPath, [...command, ...words], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', ...env },
    }),
  );

/** Waits until something is the case that sends no event. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
