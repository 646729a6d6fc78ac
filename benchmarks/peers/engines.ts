/** Who takes part, and in what. */
import { join } from 'node:path';
import type { Workload } from '../../measure/workloads';
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

/** The one that all are compared with: float32 on the fastest executor of this machine, one thread. */
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
