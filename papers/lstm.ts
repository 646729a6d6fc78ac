/**
 * Hochreiter & Schmidhuber 1997, "Long short-term memory", Neural Computation 9(8).
 *
 * Three of their tasks, each for the cell of the paper and for a network of tanh units with at least as many weights, with
 * the same data, budget and recipe:
 *
 *   embedded Reber    experiment 1: 256 strings to learn, 256 others to test, every next symbol is predicted; a string is
 *                     right when at every step the symbols that may follow are more active than those that may not
 *   adding            experiment 4, T = 100: the sum of two marked numbers; right when the error is below 0.04
 *   temporal order    experiment 6a: which of X and Y came first and second; right when every output's error is below 0.3
 *
 * Measured: the number of training sequences until the task is solved, and the number of wrong test sequences then, of 2560
 * (of 256 strings). The Reber task is solved when all 512 strings are right; the others when 2000 consecutive new sequences
 * are, where the paper uses the last 2000 training sequences.
 *
 * Published: 8,440 sequences (the fastest of their architectures that always succeeded), 74,000 and 31,390; 1 of 2560 wrong
 * in the latter two. Elman nets did not learn the Reber strings in 200,000 sequences.
 *
 * Theirs: online updates, gradients truncated where they leave the memory, initial biases of input gates −1 … −6, squared
 * errors. Ours: batches of 8 or 16, the full gradient, Adam, gradient norm clipped at 1, a softmax for outputs of one symbol
 * or class, initial biases of input gates −2 or −3, and for the Reber strings more units than their 276 weights allow. The
 * tanh units have initial weights that are uniform in ±1/√H.
 */
import type { Batch } from '../bptt/network/batch/batch';
import { fit } from '../bptt/train/fit';
import { network, type Network, type NetworkOptions } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { lstm1997 } from '../cells/lstm1997';
import { Random } from '../core/random/random';
import { softmax } from '../core/softmax';
import { adding } from '../tasks/adding';
import { embeddedReber, reberSymbols, type ReberStep } from '../tasks/reber';
import { orderSymbols, temporalOrder } from '../tasks/temporalorder';
import type { Context, Figures, Paper, PaperRow, Size } from './paper';
import { foresees, reberBatch } from './reberbatch';

/** Rows of an evaluation batch. */
const CHUNK = 250;

interface Settings {
  hidden: number;
  learningRate: number;
  clip: number;
  batch: number;
  inputBias?: number;
  /** Maximum number of training sequences. */
  budget: number;
  /** Training sequences between two checks whether the task is solved. */
  every: number;
  /** Number of consecutive new sequences that must be right, and number of test sequences. */
  fresh: number;
  test: number;
}

/** A task with the sequences of one seed. */
interface Session {
  batches: Generator<Batch, never>;
  /** Whether the network makes no mistake. */
  solved(net: Network): boolean;
  /** Number of wrong test sequences. */
  wrong(net: Network): number;
}

interface Task {
  name: string;
  network: Pick<NetworkOptions, 'output' | 'loss' | 'topology'> & { input: number };
  units: { lstm: number; tanh: number };
  recipe: { learningRate: number; batch: number; inputBias: number };
  published: { lstm: PaperRow['published']; tanh: PaperRow['published'] };
  budget: number;
  begin(random: Random, settings: Settings): Session;
}

/** A sequence of steps, each a list of numbers or a class, and the number or class to predict at its end. */
interface Question {
  steps: readonly (number | readonly number[])[];
  target: number;
}

/** Maximum length of a sequence. */
const LONGEST = 110;

/** A task with an answer at the end of each sequence; sequences are generated when needed. */
const lateAnswer = (
  { network: sizes, ...task }: Pick<Task, 'name' | 'network' | 'units' | 'published'>,
  draw: (random: Random) => Question,
  isRight: (outputs: readonly number[], target: number) => boolean,
): Task => ({
  ...task,
  network: { ...sizes, topology: 'many-to-one' },
  recipe: { learningRate: 0.01, batch: 16, inputBias: -3 },
  budget: 100_000,
  begin: (random, { batch: B, fresh, test }) => {
    // separate sequences for each use
    const [training, asking, testing] = [0, 1, 2].map(() => new Random(random.word()));
    const drawn = (source: Random, n: number): Question[] => Array.from({ length: n }, () => draw(source));
    const wrong = (net: Network, source: Random, n: number, most = Infinity): number => {
      let mistakes = 0;
      for (let k = 0; k < n && mistakes <= most; k += CHUNK) {
        const questions = drawn(source, Math.min(CHUNK, n - k));
        const { output } = net.forward(batchOf(questions, sizes));
        const outputs = (b: number): number[] =>
          Array.from({ length: output.shape[1] }, (_, o) => output.get(b, o));
        mistakes += questions.filter(({ target }, b) => !isRight(outputs(b), target)).length;
      }
      return mistakes;
    };
    return {
      batches: (function* () {
        for (;;) yield batchOf(drawn(training, B), sizes);
      })(),
      solved: (net) => wrong(net, asking, fresh, 0) === 0,
      wrong: (net) => wrong(net, testing, test),
    };
  },
});

/** A batch of questions; shorter ones are padded and masked. */
function batchOf(questions: readonly Question[], { input, loss }: Task['network']): Batch {
  const n = questions.length;
  const classes = loss === 'softmax';
  const width = classes ? 1 : input;
  const x = new Float32Array(LONGEST * n * width);
  questions.forEach(({ steps }, b) =>
    steps.forEach((step, t) => x.set(typeof step === 'number' ? [step] : step, (t * n + b) * width)),
  );
  return {
    x: { shape: classes ? [LONGEST, n] : [LONGEST, n, width], numbers: x },
    targets: { shape: classes ? [n] : [n, 1], numbers: questions.map(({ target }) => target) },
    lengths: questions.map(({ steps }) => steps.length),
  };
}

const addingTask = lateAnswer(
  {
    name: 'adding',
    network: { input: 2, output: 1, loss: 'squared' },
    units: { lstm: 8, tanh: 16 },
    published: { lstm: { sequences: 74000, wrong: 1 }, tanh: {} },
  },
  (random) => {
    const { pairs, target } = adding(random, 100);
    return { steps: pairs, target };
  },
  ([sum], target) => Math.abs(sum - target) < 0.04,
);

const orderTask = lateAnswer(
  {
    name: 'temporal order',
    network: { input: orderSymbols.length, output: 4, loss: 'softmax' },
    units: { lstm: 6, tanh: 16 },
    published: { lstm: { sequences: 31390, wrong: 1 }, tanh: {} },
  },
  (random) => {
    const { symbols, class: target } = temporalOrder(random);
    return { steps: symbols.map((symbol) => orderSymbols.indexOf(symbol)), target };
  },
  (outputs, target) => softmax(outputs).every((p, k) => Math.abs(p - (k === target ? 1 : 0)) < 0.3),
);

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
    const mistakes = (net: Network, strings: readonly ReberStep[][]): number => {
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

/** n different strings, none of them in `but`. */
function distinct(random: Random, n: number, but: readonly ReberStep[][] = []): ReberStep[][] {
  const text = (steps: ReberStep[]): string => steps.map(({ symbol }) => symbol).join('');
  const known = new Set(but.map(text));
  const strings: ReberStep[][] = [];
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
  figuresFrom:
    'experiments 1, 4 and 6a of the paper; 8,440 and 31,390 are cited alike in github.com/cybertronai/schmidhuber-problems, commit e7b8c89',
  about: [
    'training sequences until the task is solved (mean of successful seeds), and wrong test sequences then',
    'the cell without a forget gate, compared with tanh units with the same data, budget and recipe',
  ],
  measures: {
    sequences: { title: 'sequences to success', digits: 0, scale: 'log' },
    wrong: { title: 'wrong in the test', digits: 1 },
  },
  rows: (size: Size): PaperRow[] =>
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
      const row = (
        name: string,
        published: PaperRow['published'],
        settings: Settings,
        cell: Cell,
      ): PaperRow => ({
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
