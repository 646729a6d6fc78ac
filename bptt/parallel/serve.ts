/** The worker side of `thread.ts`: answers requests until the thread is terminated. Node only. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Desk, ThreadError } from './thread';
import { answer, awaitQuestion } from './turns';

/** Answers requests one by one; an error is sent to the thread that made the request. */
export async function serveThread(respond: (question: unknown) => void | Promise<void>): Promise<never> {
  const { port, turns } = workerData as Desk;
  for (let turn = 1; ; turn++) {
    awaitQuestion(turns, turn - 1);
    let ok = true;
    try {
      await respond(receiveMessageOnPort(port)?.message);
    } catch (error) {
      const { name, message, stack } = error as Error;
      const thrown: ThreadError = { name, message, stack };
      port.postMessage(thrown);
      ok = false;
    }
    answer(turns, turn, ok);
    // let the event loop run, which frees memory, before the thread blocks again
    await new Promise(setImmediate);
  }
}
