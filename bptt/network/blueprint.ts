/** Plain-data description of a network, without weights, from which other threads build a copy, and its fingerprint. */
import { EQUATIONS, builtIn } from '../../cells/kinds';
import { makers, noteOfCell, type CellMaker } from '../../cells/makers';
import { mustBe } from '../../core/check';
import type { ExecutorName } from '../../core/programs/executor';
import type { Data } from '../../core/memory';
import { printGraph } from '../../core/programs/print';
import type { Operation, Program } from '../../core/programs/program';
import type { Tensor } from '../../core/tensor';
import { loss, lossNames, lossOf, registerLoss, type LossDefinition } from '../../losses';
import { nameOf } from './layers/layer';
import { blankNetwork, type Network } from './network';
import { noteOf, optionsFrom, type NetworkNote } from './note';
import { Plan } from './passes/plan';
import { cellsOf } from './layers/stack';

export interface Blueprint {
  network: NetworkNote;
  /** Definition of its loss, because other threads do not know a user's loss. */
  loss?: LossDefinition;
  executor: ExecutorName;
  /** Fingerprint of the computation: see `operationsOf`. */
  operations: string;
}

/**
 * The blueprint of a network.
 * @param own whether the caller names a module with factories of its own cells.
 * @throws TypeError for a cell without a known factory.
 */
export function blueprintOf(net: Network, own: boolean): Blueprint {
  const known = [...builtIn, EQUATIONS];
  for (const { name, cell } of cellsOf(net.architecture)) {
    mustBe(
      own || known.includes(noteOfCell(cell).cell),
      'parallel',
      `${name} must be a cell that other threads can build, one of ${known.join(', ')}`,
      cell.name,
      'for a cell of your own, name the module that exports its maker: { cells: file }; or use one thread',
    );
  }
  const { loss: name } = net.architecture;
  return {
    network: noteOf(net),
    ...(name !== undefined && { loss: lossOf(name).definition }),
    executor: net.executor.name as ExecutorName,
    operations: operationsOf(net),
  };
}

/**
 * Builds the network of a blueprint. Its weights are blank: they are read from shared memory before every pass.
 * @throws TypeError if it would compute something else, because name and options do not define a cell completely.
 */
export function buildFrom(
  { network, loss: text, executor, operations }: Blueprint,
  own: Readonly<Record<string, CellMaker>>,
): Network {
  if (text && !lossNames().includes(text.name)) registerLoss(loss(text));
  const net = blankNetwork({ ...optionsFrom(network, makers().with(own), 'parallel'), executor });
  const same = operationsOf(net) === operations && net.executor.name === executor;
  mustBe(
    same,
    'parallel',
    `the network of ${net.architecture.layers.map(nameOf).join(', ')} must compute the same when built from names and options`,
    net.executor.name === executor ? 'other operations' : `the ${net.executor.name} executor`,
    'a cell must hold all it is made from in its `options`',
  );
  return net;
}

/** All operations of a network for two steps of two rows, as text: a fingerprint that differs if the networks differ. */
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
      return [printGraph(graph), Object.keys(outputs), operands];
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
