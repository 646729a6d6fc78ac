/**
 * Encoder-decoder: how is a word pronounced? One network reads the letters, the other writes the sounds.
 *
 * Data: words of 3 to 8 letters from the CMU pronouncing dictionary, each with its first pronunciation, without
 * stress: 39 sounds. One word in fifty is kept for the test. Letters are read from the last to the first, so that the
 * beginning of the word is the most recent input when writing starts (Sutskever, Vinyals & Le 2014).
 */
import { decode, fit, gru, network, Random, type Batch } from '../index';
import { example } from './example';

const [LETTERS, LONGEST] = [26, 8];
const [START, END] = [0, 1];

export const pronounce = example({
  title: 'spelling → pronunciation (encoder-decoder, beam search)',
  defaults: { steps: 2500, hidden: 128, batch: 64, beam: 4, tested: 200, seed: 1 },
  async run({ steps, hidden, batch, beam, tested, seed }, say) {
    const random = new Random(seed);
    const { dictionary } = await import('cmu-pronouncing-dictionary');
    const all = Object.entries(dictionary)
      .filter(([word]) => /^[a-z]{3,8}$/.test(word))
      .map(([word, said]) => ({ word, sounds: said.replace(/\d/g, '').split(' ') }))
      .filter(({ sounds }) => sounds.length <= LONGEST);
    const sounds = [...new Set(all.flatMap((one) => one.sounds))].sort();
    random.shuffle(all);
    const test = all.splice(0, Math.floor(all.length / 50)).slice(0, tested);

    const classes = 2 + sounds.length;
    const net = network({
      topology: 'encoder-decoder',
      encoder: [gru({ input: LETTERS, hidden })],
      layers: [gru({ input: classes, hidden })],
      start: START,
      output: classes,
      loss: 'softmax',
      dtype: 'float32',
      seed,
    });
    /** Letters [8, B] from last to first, sounds [9, B] with an end symbol; padding is masked. */
    const batchOf = (words: typeof all): Batch => {
      const letters = words.map(({ word }) =>
        Array.from(word, (letter) => letter.charCodeAt(0) - 97).reverse(),
      );
      const written = words.map((one) => [...one.sounds.map((sound) => 2 + sounds.indexOf(sound)), END]);
      const upright = (rows: number[][], T: number) =>
        Array.from({ length: T }, (_, t) => rows.map((row) => row[t] ?? 0));
      return {
        x: upright(letters, LONGEST),
        lengths: letters.map(({ length }) => length),
        targets: upright(written, LONGEST + 1),
        targetLengths: written.map(({ length }) => length),
      };
    };
    function* batches() {
      for (;;) yield batchOf(Array.from({ length: batch }, () => all[random.below(all.length)]));
    }
    await fit(net, batches(), {
      optimizer: { name: 'adam', learningRate: 5e-3 },
      schedule: { name: 'cosine', steps },
      clip: { norm: 1 },
      steps,
    });

    const { x, lengths } = batchOf(test);
    const options = { method: 'beam', width: beam, steps: LONGEST + 1, end: END, never: [START] } as const;
    const results = decode(net, { x, lengths }, options);
    const output = results.map(([best]) => best.classes.map((k) => sounds[k - 2]));
    test.slice(0, 12).forEach(({ word, sounds: right }, k) => {
      const [ours, theirs] = [output[k].join(' '), right.join(' ')];
      say(`${word.padEnd(LONGEST)}  ${ours.padEnd(28)} ${ours === theirs ? '' : `(is ${theirs})`}`.trimEnd());
    });
    const right = test.filter((one, k) => one.sounds.join() === output[k].join()).length / test.length;
    const wrong = test.reduce((sum, one, k) => sum + edits(output[k], one.sounds), 0);
    const error = wrong / test.flatMap((one) => one.sounds).length;
    say(
      `${test.length} words not seen: ${(100 * right).toFixed(1)} % right in every sound, ${(100 * error).toFixed(1)} % of the sounds wrong`,
    );
    return error;
  },
});

/** Edit distance: the number of sounds to insert, delete or replace. */
function edits(predicted: readonly string[], right: readonly string[]): number {
  let row = [0, ...right.map((_, j) => j + 1)];
  predicted.forEach((sound, i) => {
    const next = [i + 1];
    right.forEach((other, j) =>
      next.push(Math.min(row[j] + Number(sound !== other), row[j + 1] + 1, next[j] + 1)),
    );
    row = next;
  });
  return row[right.length];
}
