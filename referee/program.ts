/** A foreign program: a line goes in, a line comes out, and whatever else it does is named and ends it. */
import { spawn, type ChildProcess } from 'node:child_process';

/** The longest line that is read. */
export const MOST_CHARACTERS = 32 * 2 ** 20;
/** How much of its last words on standard error is kept. */
const MOST_SAID = 400;

/** What a program did instead of answering. */
export class NoAnswer extends Error {}

/** It could not even be started. */
export class NotStarted extends Error {}

export class ForeignProgram {
  private child?: ChildProcess;
  private said = '';
  private readonly stop = (): void => this.end();

  /** @param milliseconds that it has for each answer. */
  constructor(
    private readonly command: readonly string[],
    private readonly milliseconds: number,
    private readonly most = MOST_CHARACTERS,
  ) {
    process.on('exit', this.stop);
  }

  /**
   * Sends one line, and waits for one.
   * @throws NoAnswer when there is none, in time and of a bearable length; NotStarted when there is no such program. The
   *   next question is asked of a fresh one.
   */
  async ask(line: string): Promise<string> {
    try {
      return await this.exchange(line);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Has the next question asked of a fresh one. */
  restart(): void {
    this.end();
  }

  /** Ends the program, and those that it started. */
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
      child.kill('SIGKILL'); // it has no group of its own, or is gone
    }
  }

  private start(): ChildProcess {
    const [file, ...words] = this.command;
    // a group of its own, so that what it starts ends with it
    const child = spawn(file, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    });
    this.said = '';
    child.stdin?.on('error', () => undefined); // that it reads no more is seen by its end
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-MOST_SAID);
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
          refuse(`more than one line: ${more.slice(cut + 1, cut + 61).trim()}`);
        else if (cut >= 0) settle(() => resolve(text));
      };
      const ended = (code: number | null, signal: string | null): void => {
        const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
        const where = text === '' ? '' : ' in the middle of a line';
        const last = this.said.trim().split('\n').at(-1);
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
