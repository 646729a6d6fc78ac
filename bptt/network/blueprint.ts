/** A network as plain data, from which another thread builds the same network, without its weights. */
import type { Embedding, EmbeddingOptions } from '../../cells/embedding';
import {
  makers,
  noteOfCell,
  remake,
  remakeEmbedding,
  type CellMaker,
  type CellNote,
} from '../../cells/makers';
import { mustBe } from '../../core/check';
import type { ExecutorName } from '../../core/executor';
import type { Data } from '../../core/memory';
import type { Operation, Program } from '../../core/program';
import { print } from '../../core/print';
import type { Tensor } from '../../core/tensor';
import type { NetworkOptions } from './architecture';
import { bidirectional, isBidirectional, nameOf, type Layer } from './layer';
import { Network } from './network';
import { Plan } from './plan';
import { cellsOf } from './stack';

/** One note for each direction. */
interface LayerNote {
  forward: CellNote;
  backward?: CellNote;
}

export interface Blueprint {
  embedding?: EmbeddingOptions;
  layers: LayerNote[];
  encoderEmbedding?: EmbeddingOptions;
  encoder?: LayerNote[];
  options: Omit<NetworkOptions, 'layers' | 'encoder'>;
  /** What the network computes, in words: see `operationsOf`. */
  operations: string;
}

/**
 * The blueprint of a network.
 * @param own whether the caller names a module with makers of its own cells.
 * @throws TypeError for a cell that no maker is known for.
 */
export function blueprintOf(net: Network, own: boolean): Blueprint {
  const { embedding, layers, encoderEmbedding, encoder, ...rest } = net.architecture;
  for (const { name, cell } of cellsOf(net.architecture)) {
    mustBe(
      own || Object.hasOwn(makers, noteOfCell(cell).cell),
      'parallel',
      `${name} must be a cell that other threads can build, one of ${Object.keys(makers).join(', ')}`,
      cell.name,
      'for a cell of your own, name the module that exports its maker: { cells: file }; or use one thread',
    );
  }
  return {
    ...(embedding && { embedding: embedding.options }),
    layers: layers.map(noteOf),
    ...(encoderEmbedding && { encoderEmbedding: encoderEmbedding.options }),
    ...(encoder && { encoder: encoder.map(noteOf) }),
    options: { ...rest, reduction: net.reduction, executor: net.executor.name as ExecutorName },
    operations: operationsOf(net),
  };
}

const noteOf = (layer: Layer): LayerNote =>
  isBidirectional(layer)
    ? { forward: noteOfCell(layer.forward), backward: noteOfCell(layer.backward) }
    : { forward: noteOfCell(layer) };

/**
 * Builds the network of a blueprint. Its weights are not those of the original: they are read for every pass.
 * @throws TypeError when it would compute something else, because a cell is more than its name and its options say.
 */
export function buildFrom(
  { embedding, layers, encoderEmbedding, encoder, options, operations }: Blueprint,
  own: Readonly<Record<string, CellMaker>>,
): Network {
  const known = { ...makers, ...own };
  const layerOf = ({ forward, backward }: LayerNote): Layer => {
    const cell = remake(forward, known, 'parallel');
    return backward ? bidirectional(cell, remake(backward, known, 'parallel')) : cell;
  };
  const stackOf = (first: EmbeddingOptions | undefined, notes: LayerNote[]): (Embedding | Layer)[] => [
    ...(first ? [remakeEmbedding(first)] : []),
    ...notes.map(layerOf),
  ];
  const net = new Network({
    ...options,
    layers: stackOf(embedding, layers),
    ...(encoder && { encoder: stackOf(encoderEmbedding, encoder) }),
  });
  const same = operationsOf(net) === operations && net.executor.name === options.executor;
  mustBe(
    same,
    'parallel',
    `the network of ${net.architecture.layers.map(nameOf).join(', ')} must compute the same when built from names and options`,
    net.executor.name === options.executor ? 'other operations' : `the ${net.executor.name} executor`,
    'a cell must hold all it is made from in its `options`',
  );
  return net;
}

/** Everything that a network does in two steps of two rows, written down: two networks that differ differ in it. */
function operationsOf({ architecture, parameters }: Network): string {
  const source = architecture.encoder && { T: 2, masked: true };
  const plan = new Plan(architecture, { T: 2, B: 2, masked: true, source }, parameters);
  const numbers = new Map<Data, number>();
  const place = ({ data, shape, stride, offset }: Tensor): unknown[] => {
    if (!numbers.has(data)) numbers.set(data, numbers.size);
    return [numbers.get(data), shape, stride, offset];
  };
  const words = (operation: Operation): unknown => {
    if (operation.kind === 'pointwise') {
      const { graph, inputs, outputs } = operation;
      const operands = Object.entries({ ...inputs, ...outputs }).map(([name, t]) => [name, place(t)]);
      return [print(graph), Object.keys(outputs), operands];
    }
    const { kind, out, accumulate } = operation;
    const rest =
      kind === 'product'
        ? [operation.a, operation.b, ...(operation.bias ? [operation.bias] : [])].map(place)
        : [operation.what, place(operation.from)];
    return [kind, accumulate, place(out), rest];
  };
  const programs: Program[] = [plan.start, plan.encode, plan.forward, plan.backward, plan.startBackward];
  const shapes = Object.entries(parameters.values).map(([name, { shape, offset }]) => [name, shape, offset]);
  return JSON.stringify([shapes, programs.map(({ operations }) => operations.map(words))]);
}
