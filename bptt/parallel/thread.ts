/**
 * A worker thread from the side of the thread that started it: sends requests and awaits the answers.
 *
 * Requests are messages, large data is in shared memory, and `turns.ts` wakes either side. A worker keeps the process
 * alive only while an answer is awaited; if it dies, the wait ends with an error that names it.
 */
import type * as workerThreads from 'node:worker_threads';
import { anAnswer, answered, ask, newTurns, type Turns } from './turns';

/** The `workerData` of a thread. */
export interface Desk {
  port: workerThreads.MessagePort;
  turns: Turns;
}

/** An error as plain data, to be sent to another thread. */
export interface ThreadError {
  name: string;
  message: string;
  stack?: string;
}

export interface ThreadOptions {
  /** The thread's name in error messages: `parallel: worker 2 of 3`. */
  name: string;
  /** The file to run. */
  file: string | URL;
  /** Node's own options for it; default those of this process. */
  execArgv?: readonly string[];
}

/** Thrown when a thread has stopped; its message says why. */
export class Stopped extends Error {}

/** Running threads; keeps the memory they write to from being garbage-collected. */
const running = new Set<Thread>();

export class Thread {
  private readonly worker: workerThreads.Worker;
  private readonly port: workerThreads.MessagePort;
  private readonly turns = newTurns();
  private readonly receive: () => unknown;
  private turn = 0;
  /** Memory that the thread may still write to. */
  private readonly retained: unknown[] = [];
  private cause: unknown;
  /** Why the thread has stopped; undefined while it runs. */
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
   * Sends a request.
   * @param keep parts of the engine's memory that the thread writes to, kept from garbage collection until it has ended.
   */
  ask(question: unknown, keep?: unknown): void {
    if (keep !== undefined) this.retained.push(keep);
    this.port.postMessage(question);
    this.turn = ask(this.turns);
  }

  /**
   * Waits for the answer to the last request.
   * @throws what the thread threw, or an Error that names the thread if it has stopped.
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

  /** Terminates the thread at once. */
  close(): void {
    this.end ??= new Stopped(`${this.options.name} was closed`);
    void this.worker.terminate();
  }

  private async change(): Promise<void> {
    this.worker.ref(); // neither a pending promise nor an unref'd worker keeps the process alive
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
    const { name, message, stack } = this.receive() as ThreadError;
    const Kind = name === 'RangeError' ? RangeError : name === 'TypeError' ? TypeError : Error;
    return new Kind(message, { cause: stack });
  }
}
