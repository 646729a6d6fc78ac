/** Predictions for many rows: little memory, and results bit-identical to those of all rows at once. */
import { network, type NetworkOptions } from '../bptt/network/network';
import { rowsAtOnce } from '../bptt/network/passes/chunks';
import { readBatch } from '../bptt/network/batch/batch';
import { bidirectional } from '../bptt/network/layers/layer';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { engineMemory } from '../core/memory';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';

const [T, D, H, O] = [300, 3, 5, 2];
const B = 130; // in three parts
const random = new Random(1);
const randomArray = (shape: number[]) => ({
  shape,
  numbers: Float64Array.from({ length: shape.reduce((n, axis) => n * axis, 1) }, () => random.normal()),
});
const x = randomArray([T, B, D]);
const lengths = Array.from({ length: B }, () => 1 + random.below(T));

const networks: [string, NetworkOptions][] = [
  ['many to many', { layers: [lstm({ input: D, hidden: H })], output: O, loss: 'squared' }],
  ['many to one', { layers: [gru({ input: D, hidden: H })], output: O, topology: 'many-to-one' }],
  ['two directions', { layers: [bidirectional(gru({ input: D, hidden: H }))], output: O }],
];

test.each(networks)('%s: outputs and states are those of all rows at once', (_name, options) => {
  const net = network(options);
  const initial = Object.fromEntries(
    Object.entries(net.forward({ x: randomArray([1, 1, D]) }, { predict: true }).states).map(
      ([name, { shape }]) => [name, randomArray([B, shape[1]])],
    ),
  );
  const batch = { x, lengths, initial };
  expect(rowsAtOnce(readBatch(batch, net), {})).toBe(54);
  const results = (pass: ReturnType<typeof net.forward>): unknown => [
    pass.output.shape,
    toFlat(pass.output),
    Object.entries(pass.states).map(([name, t]) => [name, t.shape, toFlat(t)]),
  ];
  const { loss: _loss, ...given } = options;
  const all = network(given);
  all.parameters.flat.data.set(net.parameters.flat.data);
  // without predict, all rows are run at once
  expect(results(net.forward(batch, { predict: true }))).toEqual(results(all.forward(batch)));
});

test('memory does not grow with the number of rows', () => {
  const net = network({ layers: [lstm({ input: D, hidden: H })], output: O });
  const before = engineMemory().used();
  const used = (rows: number): number => {
    net.forward({ x: { shape: [50, rows, D], numbers: new Float32Array(50 * rows * D) } }, { predict: true });
    return engineMemory().used() - before;
  };
  const some = used(327);
  expect(used(5000)).toBeLessThanOrEqual(1.3 * some);
});

test('there is no way back', () => {
  const net = network({ layers: [lstm({ input: D, hidden: H })], output: O });
  expect(() => net.forward({ x }, { predict: true }).backward()).toThrow(
    'pass.backward: the forward pass must leave out predict, got a prediction',
  );
});
