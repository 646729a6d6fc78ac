/**
 * This engine on batches of several lengths. `train` and `forward` take a new network each time, which meets every length
 * for the first time; kernels are compiled before. Option: dtype.
 */
import type { Batch } from '../../bptt/network/batch/batch';
import { rewritten } from '../../bptt/network/passes/bound';
import { network, type Network } from '../../bptt/network/network';
import { Plan } from '../../bptt/network/passes/plan';
import { globalNorm } from '../../bptt/train/clip';
import { Arena, engineMemory, type Dtype } from '../../core/memory';
import { executorOf } from '../../core/programs/executor';
import { toFlat } from '../../core/tensor';
import { cellOfWorkload, type Values } from '../../measure/workloads';
import type { Case } from './case';
import type { Engine } from './host';

/** The first `T` steps of values [T, …], without a copy. */
function firstSteps({ shape: [steps, ...rest], numbers }: Values, T: number): Values {
  return { shape: [T, ...rest], numbers: numbers.subarray(0, (numbers.length / steps) * T) };
}

/** Networks that are created before measurements. */
const CREATED = 5;

export function open({ workload, parameters, x, targets }: Case, dtype: string): Engine {
  const { O, lengths = [workload.T], predicts = false, feeds = false } = workload;
  const create = (): Network => {
    const net = network({
      layers: [cellOfWorkload(workload)],
      dtype: dtype as Dtype,
      ...(O ? { output: O, loss: 'softmax' } : { loss: 'squared' }),
      ...(predicts && { topology: 'many-to-one' }),
      ...(feeds && { topology: 'one-to-many', feed: 'output' }),
    });
    for (const [name, { numbers }] of Object.entries(parameters))
      net.parameters.set(`${name === 'Wy' || name === 'by' ? 'head' : 'l0'}.${name}`, numbers);
    return net;
  };
  const inputs = (T: number): Values => {
    const { shape, numbers } = firstSteps(x, feeds ? 1 : T);
    return feeds ? { shape: shape.slice(1), numbers } : { shape, numbers };
  };
  const batches = lengths.map((T): Batch =>
    predicts ? { x: inputs(T) } : { x: inputs(T), targets: firstSteps(targets, T) },
  );
  const sum = (of: (batch: Batch) => number): number => batches.reduce((total, one) => total + of(one), 0);
  const train = (net: Network): number =>
    sum((batch) => {
      net.parameters.zeroGradients();
      const pass = net.forward(batch);
      pass.backward();
      return pass.loss;
    });
  const outputs = (net: Network, batch: Batch): number =>
    toFlat(net.forward(batch, { predict: true }).output).reduce((total, y) => total + y, 0);
  const reused = create();
  // drawing initial weights is not measured
  const created = Array.from({ length: CREATED }, create);
  const fresh = (): Network => created.pop() ?? create();
  return {
    about: `backstep ${dtype} ${executorOf().name}`,
    check: () => {
      if (predicts) return { streamed: sum((batch) => outputs(reused, batch)) };
      return { loss: train(reused), gradientNorm: globalNorm(reused.parameters) };
    },
    train: () => train(fresh()),
    again: () => train(reused),
    forward: () => {
      const net = fresh();
      return sum((batch) => (predicts ? outputs(net, batch) : net.forward(batch).loss));
    },
    record: () => {
      const shape = { T: workload.T, B: workload.B, masked: false };
      const { architecture } = reused;
      return Arena.sketch(engineMemory(), () => rewritten(new Plan(architecture, shape, reused.parameters)));
    },
  };
}
