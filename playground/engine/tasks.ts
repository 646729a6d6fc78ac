/** The tasks, which generate batches; deterministic for a seed. */
import type { Topology } from '../../bptt/network/topology';
import { must } from '../../core/check';
import { sinOfTurn } from '../../core/random/portable';
import { Random } from '../../core/random/random';
import { Streams } from '../../text/streams';
import { Vocabulary } from '../../io/vocabulary';
import { adding } from '../../tasks/adding';
import { continualReber, reberSymbols } from '../../tasks/reber';
import { waveform } from '../../tasks/waveform';
import type { PageSettings, TaskName } from './settings';

export interface PageTask {
  /** D and O. */
  readonly input: number;
  readonly output: number;
  readonly loss: string;
  readonly topology: Topology;
  /** The names of the inputs, if there are several. */
  readonly reads?: readonly string[];
  /** The symbols of the classes, if there are classes. */
  readonly symbols?: readonly string[];
  /** Present when the task is text, so that the network can generate text. */
  readonly vocabulary?: Vocabulary;
  /** Whether a batch continues where the previous one ended. */
  readonly stream: boolean;
  /** The batch of step `k`, counted from 0; to be called once for each, in order. */
  batch(k: number): TaskBatch;
}

export interface TaskBatch {
  x: { shape: number[]; numbers: ArrayLike<number> };
  targets: { shape: number[]; numbers: ArrayLike<number> };
  /** Steps since the stream's start, if states are carried over from the previous batch. */
  since?: number;
}

/**
 * Makes the task that the settings name.
 * @throws RangeError when the text is too short for one batch.
 */
export function pageTaskOf(settings: PageSettings, vocabulary?: Vocabulary): PageTask {
  return makers[settings.task](settings, vocabulary);
}

const makers: Record<TaskName, (settings: PageSettings, vocabulary?: Vocabulary) => PageTask> = {
  text,
  sine,
  waveform: sound,
  adding: addingTask,
  reber,
};

/** Predict the next character. */
function text({ text: words, batch: B, seq: T }: PageSettings, known?: Vocabulary): PageTask {
  must(words !== '', 'text', 'it must hold some characters', 'none');
  const vocabulary = known ?? Vocabulary.of(words);
  const { indices } = vocabulary.encode(words);
  const streams = new Streams(Uint16Array.from(indices), B, T);
  return {
    input: vocabulary.size,
    output: vocabulary.size,
    loss: 'softmax',
    topology: 'many-to-many',
    symbols: vocabulary.symbols,
    vocabulary,
    stream: true,
    batch(k) {
      const chunk = streams.chunk(k % streams.chunks);
      // the next chunk reuses this memory, and a batch may be read after the next one has been drawn
      return {
        x: { shape: [T, B], numbers: chunk.x.slice() },
        targets: { shape: [T, B], numbers: chunk.targets.slice() },
        ...(k % streams.chunks > 0 && { since: (k % streams.chunks) * T }),
      };
    },
  };
}

/** One number in and one out at every step; sequences are independent. */
const oneNumber = {
  input: 1,
  output: 1,
  loss: 'squared',
  topology: 'many-to-many',
  stream: false,
} as const;

/** Predict the next value of a sine of unknown phase and frequency. */
function sine({ batch: B, seq: T, seed }: PageSettings): PageTask {
  const random = new Random(seed);
  return {
    ...oneNumber,
    batch() {
      const waves = Array.from({ length: B }, () => ({
        turns: random.uniform(0.03, 0.1),
        phase: random.uniform(),
      }));
      const at = (t: number): number[] => waves.map(({ turns, phase }) => sinOfTurn(phase + turns * t));
      const values = Array.from({ length: T + 1 }, (_, t) => at(t));
      return {
        x: { shape: [T, B, 1], numbers: values.slice(0, T).flat() },
        targets: { shape: [T, B, 1], numbers: values.slice(1).flat() },
      };
    },
  };
}

/** Generate a waveform without input: zeros in, the same samples every time. */
function sound({ batch: B, seq: T, seed }: PageSettings): PageTask {
  const numbers = waveform(new Random(seed), T).flatMap((sample) => Array<number>(B).fill(sample));
  return {
    ...oneNumber,
    batch: () => ({
      x: { shape: [T, B, 1], numbers: new Float64Array(T * B) },
      targets: { shape: [T, B, 1], numbers },
    }),
  };
}

/** Add two marked numbers, with the target at the last step; only sequences of one length are used. */
function addingTask({ batch: B, seq: T, seed }: PageSettings): PageTask {
  const random = new Random(seed);
  const draw = (): ReturnType<typeof adding> => {
    for (;;) {
      const sum = adding(random, T);
      if (sum.pairs.length === T) return sum;
    }
  };
  return {
    input: 2,
    output: 1,
    loss: 'squared',
    topology: 'many-to-one',
    reads: ['value', 'marker'],
    stream: false,
    batch() {
      const sums = Array.from({ length: B }, draw);
      const at = (t: number): number[] => sums.flatMap(({ pairs }) => pairs[t]);
      return {
        x: { shape: [T, B, 2], numbers: Array.from({ length: T }, (_, t) => at(t)).flat() },
        targets: { shape: [B, 1], numbers: sums.map(({ target }) => target) },
      };
    },
  };
}

/** Predict the symbols of Reber's grammar: one string after the other, each row a separate stream. */
function reber({ batch: B, seq: T, seed }: PageSettings): PageTask {
  const random = new Random(seed);
  const streams = Array.from({ length: B }, () => continualReber(random));
  const next = (): number[] => streams.map((stream) => reberSymbols.indexOf(stream.next().value.symbol));
  let read = next();
  return {
    input: reberSymbols.length,
    output: reberSymbols.length,
    loss: 'softmax',
    topology: 'many-to-many',
    symbols: reberSymbols,
    stream: true,
    batch(k) {
      const symbols = [read, ...Array.from({ length: T }, next)];
      read = symbols[T];
      return {
        x: { shape: [T, B], numbers: symbols.slice(0, T).flat() },
        targets: { shape: [T, B], numbers: symbols.slice(1).flat() },
        ...(k > 0 && { since: k * T }),
      };
    },
  };
}
