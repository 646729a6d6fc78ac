/** A process that trains on threads and must end by itself: run by `parallel.slow.test.ts`. */
import { network } from '../bptt/network/network';
import { parallel } from '../bptt/parallel/parallel';
import { gru } from '../cells/gru';

async function main(what: string): Promise<void> {
  // the engine's memory is reserved with the first tensor
  if (what === 'alone') delete (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer;
  const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'softmax', seed: 1 });
  const batch = { x: [[0, 1, 1, 0]], targets: [[1, 0, 1, 1]] };
  const team = await parallel(net, 3);
  const { loss } = await team.forwardBackward(batch);
  console.log(`${team.threads} ${loss.toFixed(12)} ${team.note}`);
  if (what === 'midway') {
    void team.forwardBackward(batch);
    process.exit(7);
  }
}

void main(process.argv[2]);
