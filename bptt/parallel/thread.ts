/**
 * A worker thread, seen from the thread that started it: it is asked, and it answers or has stopped.
 *
 * Questions travel as messages, large data in shared memory; the turns wake either side. A thread never keeps the
 * process alive but while an answer is awaited, and one that dies ends that waiting with an error that names it.
 */
import type * as workerThreads from 'node:worker_threads';
import { anAnswer, answered, ask, newTurns, type Turns } from './turns';

/** What a thread is started with. */
export interface Desk {
  port: workerThreads.MessagePort;
  turns: Turns;
}

/** An error on its way from one thread to another. */
export interface Told {
  name: string;
  message: string;
  stack?: string;
}

export interface ThreadOptions {
  /** Names the thread in messages: `parallel: worker 2 of 3`. */
  name: string;
  /** File that it runs. */
  file: string | URL;
  /** Node's own options for it; default those of this process. */
  execArgv?: readonly string[];
}

/** Why a thread answers no more. */
export class Stopped extends Error {}

/** Threads that still run: what they may write to must not be collected before they have ended. */
const running = new Set<Thread>();

export class Thread {
  private readonly worker: workerThreads.Worker;
  private readonly port: workerThreads.MessagePort;
  private readonly turns = newTurns();
  private readonly receive: () => unknown;
  private turn = 0;
  /** What the thread may still write to. */
  private readonly kept: unknown[] = [];
  private cause: unknown;
  /** Why the thread has ended; undefined while it runs. */
  end: Stopped | undefined;
  private onEnd: ((why: Error) => void) | undefined;

  constructor(
    { Worker, MessageChannel, receiveMessageOnPort }: typeof workerThreads,
    private readonly options: ThreadOptions,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.receive = () => receiveMessageOnPort(port1)?.message;
    const desk: Desk = { port: port2, turns: this.turns };
    this.worker = new Worker(options.file, {
      workerData: desk,
      transferList: [port2],
      ...(options.execArgv && { execArgv: [...options.execArgv] }),
    });
    running.add(this);
    this.worker.on('error', (error) => (this.cause = error));
    this.worker.on('exit', (code) => {
      running.delete(this);
      port1.close();
      const message = (this.cause as Error | undefined)?.message;
      const why = message === undefined ? '' : `: ${message}`;
      this.stopped(new Stopped(`${options.name} stopped (exit code ${code})${why}`, { cause: this.cause }));
    });
    this.worker.unref();
  }

  /**
   * Sends a question.
   * @param keep is not collected before the thread has ended: parts of the engine's memory that it writes to.
   */
  ask(question: unknown, keep?: unknown): void {
    if (keep !== undefined) this.kept.push(keep);
    this.port.postMessage(question);
    this.turn = ask(this.turns);
  }

  /**
   * Waits for the answer to the last question.
   * @throws what the thread threw, or an Error that names it when it has stopped.
   */
  async answer(): Promise<void> {
    for (;;) {
      const how = answered(this.turns, this.turn);
      if (how === 'ok') return;
      if (how === 'failed') throw this.failure();
      if (this.end) throw this.end;
      await this.change();
    }
  }

  /** Ends the thread, whatever it is doing. */
  close(): void {
    this.end ??= new Stopped(`${this.options.name} was closed`);
    void this.worker.terminate();
  }

  private async change(): Promise<void> {
    this.worker.ref(); // neither a sleeping promise nor an unref'd worker would keep the process waiting
    try {
      await new Promise<void>((resolve, reject) => {
        this.onEnd = reject;
        anAnswer(this.turns, this.turn).then(resolve, reject);
      });
    } finally {
      this.onEnd = undefined;
      this.worker.unref();
    }
  }

  private stopped(why: Stopped): void {
    this.end ??= why;
    this.onEnd?.(this.end);
  }

  private failure(): Error {
    const { name, message, stack } = this.receive() as Told;
    const Kind = name === 'RangeError' ? RangeError : name === 'TypeError' ? TypeError : Error;
    return new Kind(message, { cause: stack });
  }
}
