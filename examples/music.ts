/**
 * Music: which notes come next? Chords are read one after the other; each of 88 pitches is a separate yes-or-no output.
 *
 * Data: a file that you name, --data jsb.json, with chorales as { "train": [piece, …], "test": [piece, …] }: a piece is a
 * list of chords, a chord a list of MIDI pitches 21 … 108. Without a file, pieces of four random-walk voices are generated.
 */
import { readFileSync } from 'node:fs';
import { fit, lstm, network, Random, type Batch } from '../index';
import { chords, type Piece } from '../tasks/chords';
import { example } from './example';

const PITCHES = 88;
const LOWEST = 21;
const pitches = Array.from({ length: PITCHES }, (_, k) => LOWEST + k);

/** A chord as 88 bits. */
const bits = (chord: readonly number[] = []): number[] =>
  pitches.map((pitch) => Number(chord.includes(pitch)));

export const music = example({
  title: 'music: the next chord, and a continuation (many-to-many)',
  defaults: { steps: 400, hidden: 64, batch: 8, data: '', seed: 1 },
  async run({ steps, hidden, batch, data, seed }, say) {
    const random = new Random(seed);
    const drawn = (n: number): Piece[] => Array.from({ length: n }, () => chords(random, 48));
    const { train, test } = data
      ? (JSON.parse(readFileSync(data, 'utf8')) as Record<'train' | 'test', Piece[]>)
      : { train: drawn(100), test: drawn(20) };

    const net = network({
      layers: [lstm({ input: PITCHES, hidden })],
      output: PITCHES,
      loss: 'bernoulli',
      dtype: 'float32',
      seed,
    });
    /** The target at each step is the next chord; the first chord is predicted from silence. */
    const batchOf = (pieces: readonly Piece[]): Batch => {
      const lengths = pieces.map(({ length }) => length);
      const T = Math.max(...lengths);
      const at = (shift: number) =>
        Array.from({ length: T }, (_, t) => pieces.map((piece) => bits(piece[t + shift])));
      return { x: at(-1), targets: at(0), lengths };
    };
    function* batches() {
      for (;;) yield batchOf(Array.from({ length: batch }, () => train[random.below(train.length)]));
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 1e-2 }, clip: { norm: 1 }, steps });
    const { loss } = net.forward(batchOf(test));

    // the beginning of a test piece, then 32 sampled chords, each fed back before the next is sampled
    const piece = test[0].slice(0, 16);
    let { output, states } = net.forward(batchOf([[...piece, []]]));
    while (piece.length < 48) {
      const step = output.shape[0] - 1;
      const sounds = (k: number): boolean => random.uniform() < 1 / (1 + Math.exp(-output.get(step, 0, k)));
      piece.push(pitches.filter((pitch) => sounds(pitch - LOWEST)));
      const x = [[bits(piece[piece.length - 1])]];
      ({ output, states } = net.forward({ x }, { from: states, predict: true }));
    }
    const sounding = piece.flat();
    const [low, high] = [Math.min(...sounding), Math.max(...sounding)];
    const rows = Array.from({ length: high - low + 1 }, (_, k) => high - k);
    const roll = rows.map((pitch) => {
      const dots = piece.map((chord, t) => (chord.includes(pitch) ? '█' : t === 16 ? '│' : '·'));
      return `${String(pitch).padStart(4)} ${dots.join('')}`;
    });
    say(`a piece, and what the network makes of it from the line on\n${roll.join('\n')}`);
    say(`${loss.toFixed(3)} nats per chord on pieces not seen, with ${net.parameters.count} weights`);
    return loss;
  },
});
