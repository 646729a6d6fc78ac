/** Plans of several lengths share memory: what an earlier one leaves there has no effect on a later one. */
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type NetworkOptions } from '../bptt/network/network';
import { planOf } from '../bptt/network/passes/pass';
import type { Plan } from '../bptt/network/passes/plan';
import type { Batch } from '../bptt/network/batch/batch';
import { choiceNames, choiceOf } from '../cells/kinds';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import type { Cell } from '../cells/cell';
import { isOneHot } from '../core/onehot';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { executors } from './executors';

const [B, D, H, O] = [2, 3, 8, 4];
const LENGTHS = [23, 9, 17, 8, 30, 9];

const random = new Random(3);
const values = (T: number, width: number): number[][][] =>
  Array.from({ length: T }, () =>
    Array.from({ length: B }, () => Array.from({ length: width }, () => random.normal())),
  );
const classes = (T: number, count: number): number[][] =>
  Array.from({ length: T }, () => Array.from({ length: B }, () => random.below(count)));

/** Sets everything that a plan has computed to NaN, so that nothing can be read of it without being noticed. */
function spoil(plan: Plan): void {
  const stacks = plan.source ? [plan.source, plan.main] : [plan.main];
  const tensors = [
    ...stacks.map(({ input }) => input.value),
    ...stacks.flatMap(({ unrolls }) => unrolls.flatMap(({ buffers }) => Object.values(buffers))),
    ...(plan.target ? [plan.target] : []),
  ];
  for (const t of tensors) if (!isOneHot(t)) t.data.fill(NaN);
}

/** Trains on batches of these lengths in turn; returns the results of the last one. */
function lastOf(options: NetworkOptions, batches: readonly Batch[], spoils: boolean): unknown {
  const net = network({ ...options, seed: 4 });
  let last: unknown;
  for (const batch of batches) {
    net.parameters.zeroGradients();
    const pass = net.forward(batch);
    const gradients = pass.backward();
    const tensors = [pass.output, net.parameters.flatGradients, ...Object.values(gradients.initial)];
    if (!planOf(pass).first.shape.classes) tensors.push(gradients.x);
    last = [pass.loss, ...tensors.map(toFlat)];
    if (spoils) spoil(planOf(pass));
  }
  return last;
}

function mustNotDepend(options: NetworkOptions, batchOf: (T: number) => Batch): void {
  const batches = LENGTHS.map(batchOf);
  for (const { name: executor } of [executors[0], executors[executors.length - 1]]) {
    const own = { ...options, executor } as NetworkOptions;
    const [alone, after] = [lastOf(own, batches.slice(-1), false), lastOf(own, batches, true)];
    expect(JSON.stringify(after)).toBe(JSON.stringify(alone));
    expect(JSON.stringify(alone)).not.toContain('null');
  }
}

const build = (name: string): Cell => choiceOf(name)!.make({ input: D, hidden: H, output: O });

test.each(choiceNames())('%s', (name) =>
  mustNotDepend({ layers: [build(name)], output: O, loss: 'squared' }, (T) => ({
    x: values(T, D),
    targets: values(T, O),
    lengths: [T, T - 2],
  })),
);

const common = { output: O, loss: 'softmax' } as const;
const layer = gru({ input: D, hidden: H });
const cases: [string, NetworkOptions, (T: number) => Batch][] = [
  [
    'class numbers, below an embedding',
    { ...common, layers: [embedding({ input: 7, width: D }), layer] },
    (T) => ({ x: classes(T, 7), targets: classes(T, O) }),
  ],
  [
    'two layers in both directions',
    { ...common, layers: [bidirectional(layer), bidirectional(lstm({ input: 2 * H, hidden: H }))] },
    (T) => ({ x: values(T, D), targets: classes(T, O), lengths: [T - 3, T] }),
  ],
  [
    'one output',
    { ...common, layers: [layer], topology: 'many-to-one' },
    (T) => ({ x: values(T, D), targets: classes(1, O)[0], lengths: [T, T - 1] }),
  ],
  [
    'fed its own output',
    { output: D, loss: 'squared', layers: [layer], topology: 'one-to-many', feed: 'output' },
    (T) => ({ x: values(1, D)[0], targets: values(T, D) }),
  ],
  [
    'an encoder and a decoder with attention',
    {
      ...{ ...common, topology: 'encoder-decoder', encoder: [layer], attention: 'dot' },
      layers: [gru({ input: O, hidden: H })],
    },
    (T) => ({ x: values(T + 1, D), targets: classes(T, O), lengths: [T, T + 1], targetLengths: [T, T - 1] }),
  ],
];
test.each(cases)('%s', (_name, options, batchOf) => mustNotDepend(options, batchOf));
