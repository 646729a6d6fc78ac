/** The project's performance targets, and whether a run meets them. */
import type { CellRow } from '../measure/measure';
import { flopsOf, workloads } from '../measure/workloads';
import type { GemmRow } from './gemm.bench';
import type { LengthsRow } from './lengths.bench';
import { OURS } from './peers/engines';
import type { PeerRow, Task } from './peers/host';
import type { PointwiseRow } from './pointwise.bench';
import type { StartupRow } from './startup.bench';
import type { TextRow } from './text.bench';
import { whyNotWide } from '../core/programs/executor';
import { formatDecimal } from '../core/format';
import { table } from './table';

export interface Judged {
  what: string;
  /** `≥ 20×` */
  wanted: string;
  got: number;
  /** Unit of `got`: × or %. */
  unit: string;
  met: boolean;
  /** Of which of several it is, or what bounds it if it is missed. */
  detail?: string;
}

const atLeast = (what: string, got: number, least: number, unit: string, detail?: string): Judged => ({
  ...{ what, wanted: `≥ ${least}${unit}`, got, unit, met: got >= least },
  ...(detail !== undefined && { detail }),
});

export const showGot = ({ got, unit }: Judged): string => `${formatDecimal(got)}${unit}`;

/** Target: the ratio peer / ours is at least `least` on machines with 128-bit and with 256-bit vectors. */
interface Figure {
  workload: string;
  task: Task;
  /** The fastest of these peers … */
  peer: string[];
  /** … is compared with this engine. */
  ours: string;
  least: Bounds;
}
/** One bound for both vector widths, or one for 128 bits and one for 256. */
type Bounds = number | [narrow: number, wide: number];

const isWide = whyNotWide() === undefined;
const boundOf = (bounds: Bounds): number => (typeof bounds === 'number' ? bounds : bounds[isWide ? 1 : 0]);

const each = (least: Bounds, task: Task, peer: string[], ours: string, ...names: string[]): Figure[] =>
  names.map((workload) => ({ workload, task, peer, ours, least }));
const train = (least: Bounds, peer: string, ...names: string[]): Figure[] =>
  each(least, 'train', [peer], OURS, ...names);
const twoThreads = (least: Bounds, ...names: string[]): Figure[] =>
  each(least, 'train', ['PyTorch', 'PyTorch 2 threads'], 'backstep 2 threads', ...names);

const figures: readonly Figure[] = [
  ...train([20, 35], 'TensorFlow.js layers', 'W1', 'W2', 'W3', 'W4', 'W5'),
  ...train(300, 'TensorFlow.js layers', 'W6'),
  ...train(4, 'TensorFlow.js by hand', 'W2'),
  ...train(2.3, 'TensorFlow.js by hand', 'W3'),
  ...train(7, 'jax-js', 'W1', 'W2', 'W4'),
  ...train([5, 7], 'jax-js', 'W5'),
  ...train([3, 7], 'jax-js', 'W3'),
  ...train(100, 'jax-js', 'W6'),
  ...train(50, 'recurrent-js', 'W6'),
  ...each([1.3, 2.5], 'forward', ['onnxruntime-web'], OURS, 'W1', 'W2', 'W3'),
  ...each([0, 0.8], 'forward', ['onnxruntime-node'], OURS, 'W1', 'W2', 'W3'),
  ...train([30, 50], 'PyTorch', 'W6'),
  ...each(10, 'step', ['PyTorch'], OURS, 'W6'),
  ...train([0.95, 1.5], 'PyTorch', 'W1'),
  ...train([0.55, 1.3], 'PyTorch', 'W2'),
  ...train([0.55, 1], 'PyTorch', 'W3'),
  ...train([0.7, 1.2], 'PyTorch', 'W4'),
  ...train([0.7, 1], 'PyTorch', 'W5'),
  ...twoThreads([1.4, 1.5], 'W1'),
  ...twoThreads([1, 1.5], 'W4', 'W5'),
  ...twoThreads([0.9, 1.5], 'W2'),
  ...twoThreads([0.6, 1.5], 'W3'),
  // two threads against one, and float64 against float32, within this engine
  ...each(1.6, 'train', [OURS], 'backstep 2 threads', 'W2', 'W3'),
  ...each(0.45, 'train', [OURS], 'backstep float64', 'W1', 'W2', 'W3', 'W4', 'W5', 'W6'),
  ...each(1, 'train', ['recurrent-js'], 'backstep plain', 'W6'),
  ...each(1, 'train', ['TensorFlow.js cpu'], 'backstep plain', 'W1', 'W2', 'W3', 'W4', 'W5', 'W6'),
];

/** Training W3 takes that engine at least `least` times the peak memory of this one. */
const memoryFigure = { workload: 'W3', peer: 'TensorFlow.js layers', least: 3 };

/**
 * The targets that these rows can decide. With `peak`, the GFLOP/s of the widest units in use, a training run that
 * misses its target is shown beside the time that its matrix products alone would take.
 */
export function judgePeers(rows: readonly PeerRow[], peak?: number): Judged[] {
  const rowOf = (workload: string, peer: string): PeerRow | undefined =>
    rows.find((row) => row.workload === workload && row.peer === peer);
  const judged = figures.flatMap(({ workload, task, peer, ours, least: bounds }) => {
    const least = boundOf(bounds);
    if (least === 0) return [];
    const theirs = peer.flatMap((name) => rowOf(workload, name)?.tasks[task] ?? []);
    const mine = rowOf(workload, ours)?.tasks[task];
    if (theirs.length === 0 || !mine) return [];
    // the reference engine is timed next to every peer: those neighboring turns give the better ratio
    const fastest = theirs.reduce((best, each) => (each.median < best.median ? each : best));
    const ratio =
      ours === OURS ? fastest.ratio : peer[0] === OURS ? 1 / mine.ratio : fastest.median / mine.median;
    const judged = atLeast(`${workload} ${task}: ${peer.join(' or ')} / ${ours}`, ratio, least, '×');
    const size = workloads.find(({ name }) => name === workload);
    if (judged.met || !peak || !size || task !== 'train' || ours !== OURS) return [judged];
    const [needed, alone] = [fastest.median / least, flopsOf(size).done / peak / 1e6];
    const detail = `${formatDecimal(needed)} ms wanted; products alone, at the peak: ${formatDecimal(alone)} ms`;
    return [{ ...judged, detail }];
  });
  const { workload, peer, least } = memoryFigure;
  const [theirs, mine] = [rowOf(workload, peer)?.peakMegabytes, rowOf(workload, OURS)?.peakMegabytes];
  if (theirs && mine)
    judged.push(atLeast(`${workload} peak memory: ${peer} / ${OURS}`, theirs / mine, least, '×'));
  return judged;
}

/** The share of the peak that training on SIMD kernels must reach. */
export function judgeCells(rows: readonly CellRow[]): Judged[] {
  return rows
    .filter(({ workload, executor }) => executor === 'wasm' && (workload === 'W2' || workload === 'W3'))
    .map((row) =>
      atLeast(`${row.workload} training, ${row.dtype}, of the peak`, row.percentOfPeak, 60, ' %'),
    );
}

/** The slowest of the relevant shapes. */
export function judgeGemm(rows: readonly GemmRow[]): Judged[] {
  const inside = (value: number, from: number, to: number): boolean => value >= from && value <= to;
  const step = (from: number, to: number) => (row: GemmRow) =>
    row.kind === 'step' && inside(row.M, from, to) && inside(row.K, 128, 512);
  const square = (from: number) => (row: GemmRow) => row.kind === 'square' && inside(row.N, from, 512);
  const slowest = (
    what: string,
    dtype: string,
    takes: (row: GemmRow) => boolean,
    least: number,
  ): Judged[] => {
    const those = rows.filter((row) => row.dtype === dtype && takes(row));
    if (those.length === 0) return [];
    const row = those.reduce((worst, each) => (each.percentOfPeak < worst.percentOfPeak ? each : worst));
    const detail = `of the ${row.bits}-bit peak; slowest [${row.M}, ${row.K}]·[${row.K}, ${row.N}]`;
    return [atLeast(`${what}, ${dtype}, of the peak`, row.percentOfPeak, least, ' %', detail)];
  };
  const [large, batches] = isWide ? [square(256), step(16, 64)] : [square(128), step(8, 64)];
  const matter = (row: GemmRow): boolean => large(row) || batches(row);
  return [
    ...slowest('products, square and of batches', 'float32', matter, 80),
    ...(isWide ? slowest('products of eight rows', 'float32', step(8, 8), 70) : []),
    // limited by loads, which take as long with vectors of either width
    ...slowest('products of one row', 'float32', step(1, 1), isWide ? 25 : 50),
    ...slowest('products, square and of batches', 'float64', matter, 75),
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

export function judgeLengths(rows: readonly LengthsRow[]): Judged[] {
  const atMost = (what: string, got: number | undefined, most: number | undefined, unit: string): Judged[] =>
    got === undefined || most === undefined
      ? []
      : [{ what, wanted: `≤ ${most}${unit}`, got, unit, met: got <= most }];
  return rows.flatMap(({ what, ours, limit, ratio, most, ratioToPytorch, mostOfPytorch }) => [
    ...atMost(what, ours, limit, ' ms'),
    ...atMost(what, ratio, most, '×'),
    ...atMost(`${what}: backstep / PyTorch`, ratioToPytorch, mostOfPytorch, '×'),
  ]);
}

/** The first Node with kernels of 256 bits is 24. */
const WIDE_SINCE = 24;

export function judgeText(rows: readonly TextRow[]): Judged[] {
  const [oldest, ...newer] = rows.map((row) => ({ ...row, major: Number(row.node.split('.')[0]) }));
  if (oldest === undefined || oldest.major >= WIDE_SINCE) return [];
  return newer
    .filter(({ major }) => major >= WIDE_SINCE)
    .map(({ major, ratio }) =>
      atLeast(`characters per second of npm start: Node ${major} / Node ${oldest.major}`, ratio, 1.5, '×'),
    );
}

/** The figures as a table for the terminal. */
export function showFigures(judged: readonly Judged[]): string {
  const body = judged.map((figure) => [
    figure.what,
    figure.wanted,
    showGot(figure),
    figure.met ? 'met' : 'NOT MET',
    figure.detail ?? '',
  ]);
  const met = judged.filter((figure) => figure.met).length;
  return `${table(['figure', 'wanted', 'got', '', ''], body)}\n${met} of ${judged.length} figures met`;
}
