/**
 * Chung, Gulcehre, Cho & Bengio 2014, "Empirical evaluation of gated recurrent neural networks on sequence modeling"
 * (arXiv 1412.3555), on the JSB chorales of Boulanger-Lewandowski, Bengio & Vincent 2012.
 *
 * Task: chorales as sequences of chords; a chord is a set of pitches, out of 88. Each chord is predicted from the previous
 * ones, the first one from nothing: x[0] = 0, x[t] = chord t − 1, target[t] = chord t, with one bit per pitch.
 *
 * Measured: the negative log-likelihood per step, the sum of the 88 bits' cross-entropies in nats, over all steps of the
 * test set, with the weights of the best validation.
 *
 * Published (their table 2, test): tanh-100 9.10, GRU-46 8.54, LSTM-36 8.67.
 *
 * Their recipe: RMSProp, weight noise of deviation 0.075, gradient norm clipped at 1, early stopping, and the best of ten
 * learning rates drawn from exp(U(−12, −6)) by validation; here, 1e-3 is used for all. Their LSTM has peepholes, as has the
 * one here. Batch size, initialization and patience are ours, and so is the second recipe, Adam. An additional row gives a
 * baseline that knows only the frequency of each pitch.
 */
import { greatest } from '../core/programs/reduce';
import * as v from 'valibot';
import type { Batch } from '../bptt/network/batch/batch';
import { fit } from '../bptt/train/fit';
import { network, type Network } from '../bptt/network/network';
import type { OptimizerOptions } from '../bptt/train/optimizers';
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { must } from '../core/check';
import { Random } from '../core/random/random';
import { chords, type Piece } from '../tasks/chords';
import type { Context, Figures, Paper, PaperRow, Size } from './paper';

const PITCHES = 88;
/** MIDI number of the lowest pitch, A0. */
const LOWEST = 21;
const BATCH = 8;
/** T is rounded up to a multiple of this, so that few plans serve all lengths; padding has no effect. */
const ROUND = 32;
/** Number of batches that are sorted by length together. */
const POOL = 8;

interface Parts {
  train: Piece[];
  valid: Piece[];
  test: Piece[];
}

interface Settings {
  hidden: number;
  optimizer: OptimizerOptions;
  weightNoise: number;
  clip: number;
  /** Maximum number of passes over the training set, each followed by a validation. */
  epochs: number;
  patience: number;
  /** Number of pieces used of each part; default all. */
  pieces?: number;
}

const networks: { name: string; hidden: number; cell: (hidden: number) => Cell; published: number }[] = [
  { name: 'tanh', hidden: 100, cell: (hidden) => elman({ input: PITCHES, hidden }), published: 9.1 },
  { name: 'GRU', hidden: 46, cell: (hidden) => gru({ input: PITCHES, hidden }), published: 8.54 },
  {
    name: 'LSTM',
    hidden: 36,
    cell: (hidden) => lstm({ input: PITCHES, hidden, peepholes: true }),
    published: 8.67,
  },
];

const recipes: { name: string; optimizer: OptimizerOptions; weightNoise: number }[] = [
  {
    name: 'RMSProp',
    optimizer: { name: 'rmsprop', learningRate: 1e-3, alpha: 0.9 },
    weightNoise: 0.075,
  },
  { name: 'Adam', optimizer: { name: 'adam', learningRate: 3e-3 }, weightNoise: 0 },
];

export const chorales: Paper = {
  name: 'chorales',
  title: 'JSB chorales: the next chord, by tanh units, GRU and LSTM',
  citation:
    'Chung, Gulcehre, Cho & Bengio 2014, Empirical evaluation of gated recurrent neural networks on sequence modeling',
  figuresFrom: 'table 2 of the paper (test); 8.54 of the GRU is also listed by paperswithcode.com',
  about: [
    'nats per step on the test set, over 88 independent bits; every step is scored, the first from a zero input',
    'RMSProp, with weight noise: the recipe of the paper; Adam: ours; early stopping on the validation set in both',
  ],
  measures: {
    test: { title: 'test NLL', digits: 2 },
    validation: { title: 'validation NLL', digits: 2 },
    steps: { title: 'updates', digits: 0 },
  },
  data: {
    what:
      'the JSB chorales in quarter notes as JSON, { "train": [[[60, 72, 79, 88], …], …], "valid": …, "test": … }, a chord ' +
      'being its MIDI pitches; made from the pickled piano-rolls that Boulanger-Lewandowski, Bengio & Vincent published ' +
      'with "Modeling temporal dependencies in high-dimensional sequences", ICML 2012',
    standIn: 'uses generated four-voice pieces, not the chorales: published figures do not apply',
    read: readChorales,
  },
  rows: (size: Size): PaperRow[] => {
    const full = size === 'full';
    const pieces = full ? undefined : 24;
    const trained = recipes.flatMap((recipe) =>
      networks.map(({ name, hidden: H, cell, published }) => {
        const hidden = full ? H : 12;
        const settings = {
          hidden,
          optimizer: recipe.optimizer,
          weightNoise: recipe.weightNoise,
          clip: 1,
          epochs: full ? 300 : 40,
          patience: 15,
          pieces,
        };
        return {
          name: `${name}-${hidden}, ${recipe.name}`,
          settings: { ...settings },
          published: { test: published },
          seeds: full ? 3 : 1,
          run: (context: Context) => train(cell(hidden), settings, context),
        };
      }),
    );
    const alone: PaperRow = {
      name: 'each pitch by itself',
      settings: { pieces },
      published: {},
      seeds: 1,
      run: (context) => {
        const parts = partsOf(context, pieces);
        return {
          test: independent(parts.train, parts.test),
          validation: independent(parts.train, parts.valid),
        };
      },
    };
    return [...trained, alone];
  },
};

async function train(cell: Cell, settings: Settings, { seed, data, progress }: Context): Promise<Figures> {
  const { optimizer, weightNoise, clip, epochs, patience, pieces } = settings;
  const parts = partsOf({ data }, pieces);
  const net = network({ layers: [cell], output: PITCHES, loss: 'bernoulli', dtype: 'float32', seed });
  const validation = inOrder(parts.valid);
  const every = Math.ceil(parts.train.length / BATCH);
  const steps = epochs * every;
  const summary = await fit(net, shuffled(parts.train, new Random(seed)), {
    optimizer,
    clip: { norm: clip },
    weightNoise,
    threads: 1,
    steps,
    validation: { batches: () => validation, every },
    earlyStopping: { patience },
    onStep: ({ step }) => progress(step / steps),
  });
  return {
    test: meanLoss(net, inOrder(parts.test)),
    validation: summary.best?.loss ?? null,
    steps: summary.steps,
  };
}

/** The loss of a baseline that knows only the frequency of each pitch, in nats per step. */
function independent(train: readonly Piece[], test: readonly Piece[]): number {
  const count = (part: readonly Piece[]): { steps: number; sounding: number[] } => {
    const sounding = Array<number>(PITCHES).fill(0);
    for (const pitch of part.flat(2)) sounding[pitch - LOWEST]++;
    return { steps: part.flat().length, sounding };
  };
  const [known, asked] = [count(train), count(test)];
  return known.sounding.reduce((sum, sounds, k) => {
    // add-one smoothing, so that no pitch has probability 0
    const p = (sounds + 1) / (known.steps + 2);
    const frequency = asked.sounding[k] / asked.steps;
    return sum - frequency * Math.log(p) - (1 - frequency) * Math.log(1 - p);
  }, 0);
}

/** Endless batches: every piece once per pass, with pieces of similar length together. */
export function* shuffled(train: readonly Piece[], random: Random): Generator<Batch, never> {
  let waiting: Piece[] = [];
  for (;;) {
    while (waiting.length < BATCH * POOL) waiting = [...waiting, ...random.shuffle([...train])];
    const pool = waiting.splice(0, BATCH * POOL);
    yield* random.shuffle(inOrder(pool));
  }
}

/** Batches of pieces by length. */
function inOrder(part: readonly Piece[]): Batch[] {
  const sorted = [...part].sort((a, b) => a.length - b.length);
  return Array.from({ length: Math.ceil(sorted.length / BATCH) }, (_, k) =>
    batchOf(sorted.slice(k * BATCH, (k + 1) * BATCH)),
  );
}

/** Each chord as 88 bits: the target of its step, and the input of the next step. */
export function batchOf(part: readonly Piece[]): Batch {
  const B = part.length;
  const lengths = part.map(({ length }) => length);
  const T = ROUND * Math.ceil(greatest(lengths) / ROUND);
  const shape = [T, B, PITCHES];
  const [x, targets] = [new Float32Array(T * B * PITCHES), new Float32Array(T * B * PITCHES)];
  part.forEach((piece, b) => {
    piece.forEach((chord, t) => {
      for (const pitch of chord) {
        targets[(t * B + b) * PITCHES + pitch - LOWEST] = 1;
        if (t + 1 < T) x[((t + 1) * B + b) * PITCHES + pitch - LOWEST] = 1;
      }
    });
  });
  return { x: { shape, numbers: x }, targets: { shape, numbers: targets }, lengths };
}

/** The loss per step, averaged over all steps. */
function meanLoss(net: Network, batches: readonly Batch[]): number {
  let [loss, steps] = [0, 0];
  for (const batch of batches) {
    const own = (batch.lengths ?? []).reduce((sum, length) => sum + length, 0);
    loss += own * net.forward(batch).loss;
    steps += own;
  }
  return loss / steps;
}

function partsOf({ data }: Pick<Context, 'data'>, pieces?: number): Parts {
  const { train, valid, test } = (data as Parts | undefined) ?? generated();
  return { train: train.slice(0, pieces), valid: valid.slice(0, pieces), test: test.slice(0, pieces) };
}

/** The same for every seed, like a data set. */
function generated(): Parts {
  const random = new Random(0);
  const part = (n: number): Piece[] => Array.from({ length: n }, () => chords(random, 20 + random.below(13)));
  return { train: part(24), valid: part(8), test: part(8) };
}

const pieces = v.array(v.array(v.array(v.number())));
const schema = v.object({ train: pieces, valid: pieces, test: pieces });

function readChorales(contents: string): Parts {
  const where = 'paper chorales';
  let json: unknown;
  try {
    json = JSON.parse(contents);
  } catch {
    must(false, where, 'the data must be JSON', contents.split('\n')[0]);
  }
  const parsed = v.safeParse(schema, json);
  must(
    parsed.success,
    where,
    'the data must hold lists train, valid, test of pieces of chords of pitches',
    'something else',
  );
  const parts = parsed.output;
  for (const [name, part] of Object.entries(parts)) {
    must(part.length > 0, where, `${name} must hold a piece`, 'none');
    must(
      part.every(({ length }) => length > 0),
      where,
      `every piece of ${name} must hold a chord`,
      'none',
    );
    const wrong = part.flat(2).find((pitch) => !(Number.isInteger(pitch) && pitch >= 21 && pitch <= 108));
    must(wrong === undefined, where, `pitches must be whole numbers in 21 … 108`, wrong);
  }
  return parts;
}
