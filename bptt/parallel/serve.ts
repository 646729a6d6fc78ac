/** The other side of `thread.ts`: a worker thread that answers questions until it is ended. For Node only. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Desk, Told } from './thread';
import { answer, awaitQuestion } from './turns';

/** Answers one question after the other; what it throws is told to whoever asked. */
export async function serve(respond: (question: unknown) => void | Promise<void>): Promise<never> {
  const { port, turns } = workerData as Desk;
  for (let turn = 1; ; turn++) {
    awaitQuestion(turns, turn - 1);
    let ok = true;
    try {
      await respond(receiveMessageOnPort(port)?.message);
    } catch (error) {
      const { name, message, stack } = error as Error;
      const told: Told = { name, message, stack };
      port.postMessage(told);
      ok = false;
    }
    answer(turns, turn, ok);
    // asleep, a thread does nothing else: memory is given back by the event loop
    await new Promise(setImmediate);
  }
}
