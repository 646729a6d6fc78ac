/** Cells of a user's own, in a module that worker threads load: one that works, one that fails in every way. */
import { isMainThread } from 'node:worker_threads';
import type { Cell } from '../cells/cell';
import { elman, type ElmanOptions } from '../cells/elman';

export const mine = (options: ElmanOptions): Cell => ({ ...elman(options), name: 'mine' });

/** What happens in a worker depends on how many rows it is given. */
export function fragile(options: ElmanOptions): Cell {
  const cell = elman(options);
  return {
    ...cell,
    name: 'fragile',
    step(program, v, t) {
      const rows = isMainThread ? 0 : v.x.shape[0];
      if (rows === 5) process.exit(3);
      if (rows === 6) throw new Error('broken on purpose');
      if (rows === 7) for (;;);
      if (rows === 8)
        queueMicrotask(() => {
          throw new Error('too late');
        });
      cell.step(program, v, t);
    },
  };
}
