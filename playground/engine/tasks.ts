/** Tasks: where batches come from. A task and its seed give the same batches every time. */
import type { Batch } from '../../bptt/batch';
import type { LossName } from '../../bptt/losses';
import type { Topology } from '../../bptt/topology';
import { cosOfTurn } from '../../core/portable';
import { Random } from '../../core/random';
import { Streams } from '../../io/streams';
import { Vocabulary } from '../../io/vocabulary';
import type { Settings, TaskName } from './settings';

export interface Task {
  /** D and O. */
  readonly input: number;
  readonly output: number;
  readonly loss: LossName;
  readonly topology: Topology;
  /** Present when the task is text. */
  readonly vocabulary?: Vocabulary;
  /** Whether a batch goes on where the one before ended. */
  readonly stream: boolean;
  /** The batch of step `k`, counted from 0; each is asked for once, in order. */
  batch(k: number): TaskBatch;
}

export interface TaskBatch {
  x: { shape: number[]; numbers: ArrayLike<number> };
  targets: { shape: number[]; numbers: ArrayLike<number> };
  /** Steps since the stream's start, where the states of the batch before are carried on; else absent. */
  since?: number;
  lengths?: Batch['lengths'];
}

/**
 * The task of some settings.
 * @throws RangeError when the text is too short for one batch.
 */
export function taskOf(settings: Settings, vocabulary?: Vocabulary): Task {
  return makers[settings.task](settings, vocabulary);
}

const makers: Record<TaskName, (settings: Settings, vocabulary?: Vocabulary) => Task> = { text, sine };

/** Predict the next character. */
function text({ text: words, batch: B, length: T }: Settings, known?: Vocabulary): Task {
  const vocabulary = known ?? Vocabulary.of(words);
  const { indices } = vocabulary.encode(words);
  const streams = new Streams(Uint16Array.from(indices), B, T);
  return {
    input: vocabulary.size,
    output: vocabulary.size,
    loss: 'softmax',
    topology: 'many-to-many',
    vocabulary,
    stream: true,
    batch(k) {
      const chunk = streams.chunk(k % streams.chunks);
      return {
        x: { shape: [T, B], numbers: chunk.x },
        targets: { shape: [T, B], numbers: chunk.targets },
        ...(k % streams.chunks > 0 && { since: (k % streams.chunks) * T }),
      };
    },
  };
}

/** Predict the next value of a sine of unknown phase and frequency. */
function sine({ batch: B, length: T, seed }: Settings): Task {
  const random = new Random(seed);
  return {
    input: 1,
    output: 1,
    loss: 'squared',
    topology: 'many-to-many',
    stream: false,
    batch() {
      const waves = Array.from({ length: B }, () => ({
        turns: random.uniform(0.03, 0.1),
        phase: random.uniform(),
      }));
      const at = (t: number): number[] => waves.map(({ turns, phase }) => wave(phase + turns * t));
      const values = Array.from({ length: T + 1 }, (_, t) => at(t));
      return {
        x: { shape: [T, B, 1], numbers: values.slice(0, T).flat() },
        targets: { shape: [T, B, 1], numbers: values.slice(1).flat() },
      };
    },
  };
}

/** sin 2πu, to the same bits everywhere. */
const wave = (u: number): number => cosOfTurn((((u - 0.25) % 1) + 1) % 1);
