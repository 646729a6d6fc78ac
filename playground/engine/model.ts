/** Builds the network that the settings describe. */
import { outputOf, type Cell } from '../../cells/cell';
import { fittedForm, inForm, kinds, type CellSizes } from '../../cells/kinds';
import { cellFromText } from '../../cells/text';
import { bidirectional, widthOf, type Layer } from '../../bptt/network/layers/layer';
import { scaleRecurrence, setGateBias } from '../../bptt/flow/recurrence';
import { network, type Network } from '../../bptt/network/network';
import { OWN, type PageSettings } from './settings';
import type { PageTask } from './tasks';

/** A cell of a kind, with default options, or the user's own. */
function cellOf(name: string, sizes: CellSizes, equations: string): Cell {
  if (name === OWN) return cellFromText({ input: sizes.input, hidden: sizes.hidden, equations });
  const kind = kinds.get(name, 'network');
  const [usual] = Object.values(kind.choices);
  return inForm(kind, fittedForm(kind, usual, sizes.hidden), sizes);
}

/**
 * A network for a task, on the executor that gives the same bits on every machine.
 *
 * A Jordan cell, whose output width is an option, needs no output layer; all others get one.
 */
export function networkOf(
  settings: PageSettings,
  cell: string,
  task: Pick<PageTask, 'input' | 'output' | 'loss' | 'topology'>,
): Network {
  const { hidden, layers, bidirectional: both, seed, spectralRadius, forgetBias, equations } = settings;
  const wide = outputOf(cellOf(cell, { input: 1, hidden, output: hidden + 1 }, equations)).width > hidden;
  const isOutput = wide && !both;
  const stack: Layer[] = [];
  for (let l = 0, input = task.input; l < layers; l++) {
    const output = isOutput && l === layers - 1 ? task.output : hidden;
    const one = cellOf(cell, { input, hidden, output }, equations);
    stack.push(both ? bidirectional(one) : one);
    input = widthOf(stack[l]);
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
  setGateBias(net, 'f', forgetBias);
  return net;
}
