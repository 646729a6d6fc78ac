/**
 * Benchmark of training, inference and single steps of six workloads on this engine and on the alternatives that a
 * JavaScript programmer has, and on PyTorch: whether an engine written from scratch is worth having.
 *
 *   node -r ./scripts/register.js benchmarks/peers.bench.ts [--smallest] [--json] [--out FILE] [--workload W1,W6]
 *       [--peer TEXT] [--rounds 7] [--all] [--clock cpu]
 *
 * Every engine runs in a process of its own with the same weights and the same batch in float32. Before timing, its
 * loss, gradient norm and streamed outputs are compared with this engine's in float64. Then the engines take turns, A
 * B A C A D …, for several rounds; a ratio is that of the medians of neighboring turns, so both engines ran under
 * the same load. An engine that is not installed gets a row that says so; README.md explains how to install it.
 *
 * --smallest only shows that the benchmark still runs; its figures mean nothing. --all adds the combinations that
 * take minutes per call. --clock cpu measures processor time instead, for single-threaded runs on a busy machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, type Clock } from '../measure/timing';
import {
  dataOf,
  workloadText,
  disagreement,
  WorkloadRun,
  smallestWorkloads,
  workloads,
  type WorkloadResults,
  type Workload,
} from '../measure/workloads';
import { judgePeers, showFigures } from './figures';
import { machine } from './machine';
import { publish } from './output';
import { writeCase } from './peers/case';
import { Absent, Child } from './peers/child';
import { contenders, OURS, type Contender } from './peers/engines';
import type { PeerRow, Task } from './peers/host';
import { formatDecimal } from '../core/format';
import { table } from './table';
import { clockOf, timed, roundsOf, workloadsOf } from './options';
import { script, type Arguments } from '../scripts/script';

const tasks: readonly Task[] = ['train', 'forward', 'step'];

interface Options {
  rounds: number;
  milliseconds: number;
  clock: Clock;
  smallest: boolean;
}

class Turns {
  readonly times: Partial<Record<Task, number[]>> = {};
  /** Times of this engine, measured right before each of these. */
  readonly beside: Partial<Record<Task, number[]>> = {};
  peakMegabytes = 0;
  /** Number of rounds; very slow engines run fewer. */
  rounds: Partial<Record<Task, number>> = {};

  constructor(
    readonly contender: Contender,
    readonly child: Child,
  ) {}

  get tasks(): Task[] {
    return tasks.filter(
      (task) => this.child.does.includes(task) && (this.contender.tasks?.includes(task) ?? true),
    );
  }
}

async function start({ start }: Contender, caseFile: string): Promise<Child> {
  const ways = typeof start === 'string' ? [start] : start;
  for (const [k, way] of ways.entries()) {
    try {
      return await Child.start(way, caseFile);
    } catch (error) {
      if (k === ways.length - 1) throw error;
    }
  }
  throw new Absent('not installed');
}

/** The float64 reference; a second GRU variant serves engines that have only that one. */
function referenceOf(workload: Workload): (contender: Contender) => WorkloadResults {
  const usual = new WorkloadRun(workload, { dtype: 'float64' }).outcome();
  let other: WorkloadResults | undefined;
  return ({ start }) => {
    const before = workload.cell === 'gru' && typeof start === 'string' && start.startsWith('tfjs-layers');
    if (!before) return usual;
    return (other ??= new WorkloadRun(
      { ...workload, cell: 'gru-before' },
      { dtype: 'float64' },
      dataOf(workload),
    ).outcome());
  };
}

async function compare(workload: Workload, among: Contender[], options: Options): Promise<PeerRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-peers-'));
  const caseFile = join(folder, `${workload.name}.json`);
  const reference = referenceOf(workload);
  const turns: Turns[] = [];
  const rows: PeerRow[] = [];
  const left = (contender: Contender, error: unknown): void => {
    if (!(error instanceof Absent)) throw error;
    const { name } = contender;
    rows.push({ workload: workload.name, peer: name, about: name, absent: error.message, tasks: {} });
  };
  try {
    writeCase(workload, caseFile);
    for (const contender of among) {
      let child: Child | undefined;
      try {
        child = await start(contender, caseFile);
        const wrong = disagreement(await child.check(), reference(contender), contender.dtype);
        if (wrong && !contender.differs) throw new Absent(`wrong result: ${wrong}`);
        turns.push(new Turns(contender, child));
      } catch (error) {
        await child?.stop();
        left(contender, error);
      }
    }
    const ours = turns.find(({ contender }) => contender.name === OURS);
    if (!ours) throw new Error(`${OURS} could not run ${workload.name}: ${rows[0]?.absent}`);
    for (const turn of turns) await warm(turn, options);
    for (let round = 0; round < options.rounds; round++) {
      for (const turn of turns) await takeTurn(turn, ours, round, options);
    }
    for (const turn of turns) turn.peakMegabytes = await turn.child.peakMegabytes();
    rows.push(...turns.map((turn) => rowOf(turn, workload)));
  } finally {
    for (const { child } of turns) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const order = among.map(({ name }) => name);
  return rows.sort((p, q) => order.indexOf(p.peer) - order.indexOf(q.peer));
}

/** The first calls warm up the compiler and reveal the slow engines. */
async function warm(turn: Turns, { rounds, smallest, clock }: Options): Promise<void> {
  for (const task of turn.tasks) {
    const [first] = await turn.child.time(task, 1, clock);
    if (!smallest && first < 5000) await turn.child.time(task, 300, clock);
    turn.rounds[task] = first > 20_000 ? 1 : first > 2000 ? Math.min(3, rounds) : rounds;
  }
}

async function takeTurn(turn: Turns, ours: Turns, round: number, options: Options): Promise<void> {
  const { milliseconds, clock } = options;
  for (const task of turn.tasks) {
    if (round >= (turn.rounds[task] ?? 0)) continue;
    // this engine is the reference: nothing to compare it with
    if (turn !== ours) (turn.beside[task] ??= []).push(...(await ours.child.time(task, milliseconds, clock)));
    (turn.times[task] ??= []).push(...(await turn.child.time(task, milliseconds, clock)));
  }
}

function rowOf({ contender, child, times, beside, peakMegabytes }: Turns, { name }: Workload): PeerRow {
  const row: PeerRow = { workload: name, peer: contender.name, about: child.about, tasks: {}, peakMegabytes };
  if (contender.differs) row.differs = contender.differs;
  for (const task of tasks) {
    const mine = times[task];
    if (!mine) continue;
    const [own, ours] = [median(mine), median(beside[task] ?? mine)];
    row.tasks[task] = { median: own, min: Math.min(...mine), calls: mine.length, ours, ratio: own / ours };
  }
  return row;
}

const milliseconds = (value: number | undefined): string =>
  value === undefined ? '–' : value < 1 ? `${formatDecimal(value * 1000)} µs` : `${formatDecimal(value)} ms`;

function show(rows: readonly PeerRow[], workload: Workload): string {
  const present = rows.filter(({ absent }) => absent === undefined);
  const body = present.map(({ peer, about, differs, tasks: timings, peakMegabytes }) => {
    const what = peer.startsWith(OURS) ? about : `${about}${differs ? ` (${differs})` : ''}`;
    const cells = tasks.flatMap((task) => [
      milliseconds(timings[task]?.median),
      timings[task] ? `${formatDecimal(timings[task].ratio)}×` : '–',
    ]);
    return [what, ...cells, peakMegabytes ? peakMegabytes.toFixed(0) : '–'];
  });
  const head = [
    `${workload.name}: ${workloadText(workload)}`,
    'train',
    '',
    'forward',
    '',
    'step',
    '',
    'peak MB',
  ];
  const missing = rows.filter(({ absent }) => absent !== undefined);
  return [table(head, body), ...missing.map(({ peer, absent }) => `${peer}: ${absent}`)].join('\n');
}

const config = {
  options: {
    ...timed('7'),
    workload: { type: 'string' },
    peer: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
} as const;

async function main({ values }: Arguments<typeof config>): Promise<void> {
  const { smallest, all } = values;
  const clock = clockOf(values.clock);
  const options = {
    smallest,
    clock,
    rounds: smallest ? 1 : roundsOf(values.rounds),
    milliseconds: smallest ? 1 : 200,
  };
  const wanted = workloadsOf(values.workload) ?? (smallest ? ['W1', 'W4', 'W6'] : undefined);
  const chosen = (smallest ? smallestWorkloads : workloads).filter(
    ({ name }) => wanted?.includes(name) ?? true,
  );
  const rows: PeerRow[] = [];
  if (!values.json) console.log(machine());
  for (const workload of chosen) {
    const among = contenders.filter(
      (contender) =>
        contender.takes(workload, all) &&
        (clock === 'wall' || !contender.name.includes('threads')) &&
        (contender.name === OURS ||
          !values.peer ||
          values.peer.split(',').some((text) => contender.name.includes(text))),
    );
    const found = await compare(workload, among, options);
    rows.push(...found);
    if (!values.json) console.log(`\n${show(found, workload)}`);
  }
  if (!values.json && !smallest) console.log(`\n${showFigures(judgePeers(rows))}`);
  publish({ peers: rows }, values);
}

void script(__filename, config, main);
