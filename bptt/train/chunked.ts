/** Divides a batch into chunks of steps, each for one step of an optimizer: truncated backpropagation through time in `fit`. */
import { must, mustBe } from '../../core/check';
import type { Network } from '../network/network';
import { readWeights } from '../network/batch/batch';
import { flatten } from '../network/batch/numbers';
import { readLengths } from '../network/batch/sequence';
import { mustStream } from '../network/topology';
import type { StreamBatch } from './source';

/** A batch, or some of its steps with the divisor of their mean loss. */
export interface Chunk {
  batch: StreamBatch;
  steps?: readonly [from: number, to: number];
  /** Number of valid steps of all rows in the chunk, or the sum of their weights: 0 if it is only to be read. */
  over?: number;
}

/** Throws unless the steps of a network's batches can be divided. */
export function mustChunk({ architecture }: Network, chunk: number): void {
  const { topology } = architecture;
  const why = `the topology is ${topology}`;
  mustBe(topology === 'many-to-many', 'fit', 'chunk needs an output at every step', chunk, why);
  mustStream(architecture, 'fit', 'chunk must be left out', chunk);
}

/** The chunks of a batch in order, without those in which every row has ended. */
export function chunksOf(batch: StreamBatch, length: number, where: string): Chunk[] {
  const [T, B] = flatten(batch.x, where, 'x').shape;
  must(T >= 1 && B >= 1, where, 'x must hold at least one step of one row', `[${[T, B].join(', ')}]`);
  const lengths = readLengths(batch.lengths, T, B, where, 'lengths');
  const over = weightOf(batch, lengths, where);
  const last = Math.max(...lengths);
  const chunks: Chunk[] = [];
  for (let from = 0; from < last; from += length) {
    const to = Math.min(from + length, T);
    const own = from === 0 ? batch : { ...batch, initial: 'carry' as const };
    chunks.push({ batch: own, over: over(from, to), steps: [from, to] });
  }
  return chunks;
}

/** The sum of the weights of the steps `from`…`to` of all rows. */
function weightOf(
  { weights }: StreamBatch,
  lengths: readonly number[],
  where: string,
): (from: number, to: number) => number {
  const each = weights && readWeights(weights, where).numbers;
  const B = lengths.length;
  return (from, to) => {
    let sum = 0;
    for (let b = 0; b < B; b++)
      for (let t = from; t < Math.min(to, lengths[b]); t++) sum += each?.[t * B + b] ?? 1;
    return sum;
  };
}
