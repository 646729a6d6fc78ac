/**
 * Sentence order: is this a sentence as it was written, or have its words been shuffled?
 *
 * Data: the text between two punctuation marks in Moby Dick, 5 to 12 words; half of these are shuffled. Both classes use
 * the same words, so only the order distinguishes them. One in ten is kept for the test.
 */
import { bidirectional, fit, gru, network, Random, softmax, type Batch } from '../index';
import { novel } from './data';
import { example } from './example';
import { bars } from './figure';
import { judge } from './judge';

const KINDS = ['as written', 'shuffled'];

export const sentences = example({
  title: 'sentences: as written, or shuffled? (many-to-one, bidirectional)',
  defaults: { steps: 500, hidden: 48, words: 1500, batch: 64, characters: 1_200_000, seed: 1 },
  async run({ steps, hidden, words, batch, characters, seed }, say) {
    const random = new Random(seed);
    const parts = novel()
      .slice(0, characters)
      .toLowerCase()
      .replace(/\s+/g, ' ')
      .split(/[.,;:!?"()—]|--/);
    const all = parts
      .map((part) => part.trim().split(' '))
      .filter(({ length }) => length >= 5 && length <= 12);
    const counts = new Map<string, number>();
    for (const word of all.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
    const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, words);
    const places = new Map(common.map(([word], k) => [word, k + 1])); // 0 stands for any other word
    random.shuffle(all);
    const test = all.splice(0, Math.floor(all.length / 10));

    const net = network({
      layers: [bidirectional(gru({ input: common.length + 1, hidden }))],
      output: 2,
      loss: 'softmax',
      topology: 'many-to-one',
      dtype: 'float32',
      dropout: 0.3,
      seed,
    });
    /** A batch in which every other sentence is shuffled, until its order differs from the original. */
    const batchOf = (given: readonly string[][]): Batch & { targets: number[]; rows: string[][] } => {
      const rows = given.map((row, k) => {
        let other = [...row];
        while (k % 2 === 1 && other.join() === row.join()) other = random.shuffle(other);
        return other;
      });
      const T = Math.max(...rows.map(({ length }) => length));
      const x = Array.from({ length: T }, (_, t) => rows.map((row) => places.get(row[t]) ?? 0));
      return { x, targets: rows.map((_, k) => k % 2), lengths: rows.map(({ length }) => length), rows };
    };
    function* batches() {
      for (;;) {
        const { rows: _, ...one } = batchOf(
          Array.from({ length: batch }, () => all[random.below(all.length)]),
        );
        yield one;
      }
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 5e-3 }, clip: { norm: 1 }, steps });

    const { rows, ...one } = batchOf(test);
    const { output, accuracy } = judge(net, one);
    for (const k of [0, 1, 2, 3]) {
      const [written] = softmax([output.get(k, 0), output.get(k, 1)]);
      say(
        `“${rows[k].join(' ')}” (${KINDS[k % 2]})\n${bars({ [KINDS[0]]: written, [KINDS[1]]: 1 - written })}`,
      );
    }
    say(`${test.length} not seen, half of them shuffled: ${(100 * accuracy).toFixed(1)} % right`);
    return accuracy;
  },
});
