/** PyTorch loads the checkpoint of a training run unchanged, by the names in it, and computes the same results. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSettings, type GivenSettings } from '../text/settings';
import { Trainer } from '../text/trainer';
import { Random } from '../core/random/random';
import { toNested } from '../core/tensor';
import { decodeCheckpoint, encodeCheckpoint } from '../io/checkpoint';
import { Vocabulary } from '../io/vocabulary';
import { describeWith, pythonWith, run } from './outside';

/** float32 sums of some tens of products, through two layers and six steps; float64 the same. */
const bounds = { float32: 1e-6, float64: 1e-14 };
const cases: [string, GivenSettings & { dtype: keyof typeof bounds }][] = [
  ['lstm', { cell: 'lstm', layers: 2, dtype: 'float32' }],
  ['lstm in float64', { cell: 'lstm', layers: 2, dtype: 'float64' }],
  ['gru', { cell: 'gru', layers: 2, dtype: 'float32' }],
  ['gru in float64', { cell: 'gru', dtype: 'float64' }],
  ['elman', { cell: 'elman', layers: 2, dtype: 'float32' }],
];
const text = 'round and round the ragged rock the ragged rascal ran\n'.repeat(20);
const vocabulary = Vocabulary.of(text);
const indices = Uint8Array.from(vocabulary.encode(text).indices);
const classes = vocabulary.size;

/** Writes the checkpoint of a short run, and the outputs of its network. */
async function write(folder: string, name: string, given: GivenSettings): Promise<void> {
  const sha256 = '0'.repeat(64);
  const settings = newSettings(
    { hidden: 11, batch: 3, seq: 7, lr: 0.02, dropout: 0.1, steps: 12, ...given },
    'text',
    sha256,
    'wasm',
  );
  const trainer = Trainer.begin(settings, { indices, vocabulary, sha256 });
  await trainer.run({ signal: new AbortController().signal, onStep: () => undefined });
  const bytes = encodeCheckpoint(trainer.checkpoint());
  const random = new Random(1);
  const x = Array.from({ length: 6 }, () => Array.from({ length: 4 }, () => random.below(classes)));
  const { output } = decodeCheckpoint(bytes, { inference: true }).network.forward({ x });
  writeFileSync(join(folder, `${name}.safetensors`), bytes);
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ x, y: toNested(output) }));
  if (name !== 'lstm') return;
  // the same, as if one of the outputs had been a little different
  const y = toNested(output) as number[][][];
  y[5][3][classes - 1] += 1e-4;
  writeFileSync(join(folder, 'spoilt.safetensors'), bytes);
  writeFileSync(join(folder, 'spoilt.json'), JSON.stringify({ x, y }));
}

const python = pythonWith('torch');
describeWith(python, 'PyTorch is not installed: apt-get install python3-torch')('PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-checkpoints-'));
  let worst: Record<string, number>;
  beforeAll(async () => {
    for (const [name, given] of cases) await write(folder, name, given);
    worst = JSON.parse(run(python as string, ['tests/runtimes/torch_checkpoint.py', folder])) as typeof worst;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(cases)('%s: computes the same from the checkpoint', (name, { dtype }) => {
    expect(worst[name]).toBeLessThan(bounds[dtype]);
  });

  it('an output that is another is noticed', () => expect(worst.spoilt).toBeGreaterThan(bounds.float32));
});
