/** The page's client of the worker. */
import type { QuestionKind, Message, Questions } from '../engine/protocol';
import type { CurvePoint } from '../engine/run';

export type Ask = <K extends QuestionKind>(
  kind: K,
  ask: Questions[K]['ask'],
) => Promise<Questions[K]['answer']>;

export interface Events {
  progress: (points: CurvePoint[][]) => void;
  failed: (reason: string) => void;
}

/** Starts the worker; the returned function sends it a request. */
export function connectWorker({ progress, failed }: Events): Ask {
  const worker = new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module' });
  const waiting = new Map<number, { answer: (value: never) => void; refuse: (error: Error) => void }>();
  let last = 0;
  worker.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data.kind === 'progress') return progress(data.points);
    if (data.kind === 'failed') return failed(data.reason);
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.kind === 'answer') asked?.answer(data.answer as never);
    else asked?.refuse(new Error(data.reason));
  });
  worker.addEventListener('error', ({ message }) => failed(message || 'the worker could not be started'));
  return (kind, ask) =>
    new Promise((answer, refuse) => {
      const id = ++last;
      waiting.set(id, { answer, refuse });
      worker.postMessage({ id, kind, ask });
    });
}
