/**
 * Grazzi, Siems, Zela, Franke, Hutter & Pontil 2024, "Unlocking state-tracking in linear RNNs through negative eigenvalues"
 * (ICLR 2025, arXiv 2411.12537), with the lengths of Delétang et al. 2022, "Neural networks and the Chomsky hierarchy"
 * (arXiv 2207.02098).
 *
 * Task: the parity of a sequence of bits, and the number of ones modulo 3. Training on lengths 3 … 40, test on 40 … 256.
 *
 * Measured: the share of sequences whose count after the last bit is right, for both ranges of lengths.
 *
 * Published: for parity, diagonal networks with eigenvalues in [0, 1] guess, those with [−1, 1] are perfect (caption of their
 * figure 1, three seeds), and nonlinear networks solve it (abstract). By their theorems (abstract), a linear network of
 * finite precision cannot compute the parity if all eigenvalues of its matrices are positive, nor count modulo 3 if its
 * matrices are triangular, as diagonal ones are.
 *
 * Differences: their diagonal network is Mamba, ours one layer of 16 diagonal linear units. The count is a target at every
 * step in training, and Adam makes 2000 updates with 64 sequences each; a configuration of one layer in their code
 * (parity_mamba_single_layer.yaml) has 20,000 with 256. The learning rate is 0.05 for linear recurrences, 0.01 for the others.
 */
import type { Batch } from '../bptt/network/batch/batch';
import { network, type Network } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { diagonal } from '../cells/diagonal';
import { elman } from '../cells/elman';
import { lstm } from '../cells/lstm';
import { mingru } from '../cells/mingru';
import { Random } from '../core/random/random';
import { counting, type Counted } from '../tasks/counting';
import type { Context, Figures, Paper, PaperRow, Size } from './paper';
import { trainByAdam } from './training';

interface Settings {
  hidden: number;
  modulus: number;
  learningRate: number;
  updates: number;
  batch: number;
  tests: number;
  /** Shortest and longest sequence in training and in the long test. */
  short: readonly [number, number];
  long: readonly [number, number];
}

interface Entry {
  name: string;
  cell: (sizes: { input: number; hidden: number }) => Cell;
  learningRate: number;
  parity: number | string;
  three?: string;
}

const entries: readonly Entry[] = [
  {
    ...{ name: 'diagonal, (0, 1)', cell: diagonal, learningRate: 0.05 },
    ...{ parity: 'guesses', three: 'impossible' },
  },
  {
    ...{ name: 'diagonal, (−1, 1)', learningRate: 0.05, parity: 1, three: 'impossible' },
    cell: (sizes) => diagonal({ ...sizes, eigenvalues: 'signed' }),
  },
  { name: 'minGRU', cell: mingru, learningRate: 0.05, parity: 'impossible', three: 'impossible' },
  { name: 'tanh', cell: elman, learningRate: 0.01, parity: 'solves it' },
  { name: 'LSTM', cell: lstm, learningRate: 0.01, parity: 'solves it' },
];

export const stateTracking: Paper = {
  name: 'state-tracking',
  title: 'State tracking: parity and counting modulo 3, by linear and nonlinear recurrences',
  citation:
    'Grazzi, Siems, Zela, Franke, Hutter & Pontil 2024, Unlocking state-tracking in linear RNNs through negative eigenvalues',
  figuresFrom: 'abstract and caption of figure 1 of arXiv 2411.12537',
  about: [
    'share of sequences whose last count is right: of the lengths of the training, and of longer ones',
    'one layer of 16 units, instead of Mamba; a target at every step; guesses are right in 1/2 or 1/3 of the cases',
    '(0, 1) and (−1, 1): the range of the eigenvalues; "impossible": by a theorem of the paper',
  ],
  measures: {
    short: { title: 'right, trained lengths', digits: 3 },
    long: { title: 'right, longer ones', digits: 3 },
  },
  rows: (size: Size): PaperRow[] =>
    [2, 3].flatMap((modulus) =>
      entries.map(({ name, cell, learningRate, parity, three }): PaperRow => {
        const full = size === 'full';
        const settings: Settings = {
          ...{
            hidden: 16,
            modulus,
            learningRate,
            updates: full ? 2000 : 40,
            batch: 64,
            tests: full ? 1024 : 64,
          },
          ...(full ? { short: [3, 40], long: [40, 256] } : { short: [3, 10], long: [10, 40] }),
        };
        const long = modulus === 2 ? parity : three;
        return {
          name: `${modulus === 2 ? 'parity' : 'modulo 3'}, ${name}`,
          settings: { ...settings },
          published: long === undefined ? {} : { long },
          seeds: full ? 3 : 1,
          run: (context) => learn(cell({ input: 2, hidden: settings.hidden }), settings, context),
        };
      }),
    ),
};

async function learn(cell: Cell, settings: Settings, { seed, progress }: Context): Promise<Figures> {
  const { modulus, batch, tests, short, long } = settings;
  const net = network({ layers: [cell], output: modulus, loss: 'softmax', dtype: 'float32', seed });
  const [training, testing] = [0, 1].map((k) => new Random(2 * seed + k));
  const draw = (random: Random, n: number, [least, most]: Settings['short']): Counted[] =>
    Array.from({ length: n }, () => counting(random, modulus, least, most));
  const batches = (function* () {
    for (;;) yield batchOf(draw(training, batch, short));
  })();
  await trainByAdam(net, batches, settings, progress);
  return {
    short: shareRight(net, draw(testing, tests, short)),
    long: shareRight(net, draw(testing, tests, long)),
  };
}

/** A batch of sequences; shorter ones are padded and masked. */
function batchOf(sequences: readonly Counted[]): Batch & { lengths: number[] } {
  const B = sequences.length;
  const lengths = sequences.map(({ bits }) => bits.length);
  const T = Math.max(...lengths);
  const [x, targets] = [0, 1].map(() => new Float32Array(T * B));
  sequences.forEach(({ bits, counts }, b) =>
    bits.forEach((bit, t) => {
      x[t * B + b] = bit;
      targets[t * B + b] = counts[t];
    }),
  );
  return { x: { shape: [T, B], numbers: x }, targets: { shape: [T, B], numbers: targets }, lengths };
}

/** The share of sequences whose last count has the largest output. */
function shareRight(net: Network, sequences: readonly Counted[]): number {
  const batch = batchOf(sequences);
  const { output } = net.forward(batch, { predict: true });
  const right = sequences.filter(({ counts }, b) => {
    const t = batch.lengths[b] - 1;
    const outputs = Array.from({ length: net.output }, (_, o) => output.get(t, b, o));
    return outputs.indexOf(Math.max(...outputs)) === counts[t];
  });
  return right.length / sequences.length;
}
