/** Runs a foreign program that answers each input line with one line; any other behavior is an error and ends it. */
import { spawn, type ChildProcess } from 'node:child_process';

/** The longest line that is read. */
export const MOST_CHARACTERS = 32 * 2 ** 20;
/** How much of the end of its standard error is kept. */
const MOST_ERROR_OUTPUT = 400;

/** Thrown when a program does not answer; the message says what it did instead. */
export class NoAnswer extends Error {}

/** Thrown when the program cannot be started. */
export class NotStarted extends Error {}

export class ForeignProgram {
  private child?: ChildProcess;
  private errorOutput = '';
  private readonly stop = (): void => this.end();

  /** @param milliseconds the time limit for each answer. */
  constructor(
    private readonly command: readonly string[],
    private readonly milliseconds: number,
    private readonly most = MOST_CHARACTERS,
  ) {
    process.on('exit', this.stop);
  }

  /**
   * Sends one line and waits for the answer.
   * @throws NoAnswer when no line comes in time, or one that is too long; NotStarted when there is no such program. The
   *   next question starts it anew.
   */
  async ask(line: string): Promise<string> {
    try {
      return await this.exchange(line);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Ends the program; the next question starts it anew. */
  restart(): void {
    this.end();
  }

  /** Ends the program and its child processes. */
  close(): void {
    process.off('exit', this.stop);
    this.end();
  }

  private end(): void {
    const { child } = this;
    this.child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.stdin?.destroy();
    child.stdout?.destroy();
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL'); // it has no process group, or has ended
    }
  }

  private start(): ChildProcess {
    const [file, ...words] = this.command;
    // a process group of its own, so that its children end with it
    const child = spawn(file, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    });
    this.errorOutput = '';
    child.stdin?.on('error', () => undefined); // a closed pipe shows as the end of the program
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errorOutput = (this.errorOutput + text).slice(-MOST_ERROR_OUTPUT);
    });
    child.stdout?.setEncoding('utf8');
    return child;
  }

  private exchange(line: string): Promise<string> {
    const child = (this.child ??= this.start());
    return new Promise((resolve, reject) => {
      let text = '';
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.stdout?.off('data', hear);
        child.off('close', ended);
        child.off('error', failed);
        act();
      };
      const refuse = (reason: string): void => settle(() => reject(new NoAnswer(reason)));
      const hear = (more: string): void => {
        const cut = more.indexOf('\n');
        text += cut < 0 ? more : more.slice(0, cut);
        if (text.length > this.most) refuse(`a line of more than ${this.most} characters`);
        else if (cut >= 0 && more.slice(cut + 1).trim() !== '')
          refuse(
            `more than one line: ${text.slice(0, 60).trim()}, then ${more.slice(cut + 1, cut + 61).trim()} (messages belong on standard error)`,
          );
        else if (cut >= 0) settle(() => resolve(text));
      };
      const ended = (code: number | null, signal: string | null): void => {
        const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
        const where = text === '' ? '' : ' in the middle of a line';
        const last = this.errorOutput.trim().split('\n').at(-1);
        refuse(`it ${how}${where}${last ? `: ${last}` : ''}`);
      };
      const failed = (error: NodeJS.ErrnoException): void =>
        settle(() =>
          reject(
            child.pid === undefined
              ? new NotStarted(error.code === 'ENOENT' ? 'there is no such program' : error.message)
              : new NoAnswer(error.message),
          ),
        );
      const timer = setTimeout(
        () => refuse(`no ${text === '' ? 'answer' : 'whole line'} within ${this.milliseconds / 1000} s`),
        this.milliseconds,
      );
      child.stdout?.on('data', hear);
      child.on('close', ended);
      child.on('error', failed);
      if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode);
      else child.stdin?.write(`${line}\n`);
    });
  }
}
