/** Who takes part, in what, and what is expected of the comparison. */
import { join } from 'node:path';
import type { Workload } from '../../cli/workloads';
import type { Dtype } from '../../core/memory';
import type { Task } from './host';
import { pythons } from './child';

export interface Contender {
  /** Short and unique, for tables and figures. */
  name: string;
  /** An engine for host.ts, or command lines of which the first that can do it is taken. */
  start: string | string[][];
  dtype: Dtype;
  /** Tasks it is asked for; default all it knows. */
  tasks?: Task[];
  /** Why its equations are not ours; it is then not held to our numbers. */
  differs?: string;
  /** Whether it takes part in a workload; `all` is set when nobody minds the time. */
  takes(workload: Workload, all: boolean): boolean;
}

const python = (threads: number): string[][] =>
  pythons().map((command) => [command, join(__dirname, 'pytorch.py'), String(threads)]);
const always = (): boolean => true;
const only =
  (...names: string[]) =>
  ({ name }: Workload): boolean =>
    names.includes(name);

/** The one that all are compared with: float32 on SIMD kernels, one thread. */
export const OURS = 'backstep';

export const contenders: readonly Contender[] = [
  { name: OURS, start: 'ours:float32:wasm:1', dtype: 'float32', takes: always },
  { name: 'backstep 2 threads', start: 'ours:float32:wasm:2', dtype: 'float32', takes: always },
  { name: 'backstep float64', start: 'ours:float64:wasm:1', dtype: 'float64', takes: always },
  {
    name: 'backstep plain',
    start: 'ours:float64:plain:1',
    dtype: 'float64',
    takes: (w, all) => all || only('W1', 'W5', 'W6')(w),
  },
  { name: 'PyTorch', start: python(1), dtype: 'float32', takes: always },
  { name: 'PyTorch 2 threads', start: python(2), dtype: 'float32', takes: always },
  { name: 'TensorFlow.js layers', start: 'tfjs-layers:wasm', dtype: 'float32', takes: always },
  { name: 'TensorFlow.js by hand', start: 'tfjs-raw:wasm', dtype: 'float32', takes: always },
  {
    name: 'TensorFlow.js cpu',
    start: 'tfjs-layers:cpu',
    dtype: 'float32',
    takes: (w, all) => all || only('W1', 'W5', 'W6')(w),
  },
  { name: 'jax-js', start: 'jax', dtype: 'float32', takes: always },
  { name: 'recurrent-js', start: 'recurrent', dtype: 'float64', takes: only('W6') },
  {
    name: 'brain.js',
    start: 'brain',
    dtype: 'float32',
    differs: 'its LSTM has no cell state of its own',
    takes: only('W6'),
  },
  { name: 'onnxruntime-web', start: 'onnx:web', dtype: 'float32', takes: always },
  { name: 'onnxruntime-node', start: 'onnx:node', dtype: 'float32', takes: always },
];

/** peer / ours must be at least `least`. */
export interface Figure {
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

/** What the project holds itself to. */
export const figures: readonly Figure[] = [
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
