/**
 * The embedding layer: replaces every class by its row of a trained table.
 *
 *   x [N, V]   e [N, W]   E [V, W]      N = T·B rows at once, because it has no state
 *
 * If x holds class numbers, the product looks up rows of E, and its derivative sums the rows of de by class. If x holds
 * numbers, such as class probabilities, e is a weighted mean of rows.
 *
 * Source: Bengio, Ducharme, Vincent & Jauvin 2003, "A neural probabilistic language model".
 */
import { must, mustCount, mustKnowKeys } from '../core/check';
import { lazyEquations } from '../core/equations/equations';
import { normal } from '../core/random/init';
import { isCell, type Parameter } from './cell';

export const embed = lazyEquations(
  'embedding, forward',
  'x [N, V]   E [V, W]   writes e [N, W]',
  'e = x @ E',
);

export const embedBackward = lazyEquations(
  'embedding, backward',
  'x [N, V]   E [V, W]   de [N, W]   writes dx [N, V]   adds dE [V, W]',
  `dx = de @ E.T     # of numbers only: a class number has no gradient
   dE += x.T @ de`,
);

/** The size of an embedding's table and its initial deviation. */
export interface EmbeddingOptions {
  /** V, the number of classes. */
  input: number;
  /** W, the width of a class's row. */
  width: number;
  /** Standard deviation of the initial table; default 1. */
  deviation?: number;
}

/** An embedding layer, below the first cell of a network. */
export interface Embedding {
  /** Distinguishes it from a cell. */
  readonly name: 'embedding';
  /** V, the number of classes. */
  readonly input: number;
  /** W, the width of a row, which is the input size of the cell above. */
  readonly width: number;
  /** The table, E [V, W]. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Options that a checkpoint must hold to build the same layer again. */
  readonly options: Readonly<Required<EmbeddingOptions>>;
}

/**
 * An embedding, the first layer of a network that reads classes.
 *
 *   x class numbers [T, B]   ->   [T·B, W]      parameter `embedding.E` [V, W], as torch.nn.Embedding's weight
 *
 * It is trained like any other layer. Probabilities [T, B, V] are also accepted, and give means of the table's rows.
 *
 * @throws RangeError for sizes below 1 or a negative deviation; TypeError for an unknown option.
 * @example
 * network({ layers: [embedding({ input: 84, width: 16 }), gru({ input: 16, hidden: 128 })], output: 84 })
 */
export function embedding(options: EmbeddingOptions): Embedding {
  mustKnowKeys(options, ['input', 'width', 'deviation'], 'embedding');
  const { input: V, width: W, deviation = 1 } = options;
  mustCount(V, 'embedding', 'input');
  mustCount(W, 'embedding', 'width');
  const fits = Number.isFinite(deviation) && deviation >= 0;
  must(fits, 'embedding', 'deviation must be a finite number >= 0', deviation);
  return {
    name: 'embedding',
    input: V,
    width: W,
    parameters: { E: { shape: [V, W], init: normal(deviation), isTable: true } },
    options: { input: V, width: W, deviation },
  };
}

export const isEmbedding = (value: unknown): value is Embedding =>
  (Object(value) as Partial<Embedding>).name === 'embedding' && !isCell(value);
