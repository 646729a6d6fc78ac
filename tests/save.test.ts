/** A network saved to a file and loaded again, its predictions, and its summary. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bidirectional,
  embedding,
  encodeCheckpoint,
  gru,
  load,
  lstm,
  network,
  optimizer,
  reservoir,
  save,
  softmax,
  toFlat,
  toNested,
} from '../index';

const folder = mkdtempSync(join(tmpdir(), 'backstep-save-'));
afterAll(() => rmSync(folder, { recursive: true }));

const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'softmax', seed: 3 });
const batch = { x: [[[1, 0.5]], [[-1, 2]]], targets: [[1], [0]] };

describe('save and load', () => {
  const file = join(folder, 'deep', 'checkpoint.safetensors');
  test('give the same network, optimizer and states, by file, folder and bytes', () => {
    const adam = optimizer(net, { name: 'adam' });
    const pass = net.forward(batch);
    pass.backward();
    adam.step();
    const states = { 'l0.h': net.forward(batch).states['l0.h'] };
    save(net, file, { optimizer: adam, states, training: { epoch: 2 } });
    for (const from of [file, join(folder, 'deep'), readFileSync(file)]) {
      const { network: same, optimizer: made, states: carried, training } = load(from);
      expect(toFlat(same.parameters.flat)).toEqual(toFlat(net.parameters.flat));
      expect([made?.steps, training]).toEqual([1, { epoch: 2 }]);
      expect(Array.from(carried['l0.h'])).toEqual(toFlat(states['l0.h']));
    }
  });

  test('write what encodeCheckpoint writes', () => {
    save(net, file);
    expect(new Uint8Array(readFileSync(file))).toEqual(encodeCheckpoint({ network: net }));
  });

  test('name what is wrong', () => {
    expect(() => save(net, '')).toThrow('save: file must be the name of a file');
    expect(() => save({} as never, file)).toThrow('save: the network must be a Network');
    expect(() => load(join(folder, 'none'))).toThrow(/none must be a readable file, got no such file/);
    expect(() => load(new Uint8Array(3))).toThrow('checkpoint: the file must be a whole checkpoint');
    expect(() => load(file, { infer: true } as never)).toThrow(
      'checkpoint: options must be among executor, inference, cells, file, got infer',
    );
  });
});

describe('predict', () => {
  test('gives the softmax of the outputs of a network of classes', () => {
    const { output } = net.forward(batch, { predict: true });
    const likely = net.predict({ x: batch.x });
    expect(likely.shape).toEqual([2, 1, 2]);
    const expected = (toNested(output) as number[][][]).map((rows) => rows.map((row) => softmax(row)));
    expect(toNested(likely)).toEqual(expected);
  });

  test('gives the sigmoid, finite for extreme outputs', () => {
    const bernoulli = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'bernoulli' });
    bernoulli.parameters.set('head.by', [1000, -1000]);
    bernoulli.parameters.set('head.Wy', { shape: [3, 2], numbers: new Float64Array(6) });
    expect(toFlat(bernoulli.predict({ x: [[[1, 1]]] }))).toEqual([1, 0]);
  });

  test('gives the outputs themselves otherwise, and continues from states', () => {
    const plain = network({ layers: [gru({ input: 2, hidden: 3 })], output: 1, loss: 'squared' });
    const whole = plain.predict({ x: batch.x });
    const { states } = plain.forward({ x: [batch.x[0]] }, { predict: true });
    const last = plain.predict({ x: [batch.x[1]] }, { from: states });
    expect(toFlat(last)[0]).toBe(toFlat(whole)[1]);
    expect(() => plain.predict(batch, { training: true } as never)).toThrow('network.predict');
  });
});

describe('summary', () => {
  test('lists layers, shapes, parameters, loss and memory', () => {
    const deep = network({
      layers: [
        embedding({ input: 9, width: 4 }),
        bidirectional(lstm({ input: 4, hidden: 5 })),
        reservoir({ input: 10, hidden: 6 }),
      ],
      output: 9,
      loss: 'softmax',
    });
    const lines = deep.summary({ T: 7, B: 2 }).split('\n');
    expect(lines.slice(0, 5).map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'layer | kind | output | parameters',
      'embedding | embedding | [7, 2, 4] | 36',
      'l0 | bidirectional lstm | [7, 2, 10] | 400',
      'l1 | reservoir | [7, 2, 6] | 103',
      'head | output layer | [7, 2, 9] | 63',
    ]);
    expect(lines[5]).toBe('499 trained parameters, 103 fixed');
    expect(lines[6]).toBe('loss: cross-entropy');
    expect(lines[7]).toMatch(
      /^memory: [\d.]+ kB for weights and gradients in float64, at least [\d.]+ kB for a batch$/,
    );
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(90);
    expect(deep.summary().split('\n')[2]).toContain('[T, B, 10]');
  });

  test('counts what the network counts', () => {
    const total = network({
      topology: 'encoder-decoder',
      encoder: [gru({ input: 3, hidden: 4 })],
      layers: [gru({ input: 5, hidden: 4 })],
      attention: 'general',
      output: 5,
      loss: 'softmax',
      trainInitial: 'shared',
    });
    const numbers = total
      .summary()
      .split('\n')
      .slice(1, -3)
      .map((line) => Number(line.split(/\s+/).pop()?.replace(',', '')));
    expect(numbers.reduce((sum, n) => sum + n, 0)).toBe(total.parameters.count);
    expect(() => total.summary({ T: 0 })).toThrow('summary: T must be a whole number >= 1');
  });
});
