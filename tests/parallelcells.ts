/** A user's own cells in a module that worker threads load: one that works, and one that fails in every way. */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { Cell } from '../cells/cell';
import { elman, type ElmanOptions } from '../cells/elman';

export const mine = (options: ElmanOptions): Cell => ({ ...elman(options), name: 'mine' });

/** The behavior in a worker depends on its number of rows; `hung` is the file that it writes before it hangs. */
export function fragile({ hung, ...options }: ElmanOptions & { hung: string }): Cell {
  const cell = elman(options);
  return {
    ...cell,
    name: 'fragile',
    options: { ...cell.options, hung },
    step(program, v, t) {
      const rows = isMainThread ? 0 : v.x.shape[0];
      if (rows === 5) process.exit(3);
      if (rows === 6) throw new Error('broken on purpose');
      if (rows === 7) {
        writeFileSync(hung, 'from now on');
        for (;;);
      }
      if (rows === 8)
        queueMicrotask(() => {
          throw new Error('too late');
        });
      cell.step(program, v, t);
    },
  };
}
