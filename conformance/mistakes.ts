/** Wrong forward passes of a whole layer: small mistakes in the cell, and in how the layer combines its directions. */
import type { Cell } from '../cells/cell';
import { forwardMistakes } from '../referee/forward';
import type { Named } from '../referee/subject';
import type { ComputeNumbers } from './exactly';
import { asLeft, questionOf, type RecurrentLayer } from './layer';

/** One wrong forward pass. */
export interface WrongPass {
  words: string;
  /** The layer's outputs with the mistake; undefined if the mistake is not possible. */
  values: (layer: RecurrentLayer, run: ComputeNumbers) => Named[] | undefined;
}

/** The right forward pass. */
export const rightPass: WrongPass['values'] = (layer, run) =>
  layer.directions.map((direction) => asLeft(run(questionOf(layer, direction)), direction.reverse, layer));

/** All wrong forward passes of layers of a cell. */
export function wrongPasses(cell: Cell): WrongPass[] {
  const inCell = forwardMistakes(cell).map(({ words, of }): WrongPass => ({
    words,
    values(layer, run) {
      const wrong = layer.directions.map((direction) => of(questionOf(layer, direction)));
      if (!wrong.some((one) => one !== undefined)) return undefined;
      return layer.directions.map((direction, k) =>
        asLeft(run(wrong[k] ?? questionOf(layer, direction)), direction.reverse, layer),
      );
    },
  }));
  const inLayer = layerMistakes.map(({ words, of }): WrongPass => ({
    words,
    values(layer, run) {
      const wrong = of(layer);
      return wrong && rightPass(wrong, run);
    },
  }));
  return [...inCell, ...inLayer];
}

const layerMistakes: { words: string; of: (layer: RecurrentLayer) => RecurrentLayer | undefined }[] = [
  {
    words: 'without the lengths: outputs behind the end of a row are not 0',
    of: (layer) => layer.lengths && { ...layer, lengths: undefined },
  },
  {
    words: 'with every direction read forward',
    of: (layer) =>
      layer.directions.some(({ reverse }) => reverse)
        ? { ...layer, directions: layer.directions.map((one) => ({ ...one, reverse: false })) }
        : undefined,
  },
  {
    words: 'with the two directions swapped',
    of: ({ directions, ...layer }) =>
      directions.length === 2 ? { ...layer, directions: [directions[1], directions[0]] } : undefined,
  },
  {
    words: 'with the weights of the first direction for both',
    of: ({ directions, ...layer }) =>
      directions.length === 2
        ? {
            ...layer,
            directions: directions.map((one) => ({ ...one, parameters: directions[0].parameters })),
          }
        : undefined,
  },
];
