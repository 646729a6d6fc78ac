/** Streams text from a checkpoint to standard output. */
import { Random } from '../core/random/random';
import { mustReadForward } from '../bptt/network/layers/layer';
import { using } from '../terminal/errors';
import { defaultPrime, generateText } from './generate';
import { drained, noteLine } from '../terminal/output';
import { safe } from '../core/safe';
import { readModel } from './model';

export interface SampleOptions {
  temperature: number;
  topK?: number;
  prime?: string;
  length: number;
  seed: number;
}

/** Number of characters after which it checks whether the reader has gone. */
const TURN = 64;

/** Writes the prime and then `length` symbols, each as soon as it is generated. */
export async function write(given: string, options: SampleOptions): Promise<void> {
  const { temperature, topK, length, seed } = options;
  const { checkpoint, vocabulary } = readModel(given, {
    command: 'sample',
    topologies: ['many-to-many'],
    inference: true,
  });
  const { network } = checkpoint;
  using(
    () => mustReadForward(network.architecture.layers, 'sample', 'the layers must read forward', 'others'),
    'a network without bidirectional layers writes',
  );

  const prime = options.prime || defaultPrime(vocabulary);
  const { indices, unknown } = vocabulary.encode(prime);
  if (unknown.length > 0) {
    const list = unknown.map((symbol) => JSON.stringify(symbol)).join(', ');
    noteLine(`sample: not in the vocabulary, read as unknown: ${list}`);
  }

  const clean = process.stdout.isTTY ? safe : (text: string): string => text;
  const symbols = generateText(network, vocabulary, {
    temperature,
    topK,
    prime: indices,
    random: new Random(seed),
  });
  if (options.prime) process.stdout.write(clean(options.prime));
  for (let k = 0; k < length; k++) {
    process.stdout.write(clean(symbols.next().value));
    await drained();
    if (k % TURN === 0) await new Promise(setImmediate);
  }
  process.stdout.write('\n');
}
