/** How many cores this machine has: threads that compute gain nothing from two of them sharing one. */
import { builtin } from '../../core/builtin';

const SIBLINGS = (cpu: number): string => `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;

/** Physical cores that this process may run on; 1 where that cannot be found out. */
export async function physicalCores(): Promise<number> {
  const [os, fs] = await Promise.all([builtin('node:os'), builtin('node:fs')]);
  if (!os || !fs) return 1;
  const cpus = os.cpus();
  const usable = Math.max(1, os.availableParallelism());
  try {
    // Linux lists for each processor those that share its core
    const cores = new Set(cpus.map((_, cpu) => fs.readFileSync(SIBLINGS(cpu), 'utf8')));
    if (cores.size > 0) return Math.min(usable, cores.size);
  } catch {
    /* another system, or one that hides it */
  }
  const share = process.arch === 'x64' ? 2 : 1; // most x64 cores run two threads
  return Math.max(1, Math.floor(usable / share));
}
