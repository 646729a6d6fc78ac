/** The network of some settings. */
import { outputOf, type Cell } from '../../cells/cell';
import { inForm, kinds, type CellSizes } from '../../cells/kinds';
import { bidirectional, type Layer } from '../../bptt/network/layer';
import { scaleRecurrence } from '../../bptt/flow/recurrence';
import { network, type Network } from '../../bptt/network/network';
import type { Settings } from './settings';
import type { Task } from './tasks';

/** Periods of a clockwork layer's modules, as many of them as share out the units evenly. */
function periodsFor(hidden: number): number[] {
  const modules = [4, 3, 2, 1].find((count) => hidden % count === 0) as number;
  return Array.from({ length: modules }, (_, k) => 2 ** k);
}

/** What the page's settings say of a kind of cell beside its sizes. */
const said: Readonly<Record<string, (settings: Settings) => object>> = {
  lstm: ({ forgetBias }) => ({ forgetBias }),
  clockwork: ({ hidden }) => ({ periods: periodsFor(hidden) }),
};

/** A cell of a kind in its first form. */
function cellOf(name: string, settings: Settings, sizes: CellSizes): Cell {
  const kind = kinds.get(name, 'network');
  const [form] = Object.values(kind.choices);
  return inForm(kind, form, sizes, said[name]?.(settings));
}

/**
 * A network for a task: on the executor whose bits are the same on every machine.
 *
 * A cell whose output is as wide as it is asked to be, Jordan's, is an output layer itself; all others get one.
 */
export function networkOf(
  settings: Settings,
  cell: string,
  task: Pick<Task, 'input' | 'output' | 'loss' | 'topology'>,
): Network {
  const { hidden, layers, bidirectional: both, seed, spectralRadius } = settings;
  const wide = outputOf(cellOf(cell, settings, { input: 1, hidden, output: hidden + 1 })).width > hidden;
  const isOutput = wide && !both;
  const stack: Layer[] = [];
  for (let l = 0, input = task.input; l < layers; l++, input = both ? 2 * hidden : hidden) {
    const output = isOutput && l === layers - 1 ? task.output : hidden;
    const one = cellOf(cell, settings, { input, hidden, output });
    stack.push(both ? bidirectional(one) : one);
  }
  const net = network({
    layers: stack,
    ...(!isOutput && { output: task.output }),
    loss: task.loss,
    topology: task.topology,
    seed,
    executor: 'reproducible',
  });
  // recurrent matrices start orthogonal, with all eigenvalues on the unit circle
  if (spectralRadius !== 1) scaleRecurrence(net, spectralRadius);
  return net;
}
