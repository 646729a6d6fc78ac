/**
 * Gers, Schmidhuber & Cummins 2000, "Learning to forget: continual prediction with LSTM", Neural Computation 12(10).
 *
 * Task: a stream of embedded Reber strings without separators; after every symbol, the network must predict which ones may
 * follow. Its state is never reset, so it must find the ends of strings by itself.
 *
 * Measured: the number of symbols of a new stream that are predicted before the first mistake, the mean over ten streams,
 * each cut at 10,000. A prediction is right if all symbols that may follow are more active than all that may not. Also, the
 * largest |c| in the network at the end of these streams: without a forget gate, the memory keeps growing.
 *
 * Published (their table 2; fraction of trials without a mistake in 10⁶ symbols, or with more than 1000 on average): forget
 * gates 18 % and 29 % of 100 trials, forget gates and a decaying learning rate 62 % and 6 %, the LSTM of 1997 0 % and 1 %;
 * the other 99 % of these failed after 37 symbols on average.
 *
 * Theirs: online training, on a stream until the first mistake, with the truncated gradient of 1997. Ours, twice. As one trains
 * today: 16 parallel streams, 50 steps per batch, states carried from batch to batch, new streams after 5000 steps; Adam with a
 * decaying learning rate. Online: a single stream, an update after every 10 steps by plain gradient descent, whose rate decays
 * from 0.5; 2,000,000 symbols. The clipping at norm 1 and the softmax are ours in both. All networks have the same number of units.
 *
 * Result: the failure of the 1997 cell appears with the truncated gradient, and with it only: in both ways of training, it predicts
 * some 8 to 30 symbols, as published. With the full gradient it predicts most of the streams. The cause that the paper names is
 * visible in all of them: without a forget gate, the memory grows by about one per symbol; with it, |c| stays small.
 */
import type { States } from '../bptt/network/batch/states';
import type { StreamBatch } from '../bptt/train/source';
import { fit } from '../bptt/train/fit';
import { network, type Network } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { lstm } from '../cells/lstm';
import { lstm1997 } from '../cells/lstm1997';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { continualReber, reberSymbols, type ReberStep } from '../tasks/reber';
import type { Context, Figures, Paper, PaperRow, Size } from './paper';
import { foresees, reberBatch } from './reberbatch';

interface Settings {
  hidden: number;
  optimizer: 'adam' | 'sgd';
  learningRate: number;
  clip: number;
  /** Number of parallel streams, and of steps per batch. */
  streams: number;
  chunk: number;
  /** Number of batches after which new streams start, from zero states. */
  restart: number;
  /** Number of training batches. */
  steps: number;
  /** Number of test streams, and their maximum length. */
  tests: number;
  most: number;
}

export const forgetGate: Paper = {
  name: 'forget-gate',
  title: 'Continual embedded Reber grammar: the LSTM with and without a forget gate',
  citation:
    'Gers, Schmidhuber & Cummins 2000, Learning to forget: continual prediction with LSTM, Neural Computation 12(10)',
  figuresFrom: 'table 2 of the paper; no other source of its figures was found',
  about: [
    'symbols predicted before the first mistake, mean of ten streams, each cut at 10,000',
    'published: streams of 10⁶ symbols; "perfect" made no mistake, "good" passed 1000 symbols on average',
  ],
  measures: {
    symbols: { title: 'symbols to the first mistake', digits: 0, scale: 'log' },
    perfect: { title: 'share of streams without a mistake', digits: 2 },
    memory: { title: 'largest |c| after them', digits: 1, scale: 'log' },
  },
  rows: (size: Size): PaperRow[] => {
    const full = size === 'full';
    const recipe: Settings = {
      hidden: 12,
      optimizer: 'adam',
      learningRate: 0.01,
      clip: 1,
      streams: 16,
      chunk: 50,
      restart: 100,
      steps: full ? 12_000 : 20,
      tests: 10,
      most: full ? 10_000 : 200,
    };
    const { hidden } = recipe;
    const sizes = { input: reberSymbols.length, hidden };
    const online: Settings = {
      ...recipe,
      ...{ optimizer: 'sgd', learningRate: 0.5, streams: 1, chunk: 10, restart: 500 },
      steps: full ? 200_000 : 20,
    };
    const old = { ...sizes, inputBias: -2 };
    const row = (name: string, cell: Cell, settings: Settings, symbols?: string): PaperRow => ({
      name,
      settings: { ...settings, ...cell.options },
      published: symbols === undefined ? {} : { symbols },
      seeds: full ? 5 : 1,
      run: (context) => learn(cell, settings, context),
    });
    return [
      row('forget gate', lstm(sizes), recipe),
      row('LSTM 1997', lstm1997(old), recipe),
      row('LSTM 1997, truncated', lstm1997({ ...old, truncated: true }), recipe),
      row('forget gate, online', lstm(sizes), online, '62 % perfect, 6 % good'),
      row('LSTM 1997, online', lstm1997(old), online),
      row(
        'LSTM 1997, truncated, online',
        lstm1997({ ...old, truncated: true }),
        online,
        '0 % perfect, 1 % good, else 37',
      ),
    ];
  },
};

async function learn(cell: Cell, settings: Settings, { seed, progress }: Context): Promise<Figures> {
  const { optimizer: name, learningRate, clip, steps, tests, most } = settings;
  const O = reberSymbols.length;
  const net = network({ layers: [cell], output: O, loss: 'softmax', dtype: 'float32', seed });
  const random = new Random(seed);
  await fit(net, batchesOf(random, settings), {
    optimizer: { name, learningRate },
    schedule: { name: 'cosine', steps },
    clip: { norm: clip },
    threads: 1,
    steps,
    onStep: ({ step }) => progress(step / steps),
  });
  const { foreseen, memory } = listen(net, new Streams(random, tests), most);
  return {
    symbols: foreseen.reduce((sum, n) => sum + n, 0) / tests,
    perfect: foreseen.filter((n) => n === most).length / tests,
    memory,
  };
}

/** Parallel streams in pieces; each piece starts with the last symbol of the previous one. */
class Streams {
  private readonly sources: Generator<ReberStep, never>[];
  private last: ReberStep[];

  constructor(random: Random, n: number) {
    this.sources = Array.from({ length: n }, () => continualReber(new Random(random.word())));
    this.last = this.sources.map((source) => source.next().value);
  }

  /** The next `steps` symbols of each stream, preceded by the last one. */
  next(steps: number): ReberStep[][] {
    const pieces = this.sources.map((source, b) => [
      this.last[b],
      ...Array.from({ length: steps }, () => source.next().value),
    ]);
    this.last = pieces.map((piece) => piece[steps]);
    return pieces;
  }
}

function* batchesOf(random: Random, { streams: n, chunk, restart }: Settings): Generator<StreamBatch, never> {
  for (;;) {
    const streams = new Streams(random, n);
    for (let k = 0; k < restart; k++)
      yield { ...reberBatch(streams.next(chunk)), initial: k === 0 ? 'zero' : 'carry' };
  }
}

/** The number of symbols of each stream predicted before the first mistake, at most `most`, and the largest final |c|. */
function listen(net: Network, streams: Streams, most: number): { foreseen: number[]; memory: number } {
  const T = 100;
  let foreseen: number[] = [];
  let memory = 0;
  let from: States | undefined;
  for (let t = 0; t < most; t += T) {
    const pieces = streams.next(T);
    const batch = reberBatch(pieces);
    const { output, states } = net.forward(batch, { from });
    from = states;
    foreseen = pieces.map((piece, b) => {
      const before = foreseen[b] ?? 0;
      if (before < t) return before;
      const wrong = piece.slice(1).findIndex(({ legal }, k) => !foresees(output, k, b, legal));
      return before + (wrong < 0 ? T : wrong);
    });
    memory = Math.max(...toFlat(states['l0.c']).map(Math.abs));
  }
  return { foreseen, memory };
}
