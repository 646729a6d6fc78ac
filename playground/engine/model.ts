/** The network of some settings. */
import { clockwork } from '../../cells/clockwork';
import { elman } from '../../cells/elman';
import { gru } from '../../cells/gru';
import { jordan } from '../../cells/jordan';
import { lstm } from '../../cells/lstm';
import type { Cell } from '../../cells/cell';
import { bidirectional, type Layer } from '../../bptt/network/layer';
import { scaleRecurrence } from '../../bptt/flow/recurrence';
import { network, type Network } from '../../bptt/network/network';
import type { CellName, Settings } from './settings';
import type { Task } from './tasks';

/** Periods of a clockwork layer's modules, as many of them as share out the units evenly. */
function periodsFor(hidden: number): number[] {
  const modules = [4, 3, 2, 1].find((count) => hidden % count === 0) as number;
  return Array.from({ length: modules }, (_, k) => 2 ** k);
}

interface Sizes {
  input: number;
  hidden: number;
  /** What a Jordan cell puts out and feeds back. */
  output: number;
  forget: number;
}

const cells: Record<CellName, (sizes: Sizes) => Cell> = {
  elman: ({ input, hidden }) => elman({ input, hidden }),
  jordan: ({ input, hidden, output }) => jordan({ input, hidden, output }),
  lstm: ({ input, hidden, forget }) => lstm({ input, hidden, forgetBias: forget }),
  gru: ({ input, hidden }) => gru({ input, hidden }),
  clockwork: ({ input, hidden }) => clockwork({ input, hidden, periods: periodsFor(hidden) }),
};

/**
 * A network for a task: on the executor whose bits are the same on every machine.
 *
 * A Jordan network's last layer is its output layer; all others get one.
 */
export function networkOf(
  settings: Settings,
  cell: CellName,
  task: Pick<Task, 'input' | 'output' | 'loss' | 'topology'>,
): Network {
  const { hidden, layers, bidirectional: both, forget, seed, radius } = settings;
  const feedsBack = cell === 'jordan' && !both;
  const stack: Layer[] = [];
  for (let l = 0, input = task.input; l < layers; l++, input = both ? 2 * hidden : hidden) {
    const output = feedsBack && l === layers - 1 ? task.output : hidden;
    const one = cells[cell]({ input, hidden, output, forget });
    stack.push(both ? bidirectional(one) : one);
  }
  const net = network({
    layers: stack,
    ...(!feedsBack && { output: task.output }),
    loss: task.loss,
    topology: task.topology,
    seed,
    executor: 'reproducible',
  });
  // recurrent matrices start orthogonal, with all eigenvalues on the unit circle
  if (radius !== 1) scaleRecurrence(net, radius);
  return net;
}
