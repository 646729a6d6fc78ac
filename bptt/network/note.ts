/** Converts a network without its weights to plain data, for checkpoints and other threads, and back. */
import type { Cell } from '../../cells/cell';
import { embedding, type Embedding, type EmbeddingOptions } from '../../cells/embedding';
import { noteOfCell, remake, type CellMaker, type CellNote } from '../../cells/makers';
import type { Registry } from '../../core/registry';
import type { Architecture, NetworkOptions } from './architecture';
import { bidirectional, isBidirectional, type Layer } from './layers/layer';
import type { Network } from './network';

/** A layer is a cell; a bidirectional one has a second cell, which reads in reverse. */
export interface LayerNote extends CellNote {
  reverse?: CellNote;
}

export interface NetworkNote extends Omit<
  Architecture,
  'embedding' | 'layers' | 'encoderEmbedding' | 'encoder'
> {
  embedding?: EmbeddingOptions;
  layers: LayerNote[];
  encoderEmbedding?: EmbeddingOptions;
  encoder?: LayerNote[];
  reduction: 'mean' | 'sum';
}

export function noteOf({ architecture, reduction }: Network): NetworkNote {
  const { embedding, layers, encoderEmbedding, encoder, ...rest } = architecture;
  return {
    ...rest,
    ...(embedding && { embedding: embedding.options }),
    layers: layers.map(noteOfLayer),
    ...(encoderEmbedding && { encoderEmbedding: encoderEmbedding.options }),
    ...(encoder && { encoder: encoder.map(noteOfLayer) }),
    reduction,
  };
}

const noteOfLayer = (layer: Layer): LayerNote =>
  isBidirectional(layer)
    ? { ...noteOfCell(layer.forward), reverse: noteOfCell(layer.backward) }
    : noteOfCell(layer);

/**
 * The options of the network of a note.
 * @throws TypeError for a cell without a known factory.
 */
export function optionsFrom(
  { embedding: table, layers, encoderEmbedding: encoderTable, encoder, ...rest }: NetworkNote,
  makers: Registry<CellMaker>,
  where: string,
): NetworkOptions {
  const cell = (note: CellNote): Cell => remake(note, makers, where);
  const stack = (first: EmbeddingOptions | undefined, notes: LayerNote[]): (Embedding | Layer)[] => [
    ...(first ? [embedding(first)] : []),
    ...notes.map(({ reverse, ...note }) => (reverse ? bidirectional(cell(note), cell(reverse)) : cell(note))),
  ];
  return {
    ...rest,
    layers: stack(table, layers),
    ...(encoder && { encoder: stack(encoderTable, encoder) }),
  };
}
