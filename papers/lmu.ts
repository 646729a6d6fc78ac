/**
 * Voelker, Kajić & Eliasmith 2019, "Legendre memory units: Continuous-time representation in recurrent neural networks"
 * (NeurIPS).
 *
 * Tasks: (1) The input of up to T steps ago is read from an untrained memory of 100 numbers, for T up to 100,000. (2) A
 * Mackey–Glass series with the delay 17 is predicted 15 steps ahead.
 *
 * Measured: the root mean square of the errors, divided by that of the targets, on series that were not trained on.
 *
 * Published, task 2: the figures are those that the authors corrected after the conference, by a bias in the LMU
 * (github.com/nengo/keras-lmu, experiments/mackey-glass.ipynb at commit 9e28b7f). For task 1 they show a curve of squared
 * errors.
 *
 * Differences, task 1: the input is a sum of ten sines of 1 … 10 periods in a window, theirs noise with the same limit; errors
 * count after 1.5 windows. Task 2: the layers and their sizes are theirs, four layers of 25 LSTM or 49 LMU units (order 4,
 * window 4), or 40 and 25 in turn, some 18,000 weights. We have 32 series of 1000 steps for training and as many for the
 * test, they 64 of 5000; we update after every 100 steps and continue the states, 1000 times in all, they have 500 passes
 * over everything with full backpropagation, and keep the weights that are best in validation.
 */
import { network } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { legendreDelay, legendreMemory } from '../cells/parts/legendre';
import { lmu } from '../cells/lmu';
import { lstm } from '../cells/lstm';
import { sinOfTurn } from '../core/random/portable';
import { Random } from '../core/random/random';
import { toFlat } from '../core/tensor';
import { mackeyGlass } from '../tasks/mackeyglass';
import type { StreamBatch } from '../bptt/train/source';
import type { Context, Figures, Paper, PaperRow, Size } from './paper';
import { trainByAdam } from './training';

const AHEAD = 15;
/** Delays at which the memory is read, as parts of its window. */
const DELAYS = [0.25, 0.5, 0.75, 1];

interface Capacity {
  order: number;
  window: number;
}

interface Prediction {
  series: number;
  length: number;
  /** Steps between updates. */
  chunk: number;
  updates: number;
  learningRate: number;
}

const memory = { order: 4, theta: 4 };
const stacks: Readonly<Record<string, { cells: (input: number) => Cell[]; published: number }>> = {
  LSTM: {
    cells: (input) => [25, 25, 25, 25].map((hidden, l) => lstm({ input: l === 0 ? input : hidden, hidden })),
    published: 0.0587,
  },
  LMU: {
    cells: (input) =>
      [49, 49, 49, 49].map((hidden, l) => lmu({ input: l === 0 ? input : hidden, hidden, ...memory })),
    published: 0.0487,
  },
  hybrid: {
    cells: (input) => [
      lmu({ input, hidden: 40, ...memory }),
      lstm({ input: 40, hidden: 25 }),
      lmu({ input: 25, hidden: 40, ...memory }),
      lstm({ input: 40, hidden: 25 }),
    ],
    published: 0.0447,
  },
};

export const lmuPaper: Paper = {
  name: 'lmu',
  title: 'The Legendre memory unit: capacity without training, and the Mackey–Glass series',
  citation: 'Voelker, Kajić & Eliasmith 2019, Legendre memory units',
  figuresFrom:
    'the corrected figures of the authors, github.com/nengo/keras-lmu, experiments/mackey-glass.ipynb, commit 9e28b7f',
  about: [
    'capacity: an untrained memory of 100 numbers is read at delays of 1/4, 1/2, 3/4 and all of its window',
    'Mackey–Glass: 15 steps ahead; networks as in the paper, but 1/10 of the data and 1000 updates',
    'root mean square of the errors, divided by that of the targets',
  ],
  measures: {
    capacity: { title: 'relative error, worst delay', digits: 6, scale: 'log' },
    error: { title: 'relative error', digits: 4 },
  },
  rows(size: Size): PaperRow[] {
    const full = size === 'full';
    const capacities = full ? [1000, 10_000, 100_000] : [100, 1000];
    const prediction: Prediction = full
      ? { series: 32, length: 1000, chunk: 100, updates: 1000, learningRate: 0.005 }
      : { series: 4, length: 120, chunk: 40, updates: 6, learningRate: 0.005 };
    return [
      ...capacities.map((window): PaperRow => {
        const settings: Capacity = { order: full ? 100 : 40, window };
        return {
          ...{ name: `capacity, ${window} steps`, settings: { ...settings }, published: {}, seeds: 1 },
          run: () => ({ capacity: capacity(settings) }),
        };
      }),
      ...Object.entries(stacks).map(([name, { cells, published }]): PaperRow => ({
        name: `Mackey–Glass, ${name}`,
        settings: { ...prediction },
        published: { error: published },
        seeds: 1,
        run: (context) => predict(cells(1), prediction, context),
      })),
    ];
  },
};

/** The largest relative error of the delayed inputs that are read from an untrained memory. */
function capacity({ order, window }: Capacity): number {
  // one step more than the longest delay: the input of a step is held until the next, and is read in between
  const theta = window + 1;
  const { A, B } = legendreMemory(order, theta);
  const rows = A.map((row) => Float64Array.from(row));
  const input = (t: number): number => {
    let sum = 0;
    for (let k = 1; k <= 10; k++) sum += sinOfTurn((k * t) / window + 0.1 * k * k);
    return sum;
  };
  const readers = DELAYS.map((part) => {
    const delay = Math.round(part * window);
    return { delay, weights: legendreDelay(order, (delay + 0.5) / theta) };
  });
  const errors = readers.map(() => 0);
  let [m, next] = [new Float64Array(order), new Float64Array(order)];
  let size = 0;
  for (let t = 0; t < 2.5 * window; t++) {
    const u = input(t);
    rows.forEach((row, i) => {
      let sum = B[i] * u;
      for (let j = 0; j < order; j++) sum += row[j] * m[j];
      next[i] = sum;
    });
    [m, next] = [next, m];
    if (t < 1.5 * window) continue;
    readers.forEach(({ delay, weights }, k) => {
      const read = weights.reduce((sum, w, i) => sum + w * m[i], 0);
      errors[k] += (read - input(t - delay)) ** 2;
    });
    size += u * u;
  }
  return Math.sqrt(Math.max(...errors) / size);
}

/** Series as batches of `chunk` steps, whose rows continue; the mean is taken off, as in the paper. */
function batchesOf(
  random: Random,
  { series, length, chunk }: Prediction,
): (StreamBatch & { targets: { numbers: Float64Array } })[] {
  const all = Array.from({ length: series }, () =>
    mackeyGlass(random, length + AHEAD).map((x) => Math.tanh(x - 1)),
  );
  const mean =
    all.reduce((sum, one) => sum + one.reduce((s, x) => s + x, 0), 0) / (series * (length + AHEAD));
  return Array.from({ length: length / chunk }, (_, k) => {
    const part = (from: number) => ({
      shape: [chunk, series, 1],
      numbers: Float64Array.from({ length: chunk * series }, (_n, i) => {
        const [t, b] = [Math.floor(i / series), i % series];
        return all[b][from + t] - mean;
      }),
    });
    const [x, targets] = [k * chunk, k * chunk + AHEAD].map(part);
    return { x, targets, ...(k > 0 && { initial: 'carry' as const }) };
  });
}

async function predict(layers: Cell[], settings: Prediction, { seed, progress }: Context): Promise<Figures> {
  const net = network({ layers, output: 1, loss: 'squared', dtype: 'float32', seed });
  const [training, testing] = [0, 1].map((k) => batchesOf(new Random(2 * seed + k), settings));
  const batches = (function* () {
    for (;;) yield* training;
  })();
  await trainByAdam(net, batches, settings, progress);
  const sums = { error: 0, size: 0 };
  let from;
  for (const { x, targets } of testing) {
    const pass = net.forward({ x }, { predict: true, ...(from && { from }) });
    from = pass.states;
    toFlat(pass.output).forEach((y, k) => {
      sums.error += (y - targets.numbers[k]) ** 2;
      sums.size += targets.numbers[k] ** 2;
    });
  }
  return { error: Math.sqrt(sums.error / sums.size) };
}
