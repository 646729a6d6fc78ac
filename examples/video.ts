/**
 * Video: in which direction does the shape move? Read frame by frame, answered after the last one.
 *
 * Data: generated. A cross of five dots moves one dot per frame in one of eight directions over a field of 10 by 10 that
 * wraps around; one dot in twenty is flipped. No single frame shows the direction.
 */
import { fit, lstm, network, Random } from '../index';
import { example } from './example';
import { confusion } from './figure';
import { drawBatch, judge } from './judge';

const SIDE = 10;
const DIRECTIONS = ['→', '↗', '↑', '↖', '←', '↙', '↓', '↘'];
const WRONG = 0.05;

/** The frames of a clip, each a list of dots, 1 or 0. */
export function clip(direction: number, frames: number, random: Random): number[][] {
  const angle = (direction * Math.PI) / 4;
  const [right, down] = [Math.round(Math.cos(angle)), -Math.round(Math.sin(angle))];
  const [x0, y0] = [random.below(SIDE), random.below(SIDE)];
  const around = (k: number): number => ((k % SIDE) + SIDE) % SIDE;
  return Array.from({ length: frames }, (_, t) => {
    const dots = Array<number>(SIDE * SIDE).fill(0);
    const [x, y] = [x0 + t * right, y0 + t * down];
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ])
      // prettier-ignore
      dots[around(y + dy) * SIDE + around(x + dx)] = 1;
    return dots.map((dot) => (random.uniform() < WRONG ? 1 - dot : dot));
  });
}

export const video = example({
  title: 'video: which way does the shape move? (many-to-one)',
  defaults: { steps: 800, hidden: 64, frames: 6, batch: 64, seed: 1 },
  async run({ steps, hidden, frames, batch, seed }, say) {
    const random = new Random(seed);
    const batchOf = (B: number) =>
      drawBatch(B, DIRECTIONS.length, random, (direction) => clip(direction, frames, random));
    const net = network({
      layers: [lstm({ input: SIDE * SIDE, hidden }), lstm({ input: hidden, hidden })],
      output: DIRECTIONS.length,
      loss: 'softmax',
      topology: 'many-to-one',
      dtype: 'float32',
      seed,
    });
    function* batches() {
      for (;;) yield batchOf(batch);
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 3e-3 }, clip: { norm: 1 }, steps });

    const test = batchOf(1000);
    const { pairs, accuracy } = judge(net, test);
    const rows = Array.from({ length: SIDE }, (_, y) =>
      test.x
        .map(([frame]) =>
          frame
            .slice(y * SIDE, (y + 1) * SIDE)
            .map((dot) => (dot ? '●' : '·'))
            .join(''),
        )
        .join('  '),
    );
    say(
      `a clip, said to move ${DIRECTIONS[pairs[0][1]]}, moves ${DIRECTIONS[pairs[0][0]]}\n${rows.join('\n')}`,
    );
    say(confusion(DIRECTIONS, pairs));
    say(`1000 new clips of ${frames} frames: ${(100 * accuracy).toFixed(1)} % right`);
    return accuracy;
  },
});
