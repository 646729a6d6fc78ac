/** Which executor runs the programs: chosen once at start-up, by option or by the environment. */
import { mustBeOneOf } from './check';
import { plain } from './plain';
import type { Executor } from './program';

export type ExecutorName = 'plain';

const executors: Record<ExecutorName, () => Executor> = { plain: () => plain };

/**
 * The executor of that name; without a name the one in BACKSTEP_EXECUTOR, else the fastest that works here.
 * @throws TypeError for an unknown name.
 */
export function executorOf(name?: string): Executor {
  const wanted =
    name ?? (typeof process === 'undefined' ? undefined : process.env.BACKSTEP_EXECUTOR) ?? 'plain';
  return executors[
    mustBeOneOf(wanted, Object.keys(executors) as ExecutorName[], 'executor', 'the executor')
  ]();
}
