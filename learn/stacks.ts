/** Builds the layers of a task's network: one stack, or an encoder and a decoder. */
import { bidirectional, widthOf, type Layer } from '../bptt/network/layers/layer';
import type { NetworkOptions } from '../bptt/network/architecture';
import type { Cell } from '../cells/cell';
import { embedding, type Embedding } from '../cells/embedding';
import type { CellSizes } from '../cells/kinds';
import { must } from '../core/check';
import type { TaskArchitecture } from './task';

/** The layers of a network, and its cells with the number of each, for an estimate of its memory. */
export interface Stacks {
  cells: { cell: Cell; times: number }[];
  options: NetworkOptions;
}

interface Stack {
  input: number;
  embedding?: number | null;
  both: boolean;
  /** Units of each direction. */
  hidden: number;
  layers: number;
}

function stackOf(
  { input, embedding: width, both, hidden, layers }: Stack,
  make: (sizes: CellSizes) => Cell,
): { cells: Stacks['cells']; layers: (Embedding | Layer)[] } {
  const directions = both ? 2 : 1;
  const lowest = make({ input: width ?? input, hidden });
  const layerOf = (cell: Cell): Layer => (both ? bidirectional(cell) : cell);
  const upper = (): Cell => make({ input: widthOf(layerOf(lowest)), hidden });
  const all = Array.from({ length: layers }, (_, l) => layerOf(l === 0 ? lowest : upper()));
  const first = typeof width === 'number' ? [embedding({ input, width })] : [];
  return {
    cells: [
      { cell: lowest, times: directions },
      { cell: upper(), times: directions * (layers - 1) },
    ],
    layers: [...first, ...all],
  };
}

/**
 * The layers of a network of a given shape. The two directions of an encoder share the units of the decoder, which starts
 * from their final states side by side.
 * @throws RangeError if they cannot share them.
 */
export function stacksOf(
  { input, embedding: width, both = false, decoder, ...shape }: TaskArchitecture,
  make: (sizes: CellSizes) => Cell,
  { layers, hidden }: { layers: number; hidden: number },
): Stacks {
  if (!decoder) {
    const { cells, layers: all } = stackOf({ input, embedding: width, both, hidden, layers }, make);
    return { cells, options: { ...shape, layers: all } };
  }
  const why = 'the two directions share them; --direction forward takes any number';
  must(!both || hidden % 2 === 0, 'train', '--hidden must be even', hidden, why);
  const reads = stackOf({ input, embedding: width, both, hidden: both ? hidden / 2 : hidden, layers }, make);
  const { start, attention, ...written } = decoder;
  const writes = stackOf({ ...written, both: false, hidden, layers }, make);
  return {
    cells: [...reads.cells, ...writes.cells],
    options: {
      ...shape,
      encoder: reads.layers,
      layers: writes.layers,
      start,
      ...(attention && { attention }),
    },
  };
}
