/**
 * Program of a process of its own, for wide.test.ts: threads that compile kernels and train at the same time. V8's flags
 * belong to all of them, and an error in their use ends the whole process.
 */
import { join } from 'node:path';
import { isMainThread, Worker } from 'node:worker_threads';
import { lstm } from '../cells/lstm';
import { network } from '../bptt/network/network';

const THREADS = 6;

function train(): void {
  for (const dtype of ['float32', 'float64'] as const) {
    const net = network({ layers: [lstm({ input: 2, hidden: 3 })], output: 2, loss: 'softmax', dtype });
    for (let k = 0; k < 3; k++) net.forward({ x: [[0, 1]], targets: [[1, 0]] }).backward();
  }
}

async function main(): Promise<void> {
  const execArgv = ['-r', join(__dirname, '..', 'scripts', 'register.js')];
  const ends = Array.from({ length: THREADS }, () => {
    const worker = new Worker(__filename, { execArgv });
    return new Promise<number>((resolve) => worker.once('exit', resolve));
  });
  train();
  console.log((await Promise.all(ends)).join(' '));
}

if (isMainThread) void main();
else train();
