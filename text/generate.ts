/** Samples text from a model, one symbol at a time. */
import { must } from '../core/check';
import type { Random } from '../core/random/random';
import { drawClass, type DrawOptions } from '../bptt/decode/draw';
import type { Network } from '../bptt/network/network';
import type { States } from '../bptt/network/batch/states';
import type { Vocabulary } from '../io/vocabulary';

export interface GenerateOptions extends DrawOptions {
  /** Class indices that the network reads first, at least one. */
  prime: readonly number[];
  random: Random;
}

/**
 * An endless stream of symbols sampled from a network that was trained to predict the next one.
 *
 * UNKNOWN is never drawn. With byte pairs, a symbol that ends within a character is written with the next one.
 * @throws RangeError when the output is no longer finite, for instance because the network diverges.
 * @example
 * const vocabulary = Vocabulary.of('abc'); // four classes, UNKNOWN among them
 * const small = network({ layers: [elman({ input: 4, hidden: 5 })], output: 4 });
 * const symbols = generateText(small, vocabulary, { temperature: 0.8, prime: [1], random: new Random(1) });
 * 'abc'.includes(symbols.next().value) // true
 */
export function* generateText(
  network: Network,
  vocabulary: Vocabulary,
  options: GenerateOptions,
): Generator<string, never> {
  const { prime, random } = options;
  must(prime.length > 0, 'generate', 'prime must hold at least one class', 'none');
  const x = { shape: [1, 1], numbers: [0] };
  const logits = new Float64Array(vocabulary.size);
  let from: States | undefined;
  let reads = 0;

  const read = (symbol: number): void => {
    x.numbers[0] = symbol;
    const { output, states } = network.forward({ x }, { from, predict: true });
    from = states;
    for (let k = 0; k < logits.length; k++) logits[k] = output.get(0, 0, k);
    reads++;
    const bad = logits.find((logit) => !Number.isFinite(logit));
    const why = 'the state of the network grows without bound';
    must(bad === undefined, 'generate', 'the output must be finite', `${bad} after ${reads} symbols`, why);
  };

  const written = vocabulary.writer();
  for (const symbol of prime) read(symbol);
  for (;;) {
    if (vocabulary.hasUnknown) logits[0] = -Infinity;
    const symbol = drawClass(logits, options, random);
    yield written(symbol);
    read(symbol);
  }
}

/** The default prime: the start of a line, else the first symbol of the vocabulary. */
export function defaultPrime(vocabulary: Vocabulary): string {
  return !vocabulary.hasUnknown || vocabulary.symbols.includes('\n') ? '\n' : vocabulary.symbols[1];
}
