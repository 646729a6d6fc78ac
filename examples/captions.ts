/**
 * One-to-many: the network reads a picture once, then writes a caption, word by word.
 *
 * Data: generated. Pictures of 12 by 12 dots with a square, ring, cross or bar, large or small, in one of four corners and
 * shifted by a dot or two; one dot in fifty is flipped. After the picture the network gets no input: all information must
 * be in its state.
 */
import { fit, gru, network, Random, type Batch } from '../index';
import { example } from './example';

const SIDE = 12;
const WRONG = 0.02;
const shapes: Record<string, (x: number, y: number, r: number) => boolean> = {
  square: () => true,
  ring: (x, y, r) => Math.max(Math.abs(x), Math.abs(y)) === r,
  cross: (x, y) => x === 0 || y === 0,
  bar: (_x, y) => y === 0,
};
const kinds = Object.keys(shapes);
const words = ['a', 'small', 'large', ...kinds, 'top', 'bottom', 'left', 'right'];

/** A picture as a list of dots, 1 or 0, and its caption as indices into `words`. */
export function scene(random: Random): { dots: number[]; caption: number[] } {
  const kind = kinds[random.below(kinds.length)];
  const [large, bottom, right] = [0, 1, 2].map(() => random.below(2));
  const r = 1 + large;
  const middle = (half: number): number => 6 * half + 2 + random.below(2);
  const [x0, y0] = [middle(right), middle(bottom)];
  const dots = Array.from({ length: SIDE * SIDE }, (_, k) => {
    const [x, y] = [(k % SIDE) - x0, Math.floor(k / SIDE) - y0];
    const dot = Math.abs(x) <= r && Math.abs(y) <= r && shapes[kind](x, y, r);
    return Number(random.uniform() < WRONG ? !dot : dot);
  });
  const caption = ['a', ['small', 'large'][large], kind, ['top', 'bottom'][bottom], ['left', 'right'][right]];
  return { dots, caption: caption.map((word) => words.indexOf(word)) };
}

export const captions = example({
  title: 'captions: a picture in, five words out (one-to-many)',
  defaults: { steps: 500, hidden: 48, batch: 64, seed: 1 },
  async run({ steps, hidden, batch, seed }, say) {
    const random = new Random(seed);
    const net = network({
      topology: 'one-to-many',
      layers: [gru({ input: SIDE * SIDE, hidden })],
      output: words.length,
      loss: 'softmax',
      dtype: 'float32',
      seed,
    });
    const batchOf = (scenes: readonly ReturnType<typeof scene>[]): Batch => ({
      x: scenes.map(({ dots }) => dots),
      targets: [0, 1, 2, 3, 4].map((t) => scenes.map(({ caption }) => caption[t])),
    });
    const draw = (B: number) => Array.from({ length: B }, () => scene(random));
    function* batches() {
      for (;;) yield batchOf(draw(batch));
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 5e-3 }, clip: { norm: 1 }, steps });

    const test = draw(500);
    const { output } = net.forward(batchOf(test)); // [5, B, words]
    const best = (t: number, b: number): number =>
      words.reduce((top, _, k) => (output.get(t, b, k) > output.get(t, b, top) ? k : top), 0);
    const written = test.map((_, b) => [0, 1, 2, 3, 4].map((t) => best(t, b)));
    for (const b of [0, 1, 2]) {
      const line = (y: number): string =>
        test[b].dots
          .slice(y * SIDE, (y + 1) * SIDE)
          .map((dot) => (dot ? '██' : '· '))
          .join('');
      say(
        `${Array.from({ length: SIDE }, (_, y) => line(y)).join('\n')}\n${written[b].map((k) => words[k]).join(' ')}\n`,
      );
    }
    const right = test.filter(({ caption }, b) => caption.join() === written[b].join()).length / test.length;
    say(`${test.length} new pictures: ${(100 * right).toFixed(1)} % of the captions right in every word`);
    return right;
  },
});
