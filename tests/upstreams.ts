/** Upstream gradients of networks without a loss: values past a row's end have no effect, on every path. */
import { attentionScores } from '../bptt/network/layers/attention';
import type { Batch } from '../bptt/network/batch/batch';
import { bidirectional } from '../bptt/network/layers/layer';
import { network, type Network, type NetworkOptions, type Upstream } from '../bptt/network/network';
import { truncated } from '../bptt/truncated';
import type { Cell } from '../cells/cell';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random/random';
import { toFlat, type Tensors } from '../core/tensor';
import type { Setting } from './executors';
import { planOf } from '../bptt/network/passes/pass';

const [S, T, B, D, H, O] = [5, 4, 3, 4, 5, 6];
const lengths = [4, 1, 3];
const random = new Random(1);
const draw = (n: number): number[] => Array.from({ length: n }, () => random.normal());
const randomArray = (...shape: number[]) => ({ shape, numbers: draw(shape.reduce((n, k) => n * k, 1)) });
const classes = (shape: number[], below: number) => ({
  shape,
  numbers: Array.from({ length: shape.reduce((n, k) => n * k, 1) }, () => random.below(below)),
});

/** Values past a row's end: zeros, which are known to have no effect, other numbers, and NaN. */
const paddings = [0, 7, NaN, Infinity];

interface Example {
  name: string;
  options: NetworkOptions;
  batch: Batch;
}
const example = (name: string, layers: NetworkOptions['layers'], more: Partial<NetworkOptions> = {}) => ({
  name,
  options: { layers, ...more },
  batch: { x: randomArray(T, B, D), lengths },
});
const decoder = (name: string, more: Partial<NetworkOptions> = {}, layers?: NetworkOptions['layers']) => ({
  name: `encoder-decoder, ${name}`,
  options: {
    topology: 'encoder-decoder' as const,
    encoder: [lstm({ input: D, hidden: H })],
    layers: layers ?? [lstm({ input: O, hidden: H })],
    output: O,
    ...more,
  },
  batch: {
    x: randomArray(S, B, D),
    lengths: [5, 2, 4],
    inputs: layers ? classes([T, B], O) : more.feed ? randomArray(B, O) : randomArray(T, B, O),
    targetLengths: lengths,
    ...(more.feed && { T }),
  },
});
const cells: Cell[] = [
  elman({ input: D, hidden: H }),
  lstm({ input: D, hidden: H }),
  gru({ input: D, hidden: H }),
  jordan({ input: D, hidden: H, output: O }),
  clockwork({ input: D, hidden: 6, periods: [1, 2, 4] }),
];
const examples: Example[] = [
  ...cells.map((cell) => example(cell.name, [cell], { output: O })),
  example('without an output layer', [lstm({ input: D, hidden: H })]),
  example('two layers with dropout', [gru({ input: D, hidden: H }), lstm({ input: H, hidden: 3 })], {
    output: O,
    dropout: 0.3,
  }),
  example('bidirectional', [bidirectional(lstm({ input: D, hidden: H }))], { output: O }),
  example('trainable initial states', [gru({ input: D, hidden: H })], { output: O, trainInitial: true }),
  {
    ...example('embedding', [embedding({ input: 9, width: D }), lstm({ input: D, hidden: H })], {
      output: O,
    }),
    batch: { x: classes([T, B], 9), lengths },
  },
  {
    name: 'fed its own output',
    options: { topology: 'one-to-many', feed: 'output', layers: [gru({ input: O, hidden: H })], output: O },
    batch: { x: randomArray(B, O), T, lengths },
  },
  decoder('bridge alone'),
  decoder('embedding', {}, [embedding({ input: O, width: 3 }), lstm({ input: 3, hidden: H })]),
  decoder('fed its own output', { feed: 'output' }),
  decoder('fed nothing', { feed: 'nothing' }),
  ...attentionScores.map((attention) => decoder(`attention ${attention}`, { attention })),
  decoder('attention dot, fed its own output', { attention: 'dot', feed: 'output' }),
];

const flat = (tensors: Tensors, prefix = ''): [string, number[]][] =>
  Object.entries(tensors).map(([name, t]) => [prefix + name, toFlat(t)]);

/** dL/doutput with something past each row's end; the other numbers are the same each time. */
function outputWith(padding: number, width: number): number[] {
  const own = new Random(5);
  return Array.from({ length: T * B * width }, (_, k) => {
    const value = own.normal();
    const row = Math.floor(k / width);
    return Math.floor(row / B) < lengths[row % B] ? value : padding;
  });
}
/** That, and dL/dfinal states. */
function upstreamOf(net: Network, batch: Batch, padding: number): Upstream {
  const own = new Random(6);
  const states = Object.entries(net.forward(batch).states).map(
    ([name, t]) => [name, toFlat(t).map(() => own.normal())] as const,
  );
  return { output: outputWith(padding, net.output), states: Object.fromEntries(states) };
}

/** Both dtypes, each on one executor. */
export const isQuick = ({ executorName, dtype }: Setting): boolean =>
  `${executorName}, ${dtype}` === 'plain, float64' || `${executorName}, ${dtype}` === 'wasm, float32';

/** Tests of all of them, with some executors and dtypes. */
export function describeUpstream(settings: readonly Setting[]): void {
  describe.each(settings)('$name', ({ dtype, executorName: executor }) => {
    const make = (options: NetworkOptions): Network => network({ ...options, dtype, executor, seed: 2 });

    test.each(examples)('$name: no gradient depends on it, to the bit', ({ options, batch }) => {
      const [expected, ...others] = paddings.map((padding) => {
        const net = make(options);
        const upstream = upstreamOf(net, batch, padding);
        const pass = net.forward(batch, { training: true });
        const back = pass.backward(upstream);
        const { first, main, source } = planOf(pass);
        return [
          ...flat(net.parameters.gradients, 'd'),
          ...flat(back.initial, 'd0 '),
          // class numbers have no gradient
          ...(first.shape.classes ? [] : flat({ x: back.x })),
          ...(source && !main.shape.classes ? flat({ inputs: back.inputs! }) : []),
        ];
      });
      expect(expected.flatMap(([, values]) => values).every(Number.isFinite)).toBe(true);
      for (const other of others) expect(other).toEqual(expected);
    });

    test('nor does a gradient of a sequence in chunks', () => {
      const { options, batch } = examples[1];
      const [expected, ...others] = paddings.map((padding) => {
        const net = make(options);
        const upstream = upstreamOf(net, batch, padding);
        const { x } = truncated(net, batch, { chunk: 2, upstream });
        return [...flat(net.parameters.gradients), ...flat({ x })];
      });
      for (const other of others) expect(other).toEqual(expected);
    });

    test('the one output of a row counts, however early the row ends', () => {
      const net = make({ topology: 'many-to-one', layers: [lstm({ input: D, hidden: H })], output: O });
      const pass = net.forward({ x: randomArray(T, B, D), lengths });
      pass.backward({ output: Array<number>(B * O).fill(1) });
      expect(toFlat(net.parameters.gradients['head.by'])).toEqual(Array(O).fill(B));
    });
  });
}
