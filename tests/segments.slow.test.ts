/** Training in segments, with and without worker threads. */
import { fit } from '../bptt/train/fit';
import { evaluate } from '../bptt/train/learner';
import { network } from '../bptt/network/network';
import { parallel } from '../bptt/parallel/parallel';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat, type Tensor } from '../core/tensor';

const [T, B, D, H, O] = [45, 3, 4, 5, 6];
const lengths = [45, 17, 30];

const randomArray = (shape: number[], seed: number) => {
  const random = new Random(seed);
  const numbers = Array.from({ length: shape.reduce((n, axis) => n * axis, 1) }, () => random.normal());
  return { shape, numbers };
};
const classes = (many: number, steps: number, seed: number): number[][] => {
  const random = new Random(seed);
  return Array.from({ length: steps }, () => Array.from({ length: B }, () => random.below(many)));
};
const x = randomArray([T, B, D], 1);
const targets = classes(O, T, 2);

const flat = (tensors: Readonly<Record<string, Tensor>>): [string, number[]][] =>
  Object.entries(tensors).map(([name, t]) => [name, toFlat(t)]);

const softmax = { output: O, loss: 'softmax' } as const;

test('trains as without, on one thread or two', async () => {
  const trained = async (checkpointEvery: number | undefined, threads: number): Promise<unknown> => {
    const net = network({
      layers: [lstm({ input: D, hidden: H }), gru({ input: H, hidden: 3 })],
      ...{ ...softmax, dropout: 0.2 },
    });
    const loader = ['-r', require.resolve('../scripts/register.js')];
    const team = await parallel(net, { threads, execArgv: loader });
    const batches = Array.from({ length: 3 }, () => ({ x, targets, lengths }));
    const options = {
      optimizer: { name: 'adam' },
      threads: team,
      ...(checkpointEvery && { checkpointEvery }),
    } as const;
    const validation = { batches: () => batches.slice(0, 1), every: 2 };
    const { history } = await fit(net, batches, { ...options, validation });
    team.close();
    return [history, flat(net.parameters.values), evaluate(net, batches[0])];
  };
  for (const threads of [1, 2]) expect(await trained(8, threads)).toEqual(await trained(undefined, threads));
});
