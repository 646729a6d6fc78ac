/**
 * DNA classification: does a sequence contain the start of an intron (a donor), its end (an acceptor), or neither?
 *
 * Data: generated. Bases are drawn at random. A donor is the consensus (C|A)AG|GT(A|G)AGT, an acceptor eleven C or T, one of
 * any base, and (C|T)AG|G; each base follows the pattern with probability 0.9, GT and AG always. A sequence with neither
 * gets a lone GT and a lone AG, so that these alone do not give the answer away. The network has to look both ways, so the
 * layer is bidirectional.
 */
import { bidirectional, fit, lstm, network, Random } from '../index';
import { example } from './example';
import { confusion } from './figure';
import { drawBatch, judge } from './judge';

const BASES = 'ACGT';
const classes = ['donor', 'acceptor', 'neither'];
/** The bases at each position: M is C or A, R is A or G, Y is C or T, N is any; lower-case letters are never changed. */
const motifs = [['MAGgtRAGT'], ['YYYYYYYYYYYNYagG'], ['gt', 'ag']];
const meaning: Record<string, string> = { M: 'CA', R: 'AG', Y: 'CT', N: BASES };

/** A sequence of `length` bases of the given class, as numbers 0 … 3. */
export function stretch(kind: number, length: number, random: Random): number[] {
  const one = (from: string): number => BASES.indexOf(from[random.below(from.length)]);
  const bases = Array.from({ length }, () => one(BASES));
  for (const motif of motifs[kind]) {
    const start = random.below(length - motif.length + 1);
    [...motif].forEach((sign, k) => {
      const sure = sign === sign.toLowerCase();
      const letter = sign.toUpperCase();
      if (sure || random.uniform() < 0.9) bases[start + k] = one(meaning[letter] ?? letter);
    });
  }
  return bases;
}

export const dna = example({
  title: 'DNA: donor, acceptor or neither (many-to-one, bidirectional)',
  defaults: { steps: 600, hidden: 24, length: 40, batch: 64, seed: 1 },
  async run({ steps, hidden, length, batch, seed }, say) {
    const random = new Random(seed);
    const batchOf = (B: number) =>
      drawBatch(B, classes.length, random, (kind) => stretch(kind, length, random));
    const net = network({
      layers: [bidirectional(lstm({ input: BASES.length, hidden }))],
      output: classes.length,
      loss: 'softmax',
      topology: 'many-to-one',
      dtype: 'float32',
      seed,
    });
    function* batches() {
      for (;;) yield batchOf(batch);
    }
    await fit(net, batches(), { optimizer: { name: 'adam', learningRate: 1e-2 }, clip: { norm: 1 }, steps });

    const test = batchOf(1000);
    const { pairs, accuracy } = judge(net, test);
    say(confusion(classes, pairs));
    say(`1000 new stretches of ${length} bases: ${(100 * accuracy).toFixed(1)} % right`);
    return accuracy;
  },
});
