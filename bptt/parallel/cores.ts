/** Counts physical cores: two computing threads gain nothing from sharing one. */
import { builtin } from '../../core/builtin';

const SIBLINGS = (cpu: number): string => `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;

/** Number of physical cores that this process may use; 1 if it cannot be determined. */
export async function physicalCores(): Promise<number> {
  const [os, fs] = await Promise.all([builtin('node:os'), builtin('node:fs')]);
  if (!os || !fs) return 1;
  const cpus = os.cpus();
  const usable = Math.max(1, os.availableParallelism());
  try {
    // Linux lists for each logical processor those on the same core
    const cores = new Set(cpus.map((_, cpu) => fs.readFileSync(SIBLINGS(cpu), 'utf8')));
    if (cores.size > 0) return Math.min(usable, cores.size);
  } catch {
    /* not Linux, or no access */
  }
  const threadsPerCore = process.arch === 'x64' ? 2 : 1; // most x64 cores have two hardware threads
  return Math.max(1, Math.floor(usable / threadsPerCore));
}
