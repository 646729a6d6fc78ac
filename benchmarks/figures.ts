/** What the project holds itself to, and whether a run shows it. */
import type { CellRow } from '../measure/measure';
import { flopsOf, workloads } from '../measure/workloads';
import type { GemmRow } from './gemm.bench';
import { OURS } from './peers/engines';
import type { PeerRow, Task } from './peers/host';
import type { PointwiseRow } from './pointwise.bench';
import type { StartupRow } from './startup.bench';
import { short, table } from './table';

export interface Judged {
  what: string;
  /** `≥ 20×` */
  wanted: string;
  got: number;
  /** What `got` is: × or %. */
  unit: string;
  met: boolean;
  /** What stands in the way. */
  bound?: string;
}

const atLeast = (what: string, got: number, least: number, unit: string): Judged => ({
  what,
  wanted: `≥ ${least}${unit}`,
  got,
  unit,
  met: got >= least,
});

export const showGot = ({ got, unit }: Judged): string => `${short(got)}${unit}`;

/** peer / ours must be at least `least`. */
interface Figure {
  workload: string;
  task: Task;
  /** The fastest of these … */
  peer: string[];
  /** … against this. */
  ours: string;
  least: number;
}

const train = (least: number, peer: string, ...names: string[]): Figure[] =>
  names.map((workload) => ({ workload, task: 'train', peer: [peer], ours: OURS, least }));
const twoThreads = (least: number, ...names: string[]): Figure[] =>
  names.map((workload) => ({
    workload,
    task: 'train',
    peer: ['PyTorch', 'PyTorch 2 threads'],
    ours: 'backstep 2 threads',
    least,
  }));

const figures: readonly Figure[] = [
  ...train(20, 'TensorFlow.js layers', 'W1', 'W2', 'W3', 'W4', 'W5'),
  ...train(300, 'TensorFlow.js layers', 'W6'),
  ...train(4, 'TensorFlow.js by hand', 'W2'),
  ...train(2.3, 'TensorFlow.js by hand', 'W3'),
  ...train(7, 'jax-js', 'W1', 'W2', 'W4'),
  ...train(5, 'jax-js', 'W5'),
  ...train(3, 'jax-js', 'W3'),
  ...train(100, 'jax-js', 'W6'),
  ...train(50, 'recurrent-js', 'W6'),
  ...['W1', 'W2', 'W3'].map((workload): Figure => ({
    workload,
    task: 'forward',
    peer: ['onnxruntime-web'],
    ours: OURS,
    least: 1.3,
  })),
  ...train(30, 'PyTorch', 'W6'),
  { workload: 'W6', task: 'step', peer: ['PyTorch'], ours: OURS, least: 10 },
  ...train(0.95, 'PyTorch', 'W1'),
  ...train(0.7, 'PyTorch', 'W4', 'W5'),
  ...train(0.55, 'PyTorch', 'W2', 'W3'),
  ...twoThreads(1.4, 'W1'),
  ...twoThreads(1, 'W4', 'W5'),
  ...twoThreads(0.9, 'W2'),
  ...twoThreads(0.6, 'W3'),
  // two threads against one, and float64 against float32, of this engine itself
  ...['W2', 'W3'].map((workload): Figure => ({
    workload,
    task: 'train',
    peer: [OURS],
    ours: 'backstep 2 threads',
    least: 1.6,
  })),
  ...['W1', 'W2', 'W3', 'W4', 'W5', 'W6'].map((workload): Figure => ({
    workload,
    task: 'train',
    peer: [OURS],
    ours: 'backstep float64',
    least: 0.45,
  })),
  { workload: 'W6', task: 'train', peer: ['recurrent-js'], ours: 'backstep plain', least: 1 },
  ...['W1', 'W2', 'W3', 'W4', 'W5', 'W6'].map((workload): Figure => ({
    workload,
    task: 'train',
    peer: ['TensorFlow.js cpu'],
    ours: 'backstep plain',
    least: 1,
  })),
];

/** Megabytes of training W3, at the most this share of what that engine takes. */
const memoryFigure = { workload: 'W3', peer: 'TensorFlow.js layers', least: 3 };

/**
 * Figures that can be told from these rows. With `peak`, the GFLOP/s of the 128-bit units, a training that is too slow is
 * told beside the time that its products alone would take there.
 */
export function judgePeers(rows: readonly PeerRow[], peak?: number): Judged[] {
  const rowOf = (workload: string, peer: string): PeerRow | undefined =>
    rows.find((row) => row.workload === workload && row.peer === peer);
  const judged = figures.flatMap(({ workload, task, peer, ours, least }) => {
    const theirs = peer.flatMap((name) => rowOf(workload, name)?.tasks[task] ?? []);
    const mine = rowOf(workload, ours)?.tasks[task];
    if (theirs.length === 0 || !mine) return [];
    // against the one that all take turns with, the turns beside it are the better measure
    const fastest = theirs.reduce((best, each) => (each.median < best.median ? each : best));
    const ratio =
      ours === OURS ? fastest.ratio : peer[0] === OURS ? 1 / mine.ratio : fastest.median / mine.median;
    const judged = atLeast(`${workload} ${task}: ${peer.join(' or ')} / ${ours}`, ratio, least, '×');
    const size = workloads.find(({ name }) => name === workload);
    if (judged.met || !peak || !size || task !== 'train' || ours !== OURS) return [judged];
    const [needed, alone] = [fastest.median / least, flopsOf(size).done / peak / 1e6];
    const bound = `${short(needed)} ms wanted; products alone, at the peak: ${short(alone)} ms`;
    return [{ ...judged, bound }];
  });
  const { workload, peer, least } = memoryFigure;
  const [theirs, mine] = [rowOf(workload, peer)?.peakMegabytes, rowOf(workload, OURS)?.peakMegabytes];
  if (theirs && mine)
    judged.push(atLeast(`${workload} peak memory: ${peer} / ${OURS}`, theirs / mine, least, '×'));
  return judged;
}

/** Training on SIMD kernels reaches this share of the peak. */
export function judgeCells(rows: readonly CellRow[]): Judged[] {
  return rows
    .filter(({ workload, executor }) => executor === 'wasm' && (workload === 'W2' || workload === 'W3'))
    .map((row) =>
      atLeast(`${row.workload} training, ${row.dtype}, of the peak`, row.percentOfPeak, 60, ' %'),
    );
}

/** The slowest of the shapes that matter. */
export function judgeGemm(rows: readonly GemmRow[]): Judged[] {
  const between = (value: number, from: number, to: number): boolean => value >= from && value <= to;
  const isBatch = ({ kind, M, K, N }: GemmRow): boolean =>
    (kind === 'square' && between(N, 128, 512)) ||
    (kind === 'step' && between(M, 8, 64) && between(K, 128, 512));
  const isSingle = ({ kind, M, K }: GemmRow): boolean => kind === 'step' && M === 1 && between(K, 128, 512);
  const slowest = (
    what: string,
    dtype: string,
    takes: (row: GemmRow) => boolean,
    least: number,
  ): Judged[] => {
    const those = rows.filter((row) => row.dtype === dtype && takes(row));
    if (those.length === 0) return [];
    const row = those.reduce((worst, each) => (each.percentOfPeak < worst.percentOfPeak ? each : worst));
    const shape = `[${row.M}, ${row.K}]·[${row.K}, ${row.N}]`;
    return [atLeast(`${what}, ${dtype}, of the peak; slowest ${shape}`, row.percentOfPeak, least, ' %')];
  };
  return [
    ...slowest('products, square and of batches', 'float32', isBatch, 80),
    ...slowest('products of one row', 'float32', isSingle, 50),
    ...slowest('products, square and of batches', 'float64', isBatch, 75),
  ];
}

export function judgePointwise(rows: readonly PointwiseRow[]): Judged[] {
  return rows
    .filter(({ name, dtype, rows: R }) => dtype === 'float32' && name.startsWith('LSTM') && R > 1)
    .map(({ name, timesPlain }) =>
      atLeast(`${name}, float32, over plain JavaScript`, timesPlain, name.includes('forward') ? 8 : 5, '×'),
    );
}

export function judgeStartup(rows: readonly StartupRow[]): Judged[] {
  return rows.flatMap(({ what, median, most }) =>
    median === undefined || most === undefined
      ? []
      : [{ what, wanted: `≤ ${most} ms`, got: median, unit: ' ms', met: median <= most }],
  );
}

/** The figures as a table for the terminal. */
export function showFigures(judged: readonly Judged[]): string {
  const body = judged.map((figure) => [
    figure.what,
    figure.wanted,
    showGot(figure),
    figure.met ? 'met' : 'NOT MET',
    figure.bound ?? '',
  ]);
  const met = judged.filter((figure) => figure.met).length;
  return `${table(['figure', 'wanted', 'got', '', ''], body)}\n${met} of ${judged.length} figures met`;
}
