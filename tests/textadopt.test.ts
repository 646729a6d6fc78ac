/** `train --resume` of a model of text that a program saved: its weights and its optimizer are trained on. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fit, gru, network, optimizer, save, Vocabulary } from '../index';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { adopt } from '../text/adopt';
import { Streams } from '../text/streams';
import { Trainer } from '../text/trainer';
import { readText } from '../text/read';
import { runTrainer } from './learning';

const folder = mkdtempSync(join(tmpdir(), 'backstep-adopt-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'model.safetensors');
const text = join(folder, 'text.txt');
const [B, T] = [4, 5];
const options = { text, batch: B, seq: T, threads: 1, executor: 'wasm' };

/** A program that trains a small model of text for three steps, and saves it. */
async function program(more: { alone?: boolean; reduction?: 'sum' } = {}) {
  const words = 'she sells sea shells by the sea shore\n'.repeat(20);
  writeFileSync(text, words);
  const vocabulary = Vocabulary.of(words);
  const { size } = vocabulary;
  const layers = [gru({ input: size, hidden: 7 })];
  const { alone, ...own } = more;
  const net = network({
    ...{ layers, output: size, loss: 'softmax', dtype: 'float64', seed: 2, executor: 'wasm', ...own },
  });
  const adam = optimizer(net, { name: 'adam', learningRate: 0.02 });
  const streams = new Streams(readText(text).indices, B, T);
  const batch = (k: number) => {
    const { x, targets } = streams.chunk(k);
    return { x: { shape: [T, B], numbers: x }, targets: { shape: [T, B], numbers: targets } };
  };
  await fit(net, [0, 1, 2].map(batch), { optimizer: adam, threads: 1 });
  save(net, file, { vocabulary, ...(!alone && { optimizer: adam }) });
  return { net, adam };
}
const notes = () => jest.spyOn(process.stderr, 'write').mockReturnValue(true);

it('goes on with the weights and the optimizer, to the bit', async () => {
  const { net, adam } = await program();
  const spy = notes();
  const { trainer, out } = adopt({ ...options, steps: 8 }, { bytes: readFileSync(file), file });
  expect(String(spy.mock.calls[0][0])).toMatch(
    /^train: .*model\.safetensors was saved by a program after 3 steps; it is trained on in runs\/text by its adam\n$/,
  );
  spy.mockRestore();
  expect(out).toBe(join('runs', 'text'));
  expect(trainer.settings).toMatchObject({
    cell: 'gru',
    layers: 1,
    hidden: 7,
    dtype: 'float64',
    lr: 0.02,
    begun: 3,
  });
  expect(trainer.steps).toBe(3);
  await runTrainer(trainer as never);
  // what the program would do itself on the same batches
  const streams = trainer.streams;
  const batches = [0, 1, 2, 3, 4].map((k) => {
    const { x, targets } = streams.chunk(k);
    return {
      x: { shape: [T, B], numbers: Array.from(x) },
      targets: { shape: [T, B], numbers: Array.from(targets) },
      initial: k === 0 ? ('zero' as const) : ('carry' as const),
    };
  });
  await fit(net, batches, { optimizer: adam, clip: { norm: 1 }, threads: 1 });
  expect(trainer.network.parameters.flat.data).toEqual(net.parameters.flat.data);
  // and from now on it is a run like any other
  const read = decodeCheckpoint(encodeCheckpoint(trainer.checkpoint()));
  const { settings } = read.training as { settings: never };
  expect(Trainer.resume(settings, readText(text), read).steps).toBe(8);
});

it('without an optimizer, a new one begins', async () => {
  await program({ alone: true });
  const spy = notes();
  const bytes = readFileSync(file);
  const { trainer } = adopt({ ...options, steps: 2, optimizer: 'sgd', lr: 0.5 } as never, { bytes, file });
  expect(String(spy.mock.calls[0][0])).toContain('by a new sgd, since it holds no optimizer');
  spy.mockRestore();
  expect(trainer.settings).toMatchObject({ optimizer: 'sgd', lr: 0.5, begun: 0 });
  expect(await runTrainer(trainer as never)).toBe('steps');
});

it('a sum of losses is refused, since the figures of a run are means', async () => {
  await program({ reduction: 'sum' });
  expect(() => adopt(options, { bytes: readFileSync(file), file })).toThrow(
    'saved by a program, with the reduction sum',
  );
});

it('what contradicts the checkpoint is refused', async () => {
  await program();
  const bytes = readFileSync(file);
  expect(() => adopt({ ...options, optimizer: 'sgd' } as never, { bytes, file })).toThrow(
    'train: --optimizer must be left out with --resume, got sgd (it is fixed by the checkpoint)',
  );
  expect(() => adopt({ ...options, steps: 3 }, { bytes, file })).toThrow(
    'train: --steps must be more than the 3 steps already trained, got 3',
  );
});
