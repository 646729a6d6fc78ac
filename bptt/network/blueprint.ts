/** What other threads build the same network from, without its weights, and how they know that it is the same. */
import { EQUATIONS, builtIn } from '../../cells/kinds';
import { makers, noteOfCell, type CellMaker } from '../../cells/makers';
import { mustBe } from '../../core/check';
import type { ExecutorName } from '../../core/executor';
import type { Data } from '../../core/memory';
import { printGraph } from '../../core/print';
import type { Operation, Program } from '../../core/program';
import type { Tensor } from '../../core/tensor';
import { loss, lossNames, lossOf, registerLoss, type LossDefinition } from '../../losses';
import { nameOf } from './layer';
import { blankNetwork, type Network } from './network';
import { noteOf, optionsFrom, type NetworkNote } from './note';
import { Plan } from './plan';
import { cellsOf } from './stack';

export interface Blueprint {
  network: NetworkNote;
  /** Its text: a loss of one's own is not known in other threads. */
  loss?: LossDefinition;
  executor: ExecutorName;
  /** What the network computes, in words: see `operationsOf`. */
  operations: string;
}

/**
 * The blueprint of a network.
 * @param own whether the caller names a module with makers of its own cells.
 * @throws TypeError for a cell that no maker is known for.
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
 * Builds the network of a blueprint. Its weights are not those of the original: they are read for every pass.
 * @throws TypeError when it would compute something else, because a cell is more than its name and its options say.
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
