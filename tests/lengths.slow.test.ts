/** Many sequence lengths in little memory: the plan of each reuses the memory of the previous one. */
import type { Batch } from '../bptt/network/batch/batch';
import { decode } from '../bptt/decode/decode';
import { fit } from '../bptt/train/fit';
import { mustHaveRoom, needOf } from '../bptt/network/need';
import { network } from '../bptt/network/network';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { engineMemory } from '../core/memory';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';

const MB = 2 ** 20;
const memory = engineMemory(16);
const [B, D, H, O] = [2, 3, 40, 5];
// nothing is collected while a function runs: free memory was released explicitly, not by the garbage collector
const used = (): number => memory.used() / MB;

const make = () =>
  network({ layers: [lstm({ input: D, hidden: H })], output: O, loss: 'softmax', dtype: 'float32' });

/** A test whose memory is returned at its end. */
const alone = (name: string, body: () => void): void => test(name, () => memory.borrow(body));

function batchOf(T: number): Batch {
  const random = new Random(T);
  const x = Array.from({ length: T * B * D }, () => random.normal());
  const targets = Array.from({ length: T }, () => Array.from({ length: B }, () => random.below(O)));
  return { x: { shape: [T, B, D], numbers: x }, targets };
}

test('the memory is small', () => expect(memory.buffer.byteLength).toBe(16 * MB));

alone('one length after the other without a pause: hardly more memory than that of the longest', () => {
  const net = make();
  const before = used();
  net.forward(batchOf(108));
  const longest = used() - before;
  for (let T = 60; T <= 107; T++) net.forward(batchOf(T));
  expect(longest).toBeGreaterThan(0.5);
  expect(used() - before).toBeLessThan(1.2 * longest);
});

alone(
  'a longer pass takes the memory of the one before, and one that finds no room leaves none taken',
  () => {
    const net = make();
    const sizeOf = (T: number): number => {
      const before = used();
      net.forward(batchOf(T));
      return used() - before;
    };
    sizeOf(10); // and the memory that all plans share
    const perStep = sizeOf(500) / 490;
    // two plans of this length have no room beside each other
    const T = Math.floor((0.7 * 16) / perStep);
    const late = 'pass.backward: a pass must be run backward before the next pass, got a later pass';
    let before = net.forward(batchOf(T));
    for (let k = 1; k < 4; k++) {
      // results of the previous pass that were read remain valid, all others are lost
      const pass = net.forward(batchOf(T + k), { from: before.states });
      expect(() => before.backward()).toThrow(late);
      pass.backward();
      expect(pass.loss).toBeGreaterThan(0);
      before = pass;
    }
    expect(used()).toBeGreaterThan(8);
    expect(toFlat(before.backward().initial['l0.h'])).toHaveLength(B * H);
    net.forward(batchOf(10));
    expect(() => before.backward()).toThrow(late);
    const last = net.forward(batchOf(T + 4));
    expect(() => net.forward(batchOf(2 * T))).toThrow("memory: the engine's 16 MB must have room for");
    expect(used()).toBeLessThan(1); // failed builds have left nothing allocated
    expect(() => last.backward()).toThrow(late);
    expect(net.forward(batchOf(5)).loss).toBeGreaterThan(0);
  },
);

alone('the losses are those of a network that meets each length with nothing before', () => {
  const net = make();
  for (let T = 60; T >= 30; T--) {
    const pass = net.forward(batchOf(T));
    const loss = pass.loss;
    pass.backward();
    expect(loss).toBe(memory.borrow(() => make().forward(batchOf(T)).loss));
  }
});

describe('what a network needs, told before it is built', () => {
  // float64, so that the dtype matters; H is no multiple of a cache line
  test.each([
    ['lstm', lstm({ input: D, hidden: H }), lstm({ input: H, hidden: H })],
    ['gru', gru({ input: D, hidden: 33 }), gru({ input: 33, hidden: 33 })],
  ])('%s: no more than what it takes, and most of that', (_name, first, other) => {
    const [T, rows] = [40, 8];
    memory.borrow(() => {
      const before = memory.used();
      const net = network({ layers: [first, other, other], output: O, loss: 'softmax', dtype: 'float64' });
      const parts = [
        { cell: first, times: 1 },
        { cell: other, times: 2 },
      ];
      const { weights, bytes } = needOf({ cells: parts, output: O, T, B: rows, dtype: 'float64', rows: 2 });
      const x = { shape: [T, rows, D], numbers: new Float64Array(T * rows * D) };
      net.forward({ x, targets: { shape: [T, rows], numbers: new Uint8Array(T * rows) } });
      expect(weights).toBe(net.parameters.count);
      const taken = memory.used() - before;
      expect(bytes).toBeLessThanOrEqual(taken);
      expect(bytes).toBeGreaterThan(0.6 * taken);
    });
  });

  test('what has no room is refused with the numbers', () => {
    const cells = [{ cell: lstm({ input: 10, hidden: 100 }), times: 10_000_000 }];
    const plans = { cells, output: 10, T: 7, B: 30, threads: 2, dtype: 'float32', rows: 2 } as const;
    // weights 10 · 400 + 100 · 400 + 400 in each layer, and 101 · 10 in the output layer
    expect(() => mustHaveRoom(plans, 'here')).toThrow(
      "here: the model and a batch must fit into the engine's 16 MB, got at least",
    );
    expect(() => mustHaveRoom(plans, 'here')).toThrow(
      '(444,000,001,010 weights, 30 rows of 7 steps; BACKSTEP_MEMORY_MB raises it up to 4096)',
    );
    expect(() => mustHaveRoom({ ...plans, cells: [{ ...cells[0], times: 1 }] }, 'here')).not.toThrow();
  });
});

test('training over any lengths, with validation and decoding in between', async () => {
  const net = network({ layers: [lstm({ input: O, hidden: H })], output: O, loss: 'softmax' });
  const random = new Random(1);
  const next = (): Batch => {
    const T = 50 + random.below(200);
    const classes = () => Array.from({ length: T }, () => [random.below(O), random.below(O)]);
    return { x: classes(), targets: classes() };
  };
  const { steps } = await fit(net, endless(next), {
    optimizer: { name: 'adam' },
    steps: 60,
    threads: 1,
    validation: { batches: () => [next()], every: 7 },
    onStep: ({ step }) => void decode(net, { x: [[step % O]] }, { steps: 3 }),
  });
  expect(steps).toBe(60);
});

function* endless(next: () => Batch): Generator<Batch> {
  for (;;) yield next();
}
