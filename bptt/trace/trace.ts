/** Shows every line of a cell's equations with the numbers of one unit at one step of a network. */
import { must, mustBeOneOf, mustCount, mustKnowKeys } from '../../core/check';
import { readBatch, type Batch } from '../network/batch/batch';
import { copyNetwork, mustBeNetwork, runnerOf, type Network } from '../network/network';
import { worked, type TracedLine } from './arithmetic';
import { traceOf } from './numbers';

/** The cell, step, unit and row that `trace` shows. */
export interface TraceOptions {
  /** The cell, by the name that its parameters begin with: `l0`, the default, `l1`, `l0r`, `e0`. */
  layer?: string;
  /** The time step, counted from 0, also for a cell that reads from the end. */
  step: number;
  /** The unit of the hidden layer, counted from 0. */
  unit: number;
  /** The row of the batch; default 0. */
  row?: number;
}

/** The lines of one step of one cell, for one unit. */
export interface TracedUnit extends Required<TraceOptions> {
  /** The kind of the cell: `lstm`. */
  cell: string;
  /** The lines of the forward step, in execution order. */
  forward: TracedLine[];
  /** The lines of the backward step; none for a network without a loss. */
  backward: TracedLine[];
}

/**
 * Runs a batch forward and backward, and returns the lines of one cell's equations at one step with the numbers of one
 * unit.
 *
 *   batch as for `network.forward`, with targets if the network has a loss
 *
 * It computes in float64, on a copy: the network's gradients do not change. Long sums show the largest terms and the sum of
 * the others. Gradients of weights are shown without numbers, because they sum over rows and steps.
 *
 * @throws RangeError for a step, unit or row that does not exist; TypeError for an unknown layer or option.
 * @example
 * const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
 * const { forward } = trace(net, { x: [[0], [1]], targets: [[1], [0]] }, { step: 1, unit: 2 });
 * forward.map(({ line }) => line); // ['z = x @ Wx + b', 'z += hPrev @ Wh', 'h = tanh(z)']
 */
export function trace(net: Network, batch: Batch, options: TraceOptions): TracedUnit {
  const where = 'trace';
  mustBeNetwork(net, where);
  mustKnowKeys(options, ['layer', 'step', 'unit', 'row'], where);
  const { layer = 'l0', step, unit, row = 0 } = options;
  for (const [name, value] of Object.entries({ step, unit, row })) mustCount(value, where, name, 0);
  const { B } = readBatch(batch, net, where);
  must(row < B, where, `row must be in 0…${B - 1}`, row, `B = ${B}`);
  const plan = runnerOf(copyNetwork(net)).lay(batch, { rows: [row, row + 1] });
  const names = plan.unrolls.map(({ name }) => name);
  const at = names.indexOf(mustBeOneOf(layer, names, where, 'layer'));
  const { T, valid } = plan.unrolls[at].options;
  must(step < T, where, `step must be in 0…${T - 1}`, step, `T = ${T}`);
  must(!valid || valid.get(step, 0) > 0, where, 'step must be within the row', step, `row ${row} is shorter`);
  const traced = traceOf(plan).layers[at];
  const { cell, units, steps } = traced;
  must(unit < units, where, `unit must be in 0…${units - 1}`, unit, `${layer} is ${cell}`);
  const { forward, backward } = steps[step];
  return {
    ...{ layer, cell, step, unit, row },
    forward: worked(forward, unit, traced),
    backward: net.architecture.loss === undefined ? [] : worked(backward, unit, traced),
  };
}
