/** Text from a model: one symbol after the other, each drawn from what the network expects next. */
import { must } from '../core/check';
import type { Random } from '../core/random';
import type { Network } from '../bptt/network';
import { UNKNOWN, type Vocabulary } from '../io/vocabulary';

export interface GenerateOptions {
  /** Below 1 prefers likely symbols, above 1 unlikely ones; 0 always takes the likeliest. */
  temperature: number;
  /** Draws from the k likeliest symbols only; default all. */
  topK?: number;
  /** Classes that the network reads first, at least one. */
  prime: readonly number[];
  random: Random;
}

/**
 * Symbols without end, drawn by a network that was trained to predict the next one.
 *
 * Runs the network forward with a batch of one row; its carried states are lost. UNKNOWN is never drawn.
 * @example
 * const symbols = generate(net, vocabulary, { temperature: 0.8, prime: [5], random: new Random(1) });
 * symbols.next().value // 'e'
 */
export function* generate(
  network: Network,
  vocabulary: Vocabulary,
  options: GenerateOptions,
): Generator<string, never> {
  const { temperature, topK = Infinity, prime, random } = options;
  must(prime.length > 0, 'generate', 'prime must hold at least one class', 'none');
  const x = { shape: [1, 1], numbers: [0] };
  // a network with a loss asks for a target; it does not change the output
  const targets = network.architecture.loss ? { targets: { shape: [1, 1], numbers: [0] } } : {};
  const weights = new Float64Array(vocabulary.size);
  const order = Uint32Array.from(weights.keys());
  let initial: 'zero' | 'carry' = 'zero';

  const read = (symbol: number): void => {
    x.numbers[0] = symbol;
    const { output } = network.forward({ x, ...targets, initial });
    initial = 'carry';
    for (let k = 0; k < weights.length; k++) weights[k] = output.get(0, 0, k);
  };

  for (const symbol of prime) read(symbol);
  for (;;) {
    weights[vocabulary.symbols.indexOf(UNKNOWN)] = -Infinity;
    const symbol = draw(weights, order, temperature, topK, random);
    yield vocabulary.symbols[symbol];
    read(symbol);
  }
}

/** Turns logits into weights and draws one. */
function draw(
  logits: Float64Array,
  order: Uint32Array,
  temperature: number,
  topK: number,
  random: Random,
): number {
  let best = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[best]) best = k;
  if (temperature === 0) return best;
  if (topK < logits.length) {
    // equal logits keep the order of the vocabulary, so that the choice is the same everywhere
    order.sort((a, b) => logits[b] - logits[a] || a - b);
    for (let k = topK; k < order.length; k++) logits[order[k]] = -Infinity;
  }
  const top = logits[best];
  for (let k = 0; k < logits.length; k++) logits[k] = Math.exp((logits[k] - top) / temperature);
  return random.choose(logits);
}

/** What a model is primed with when nothing is given: the start of a line, else its first symbol. */
export function defaultPrime(vocabulary: Vocabulary): string {
  return vocabulary.symbols.includes('\n') ? '\n' : vocabulary.symbols[1];
}
