/**
 * Hochreiter & Schmidhuber 1997, "Long short-term memory", Neural Computation 9(8).
 *
 * Three of their tasks, each for the cell of that paper and for a network of tanh units of at least as many weights, with
 * the same data, the same budget and the same recipe:
 *
 *   embedded Reber    experiment 1: 256 strings to learn, 256 others to test, every next symbol is predicted; a string is
 *                     right when at every step the symbols that may follow are more active than those that may not
 *   adding            experiment 4, T = 100: the sum of two marked numbers; right when the error is below 0.04
 *   temporal order    experiment 6a: which of X and Y came first and second; right when every output's error is below 0.3
 *
 * Measured: training sequences seen until the task is solved, and how many test sequences are then not right, of 2560 (of
 * 256 strings). The Reber strings are solved when all 512 are right; the others when 2000 fresh sequences in a row are,
 * where the paper takes the last 2000 of the training.
 *
 * Published: 8,440 sequences (the fastest of their architectures that always succeeded), 74,000 and 31,390; 1 of 2560 wrong
 * in the latter two. Elman nets did not learn the Reber strings in 200,000 sequences.
 *
 * Theirs: on-line steps, gradients cut where they leave the memory, input gates that start at −1 … −6, squared errors.
 * Ours: batches of 8 or 16, the whole gradient, Adam, gradients of norm 1 at most, a softmax where one symbol or class is
 * asked for, input gates that start at −2 or −3, and for the Reber strings more units than their 276 weights. The tanh units start with uniform weights within ±1/√H.
 */
import type { Batch } from '../bptt/network/batch';
import { fit } from '../bptt/train/fit';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { lstm1997 } from '../cells/lstm1997';
import { Random } from '../core/random';
import { softmax } from '../core/reduce';
import { adding } from '../tasks/adding';
import { embeddedReber, reberSymbols, type Step } from '../tasks/reber';
import { orderSymbols, temporalOrder } from '../tasks/temporalorder';
import type { Context, Figures, Paper, Row, Size } from './paper';
import { foresees, reberBatch } from './reberbatch';

/** Rows of a batch that is only asked about. */
const CHUNK = 250;

interface Settings {
  hidden: number;
  learningRate: number;
  clip: number;
  batch: number;
  inputBias?: number;
  /** Most training sequences. */
  budget: number;
  /** Training sequences between two looks at whether the task is solved. */
  every: number;
  /** Fresh sequences that must be right in a row, and that are then asked for the test. */
  fresh: number;
  test: number;
}

/** A task with one seed's sequences. */
interface Session {
  batches: Generator<Batch, never>;
  /** Whether the network makes no mistake. */
  solved(net: Network): boolean;
  /** Test sequences that are not right. */
  wrong(net: Network): number;
}

interface Task {
  name: string;
  network: Pick<NetworkOptions, 'output' | 'loss' | 'topology'> & { input: number };
  units: { lstm: number; tanh: number };
  recipe: { learningRate: number; batch: number; inputBias: number };
  published: { lstm: Row['published']; tanh: Row['published'] };
  budget: number;
  begin(random: Random, settings: Settings): Session;
}

/** Sequences that are made when they are needed: `make` gives n of them as a batch, `wrong` counts those that are not right. */
function endless<Asked extends Batch>(
  random: Random,
  { batch: B, fresh, test }: Settings,
  make: (random: Random, n: number) => Asked,
  wrong: (net: Network, batch: Asked) => number,
): Session {
  // each use has sequences of its own
  const [training, asking, testing] = [0, 1, 2].map(() => new Random(random.word()));
  const count = (net: Network, source: Random, n: number, most = Infinity): number => {
    let mistakes = 0;
    for (let k = 0; k < n && mistakes <= most; k += CHUNK)
      mistakes += wrong(net, make(source, Math.min(CHUNK, n - k)));
    return mistakes;
  };
  return {
    batches: (function* () {
      for (;;) yield make(training, B);
    })(),
    solved: (net) => count(net, asking, fresh, 0) === 0,
    wrong: (net) => count(net, testing, test),
  };
}

const addingTask: Task = {
  name: 'adding',
  network: { input: 2, output: 1, loss: 'squared', topology: 'many-to-one' },
  units: { lstm: 8, tanh: 16 },
  recipe: { learningRate: 0.01, batch: 16, inputBias: -3 },
  published: { lstm: { sequences: 74000, wrong: 1 }, tanh: {} },
  budget: 100_000,
  begin: (random, settings) =>
    endless(
      random,
      settings,
      (source, n) => {
        const T = 110;
        const sums = Array.from({ length: n }, () => adding(source, 100));
        const x = new Float32Array(T * n * 2);
        sums.forEach(({ pairs }, b) => pairs.forEach((pair, t) => x.set(pair, (t * n + b) * 2)));
        const numbers = sums.map(({ target }) => target);
        const lengths = sums.map(({ pairs }) => pairs.length);
        return { x: { shape: [T, n, 2], numbers: x }, targets: { shape: [n, 1], numbers }, lengths };
      },
      (net, batch) => {
        const { output } = net.forward(batch);
        return batch.targets.numbers.filter((target, b) => !(Math.abs(output.get(b, 0) - target) < 0.04))
          .length;
      },
    ),
};

const orderTask: Task = {
  name: 'temporal order',
  network: { input: orderSymbols.length, output: 4, loss: 'softmax', topology: 'many-to-one' },
  units: { lstm: 6, tanh: 16 },
  recipe: { learningRate: 0.01, batch: 16, inputBias: -3 },
  published: { lstm: { sequences: 31390, wrong: 1 }, tanh: {} },
  budget: 100_000,
  begin: (random, settings) =>
    endless(
      random,
      settings,
      (source, n) => {
        const T = 110;
        const orders = Array.from({ length: n }, () => temporalOrder(source));
        const x = new Uint8Array(T * n);
        orders.forEach(({ symbols }, b) =>
          symbols.forEach((symbol, t) => (x[t * n + b] = orderSymbols.indexOf(symbol))),
        );
        const numbers = orders.map((order) => order.class);
        const lengths = orders.map(({ symbols }) => symbols.length);
        return { x: { shape: [T, n], numbers: x }, targets: { shape: [n], numbers }, lengths };
      },
      (net, batch) => {
        const { output } = net.forward(batch);
        return batch.targets.numbers.filter((right, b) => {
          const p = softmax([0, 1, 2, 3].map((k) => output.get(b, k)));
          return p.some((value, k) => Math.abs(value - (k === right ? 1 : 0)) >= 0.3);
        }).length;
      },
    ),
};

const reberTask: Task = {
  name: 'embedded Reber',
  network: { input: reberSymbols.length, output: reberSymbols.length, loss: 'softmax' },
  units: { lstm: 12, tanh: 25 },
  recipe: { learningRate: 0.02, batch: 8, inputBias: -2 },
  published: { lstm: { sequences: 8440 }, tanh: { sequences: 'none in 200,000' } },
  budget: 50_000,
  begin: (random, { batch: B, test }) => {
    const learned = distinct(random, test);
    const others = distinct(random, test, learned);
    const mistakes = (net: Network, strings: readonly Step[][]): number => {
      const { output } = net.forward(reberBatch(strings));
      const right = strings.filter((steps, b) =>
        steps.slice(1).every(({ legal }, t) => foresees(output, t, b, legal)),
      );
      return strings.length - right.length;
    };
    return {
      batches: (function* () {
        for (;;) {
          const shuffled = random.shuffle([...learned]);
          for (let k = 0; k + B <= shuffled.length; k += B) yield reberBatch(shuffled.slice(k, k + B));
        }
      })(),
      solved: (net) => mistakes(net, learned) === 0 && mistakes(net, others) === 0,
      wrong: (net) => mistakes(net, others),
    };
  },
};

/** n strings, none of them twice and none of `but`. */
function distinct(random: Random, n: number, but: readonly Step[][] = []): Step[][] {
  const text = (steps: Step[]): string => steps.map(({ symbol }) => symbol).join('');
  const known = new Set(but.map(text));
  const strings: Step[][] = [];
  while (strings.length < n) {
    const steps = embeddedReber(random);
    if (known.has(text(steps))) continue;
    known.add(text(steps));
    strings.push(steps);
  }
  return strings;
}

export const lstm: Paper = {
  name: 'lstm',
  title: 'Long time lags: embedded Reber grammar, adding, temporal order; LSTM and tanh units',
  citation: 'Hochreiter & Schmidhuber 1997, Long short-term memory, Neural Computation 9(8)',
  about: [
    'training sequences until the task is solved (mean of successful seeds), and wrong test sequences then',
    'the cell without a forget gate, compared with tanh units with the same data, budget and recipe',
  ],
  measures: {
    sequences: { title: 'sequences to success', digits: 0, scale: 'log' },
    wrong: { title: 'wrong in the test', digits: 1 },
  },
  rows: (size: Size): Row[] =>
    [reberTask, addingTask, orderTask].flatMap((task) => {
      const { inputBias, ...rates } = task.recipe;
      const recipe = {
        ...rates,
        clip: 1,
        budget: size === 'full' ? task.budget : 640,
        every: size === 'full' ? 960 : 320,
        fresh: size === 'full' ? 2000 : 20,
        test: task === reberTask ? 256 : size === 'full' ? 2560 : 20,
      };
      const row = (name: string, published: Row['published'], settings: Settings, cell: Cell): Row => ({
        name: `${task.name}, ${name}`,
        settings: { ...settings },
        published,
        seeds: size === 'full' ? 5 : 1,
        run: (context) => learn(task, cell, settings, context),
      });
      const { input } = task.network;
      const [memory, units] = [
        { ...recipe, hidden: task.units.lstm, inputBias },
        { ...recipe, hidden: task.units.tanh },
      ];
      return [
        row('LSTM 1997', task.published.lstm, memory, lstm1997({ input, hidden: memory.hidden, inputBias })),
        row(
          'tanh',
          task.published.tanh,
          units,
          elman({ input, hidden: units.hidden, inputInit: 'uniform', recurrentInit: 'uniform' }),
        ),
      ];
    }),
};

async function learn(
  task: Task,
  cell: Cell,
  settings: Settings,
  { seed, progress }: Context,
): Promise<Figures> {
  const { output, loss, topology } = task.network;
  const { learningRate, clip, batch, budget, every } = settings;
  const net = network({ layers: [cell], output, loss, topology, dtype: 'float32', seed });
  const session = task.begin(new Random(seed), settings);
  let sequences: number | null = null;
  await fit(net, session.batches, {
    optimizer: { name: 'adam', learningRate },
    clip: { norm: clip },
    threads: 1,
    steps: Math.floor(budget / batch),
    onStep: ({ step }) => {
      const seen = step * batch;
      progress(seen / budget);
      if (seen % every !== 0 || !session.solved(net)) return true;
      sequences = seen;
      return false;
    },
  });
  return { sequences, wrong: session.wrong(net) };
}
