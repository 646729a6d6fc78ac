/**
 * Hosts one engine in a process of its own and executes commands, one per line.
 *
 *   node -r ./scripts/register.js benchmarks/peers/host.ts ENGINE CASE.json
 *
 * Commands are lines of JSON on standard input; each is answered by one line of JSON on standard output that starts
 * with `@@`, so that output of the engine itself is ignored.
 *
 *   {"do": "check"}                                   → Partial<Outcome> of the case
 *   {"do": "time", "what": "train", "milliseconds": 200, "clock": "wall"} → {"times": […]}, milliseconds of single calls
 *   {"do": "memory"}                                  → {"megabytes": peak of this process}
 *
 * The process is idle while other engines are measured.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { clocks, sampleAsync, type Clock } from '../../measure/timing';
import type { WorkloadResults } from '../../measure/workloads';
import { readCase, type Case } from './case';

/** The operations of an engine; those it does not support are absent. */
export interface Engine {
  /** Name and version, as printed. */
  about: string;
  /** The outcome of the case, as far as this engine exposes it; empty if its equations differ from ours. */
  check: () => Partial<WorkloadResults> | Promise<Partial<WorkloadResults>>;
  /** Loss of a batch, without gradients. */
  forward?: () => unknown;
  /** Loss and gradients of a batch. */
  train?: () => unknown;
  /** One time step of one sequence; the state carries over. */
  step?: () => unknown;
  /** The same as `train`, on a network that has met all lengths before. */
  again?: () => unknown;
  /** Recording of the programs of a training step. */
  record?: () => unknown;
}
const tasks = ['forward', 'train', 'step', 'again', 'record'] as const;
export type Task = (typeof tasks)[number];

/** The measurements of one engine on one workload. */
export interface PeerRow {
  workload: string;
  peer: string;
  about: string;
  /** Why there are no numbers. */
  absent?: string;
  /** Why its loss is not compared with ours. */
  differs?: string;
  /** Milliseconds per call, and this engine's median in the neighboring turns. */
  tasks: Partial<Record<Task, { median: number; min: number; calls: number; ours: number; ratio: number }>>;
  peakMegabytes?: number;
}
/** Module interface: the file named ENGINE in this folder exports `open`; words after a colon are passed as options. */
export interface Peer {
  open(given: Case, ...options: string[]): Engine | Promise<Engine>;
}

/** Peak resident memory of this process in MB. */
export function peakMegabytes(): number {
  const status = '/proc/self/status';
  // maxRSS of getrusage may include the parent process
  const line = existsSync(status) ? /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8')) : null;
  return (line ? Number(line[1]) : process.resourceUsage().maxRSS) / 1024;
}

const answer = (value: unknown): boolean => process.stdout.write(`@@${JSON.stringify(value)}\n`);

async function obey(engine: Engine, command: Record<string, unknown>): Promise<unknown> {
  if (command.do === 'check') return engine.check();
  if (command.do === 'memory') return { megabytes: peakMegabytes() };
  const run = engine[command.what as Task];
  if (!run) throw new Error(`${engine.about} does not know ${String(command.what)}`);
  const { milliseconds, clock = 'wall' } = command as { milliseconds: number; clock?: Clock };
  return { times: await sampleAsync(run, milliseconds, clocks[clock]) };
}

async function main(): Promise<void> {
  const [name, file] = process.argv.slice(2);
  const [engineName, ...options] = name.split(':');
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const peer = require(`./${engineName}`) as Peer;
    const engine = await peer.open(readCase(file), ...options);
    answer({ about: engine.about, does: tasks.filter((what) => engine[what]) });
    for await (const line of createInterface({ input: process.stdin })) {
      answer(await obey(engine, JSON.parse(line) as Record<string, unknown>));
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
    answer({ error: missing ? 'not installed' : message.split('\n')[0], missing });
  }
  process.exit(); // engines may leave timers and threads running
}

if (require.main === module) void main();
