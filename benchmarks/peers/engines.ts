/** The engines that are compared, and the workloads that each takes part in. */
import { join } from 'node:path';
import type { Workload } from '../../measure/workloads';
import type { Dtype } from '../../core/memory';
import type { Task } from './host';
import { pythons } from './child';

export interface Contender {
  /** Short, unique name for tables and targets. */
  name: string;
  /** An engine for host.ts, or several command lines, of which the first that works is used. */
  start: string | string[][];
  dtype: Dtype;
  /** Tasks to measure; by default all that the engine supports. */
  tasks?: Task[];
  /** How its equations differ from ours; its numbers are then not compared. */
  differs?: string;
  /** Whether it takes part in a workload; `all` includes the slow combinations. */
  takes(workload: Workload, all: boolean): boolean;
}

const python = (threads: number): string[][] =>
  pythons().map((command) => [command, join(__dirname, 'pytorch.py'), String(threads)]);
const always = (): boolean => true;
const only =
  (...names: string[]) =>
  ({ name }: Workload): boolean =>
    names.includes(name);

/** The reference engine of all comparisons: float32 on this machine's fastest executor, one thread. */
export const OURS = 'backstep';

export const contenders: readonly Contender[] = [
  { name: OURS, start: 'ours:float32:fastest:1', dtype: 'float32', takes: always },
  { name: 'backstep 2 threads', start: 'ours:float32:fastest:2', dtype: 'float32', takes: always },
  { name: 'backstep float64', start: 'ours:float64:fastest:1', dtype: 'float64', takes: always },
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
