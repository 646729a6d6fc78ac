/** Parent side of host.ts: starts an engine in a child process and sends it commands. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../measure/timing';
import type { WorkloadResults } from '../../measure/workloads';
import type { Task } from './host';

/** Thrown when an engine cannot take part; the message gives the reason. */
export class Absent extends Error {}

export class Child {
  about = '';
  does: readonly Task[] = [];
  private readonly answers: AsyncIterator<string>;
  private errorOutput = '';

  private constructor(private readonly child: ChildProcess) {
    const { stdout, stderr } = child;
    if (!stdout || !stderr) throw new Error('no pipes');
    this.answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
    stderr.on(
      'data',
      (chunk: Buffer) => (this.errorOutput = `${this.errorOutput}${chunk.toString()}`.slice(-2000)),
    );
    // a child that exited or never started is noticed by its missing answer
    child.on('error', ({ message }) => (this.errorOutput = message));
    child.stdin?.on('error', () => undefined);
  }

  /**
   * `ours:float32:wasm`, or a command line that speaks the same protocol
   * @throws Absent when the engine is not installed or cannot do this.
   */
  static async start(engine: string | readonly string[], caseFile: string): Promise<Child> {
    const register = join(__dirname, '..', '..', 'scripts', 'register.js');
    const [command, ...args] =
      typeof engine === 'string'
        ? [process.execPath, '-r', register, join(__dirname, 'host.ts'), engine]
        : engine;
    const child = new Child(spawn(command, [...args, caseFile], { stdio: 'pipe' }));
    const { about, does } = (await child.answer()) as { about: string; does: Task[] };
    return Object.assign(child, { about, does });
  }

  async check(): Promise<Partial<WorkloadResults>> {
    return (await this.ask({ do: 'check' })) as Partial<WorkloadResults>;
  }

  /** Milliseconds of single calls, measured for at least so many milliseconds in total. */
  async time(what: Task, milliseconds: number, clock: Clock): Promise<number[]> {
    return ((await this.ask({ do: 'time', what, milliseconds, clock })) as { times: number[] }).times;
  }

  async peakMegabytes(): Promise<number> {
    return ((await this.ask({ do: 'memory' })) as { megabytes: number }).megabytes;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill();
    await gone;
  }

  private ask(command: object): Promise<unknown> {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
    return this.answer();
  }

  private async answer(): Promise<unknown> {
    for (;;) {
      const next = await this.answers.next();
      if (next.done) throw new Absent(`it ended: ${lastLine(this.errorOutput) || 'without a word'}`);
      if (!next.value.startsWith('@@')) continue;
      const answer = JSON.parse(next.value.slice(2)) as { error?: string };
      if (answer.error !== undefined) throw new Absent(answer.error);
      return answer;
    }
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** The Python interpreters that may have PyTorch: the one on the path, then the system's. */
export function pythons(): string[] {
  const system = '/usr/bin/python3';
  return ['python3', ...(existsSync(system) ? [system] : [])];
}
