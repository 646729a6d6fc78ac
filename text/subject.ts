/** The network and batch that `backstep flow` and `backstep trace` examine: new or trained, on noise or on text. */
import { networkSettings, trainingSettings } from '../bptt/train/settings';
import { Random } from '../core/random/random';
import { defaultsOf, type Setting, type Value } from '../core/setting';
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { bidirectional, directionsOf, widthOf, type Layer } from '../bptt/network/layers/layer';
import { mustHaveRoom } from '../bptt/network/need';
import { copyNetwork, network, type Network } from '../bptt/network/network';
import { scaleRecurrence, setGateBias } from '../bptt/flow/recurrence';
import { spectralRadius } from '../bptt/flow/spectrum';
import type { Topology } from '../bptt/network/topology';
import type { Checkpoint } from '../io/checkpoint';
import { Streams, type TextIndices } from './streams';
import { PACKAGE, readTextOf } from './corpus';
import { usage, using } from '../terminal/errors';
import { flagOf } from '../terminal/options';
import { cellLabel, makeCell } from '../run/cellchoice';
import { readModel } from './model';
import { isRun, settingsOf } from './trainer';

const { cell, hidden, layers, seed, text, steps, batch } = trainingSettings;
/** Options of `backstep flow` for the network and the batch. */
export const flowSettings = {
  cell: { ...cell, default: 'lstm', help: 'a cell by name, or a file with equations of your own' },
  hidden: { ...hidden, most: 1024, default: 32 },
  layers: { ...layers, most: 100 },
  ...networkSettings,
  input: {
    ...{ kind: 'number', whole: true, least: 1, default: 8, label: 'Input' },
    help: 'width of the noise input',
  },
  seed: { ...seed, help: 'seed of weights and noise' },
  text: {
    ...{ ...text, help: 'read this text instead of noise, or instead of the text the model was trained on' },
    otherwise: undefined,
  },
  steps: { ...steps, default: 100, help: 'steps in time' },
  batch: { ...batch, default: 8, help: 'rows in a batch' },
  at: {
    ...{ kind: 'choice', label: 'Loss at', unit: 'steps', default: 'last', help: 'steps with a loss' },
    names: () => ['last', 'every'] as const,
  },
} as const satisfies Record<string, Setting>;

type Values = { [K in keyof typeof flowSettings]: Value<(typeof flowSettings)[K]> };
/** Options for new networks only, because a checkpoint fixes them. */
type Settled = (typeof settled)[number];
export type SubjectOptions = Partial<Omit<Pick<Values, Settled>, 'cell'>> & {
  cell?: string;
  text?: string;
} & Omit<Values, Settled | 'text'>;

export interface FlowSubject {
  network: Network;
  batch: Batch;
  /** A short description: `lstm, 32 units, 2 layers`. */
  what: string;
  /** `noise`, or the name of the text. */
  from: string;
}

/** Names of the options that a checkpoint fixes. */
export const settled = [
  'cell',
  'hidden',
  'layers',
  'bidirectional',
  'input',
  'spectralRadius',
  'forgetBias',
] as const;

/** @throws CommandError when the options do not go together, or a file cannot be used. */
export function subjectOf(
  command: string,
  checkpoint: string | undefined,
  options: SubjectOptions,
): FlowSubject {
  return checkpoint === undefined ? fresh(command, options) : trained(command, checkpoint, options);
}

function fresh(command: string, options: SubjectOptions): FlowSubject {
  const usual = defaultsOf(flowSettings);
  const { cell, hidden, layers, seed, text, steps, batch: B } = { ...usual, ...options };
  if (text !== undefined && options.input !== undefined)
    throw usage(
      `${command}: --input must be left out, got ${options.input} (with --text it is the size of the vocabulary)`,
    );
  const read = text === undefined ? undefined : readTextOf(text, command);
  const input = read?.vocabulary.size ?? options.input ?? usual.input;
  const one = (width: number) => using(() => makeCell(cell, { input: width, hidden }));
  const layer = (width: number): Layer => (options.bidirectional ? bidirectional(one(width)) : one(width));
  const directions = options.bidirectional ? 2 : 1;
  const width = widthOf(layer(input));
  const cells = [
    { cell: one(input), times: directions },
    { cell: one(width), times: directions * (layers - 1) },
  ];
  using(() => mustHaveRoom({ cells, output: input, T: steps, B, ...COPY }, command), FEWER);
  const stack = Array.from({ length: layers }, (_, l) => layer(l === 0 ? input : width));
  const net = network({
    layers: stack,
    output: input,
    loss: 'softmax',
    topology: topologies[options.at],
    seed,
  });
  const { spectralRadius: wanted } = options;
  if (wanted !== undefined && scaleRecurrence(net, (W) => wanted / spectralRadius(W)))
    throw usage(
      `${command}: --spectral-radius must be left out, got ${wanted} (--cell ${cellLabel(cell)} has no recurrent matrix)`,
    );
  const { forgetBias } = options;
  if (forgetBias !== undefined && setGateBias(net, 'f', forgetBias))
    throw usage(
      `${command}: --forget-bias must be left out, got ${forgetBias} (--cell ${cellLabel(cell)} has no forget gate)`,
    );
  return {
    network: net,
    batch: read ? textBatch(read.indices, options) : noise(steps, B, input, options),
    what: `${options.bidirectional ? 'bidirectional ' : ''}${cellLabel(cell)}, ${many(hidden, 'unit')}, ${many(layers, 'layer')}, untrained`,
    from: text ?? 'noise',
  };
}

/** The analysis runs on a float64 copy, in addition to the weights and gradients of the network itself. */
const COPY = { dtype: 'float64', rows: 4 } as const;
const FEWER = 'fewer --steps, or a smaller --batch, --hidden or --input';

const topologies: Record<SubjectOptions['at'], Topology> = { last: 'many-to-one', every: 'many-to-many' };

function trained(command: string, given: string, options: SubjectOptions): FlowSubject {
  const wrong = settled.find((name) => options[name] !== undefined);
  if (wrong !== undefined) {
    throw usage(
      `${command}: --${flagOf(wrong)} must be left out, got ${options[wrong]} (it is fixed by the checkpoint)`,
    );
  }
  const { file, checkpoint, vocabulary } = readModel(given, {
    command,
    topologies: ['many-to-many', 'many-to-one'],
  });
  const { network: net } = checkpoint;
  const name = options.text ?? textOf(command, checkpoint, file);
  // with the vocabulary of the model, whatever the text holds
  const text = readTextOf(name === PACKAGE ? undefined : name, command, { vocabulary });
  const cells = net.architecture.layers.flatMap(directionsOf).map(({ cell }) => ({ cell, times: 1 }));
  const { steps: T, batch: B } = options;
  using(() => mustHaveRoom({ cells, output: net.output, T, B, ...COPY }, command), FEWER);
  const { layers, dtype } = net.architecture;
  const copy = copyNetwork(net, { topology: topologies[options.at], dtype });
  const units = layers.flatMap(directionsOf).map(({ cell }) => `${cell.name} ${cell.hidden}`);
  return {
    network: copy,
    batch: textBatch(text.indices, options),
    what: `${units.join(', ')}, trained`,
    from: name,
  };
}

/** The text a model was trained on, as named in its checkpoint. */
function textOf(command: string, checkpoint: Checkpoint, file: string): string {
  if (!isRun(checkpoint))
    throw usage(
      `${command}: --text must be given, got none (${file} does not name the text it was trained on)`,
      TEXT,
    );
  const { text } = using(() => settingsOf(checkpoint), TEXT);
  if (text === '-')
    throw usage(`${command}: --text must be given, got none (${file} was trained on standard input)`, TEXT);
  return text;
}
const TEXT = 'name a text with --text FILE';

/** Rows of a text, starting at equal distances; the target is the symbol that follows. */
function textBatch(indices: TextIndices, { batch: B, steps: T, at }: SubjectOptions): Batch {
  const fix = 'a longer text, fewer --steps, or a smaller --batch';
  const { x, targets } = using(() => new Streams(indices, B, T), fix).chunk(0);
  return { x: { shape: [T, B], numbers: x }, targets: answers(targets, T, B, at) };
}

/** Random normal inputs and independent random targets. */
function noise(T: number, B: number, D: number, { seed, at }: SubjectOptions): Batch {
  const random = new Random(seed);
  const numbers = Float64Array.from({ length: T * B * D }, () => random.normal());
  const targets = Uint32Array.from({ length: T * B }, () => random.below(D));
  return { x: { shape: [T, B, D], numbers }, targets: answers(targets, T, B, at) };
}

const answers = (all: ArrayLike<number>, T: number, B: number, at: SubjectOptions['at']): FlatNumbers =>
  at === 'every'
    ? { shape: [T, B], numbers: all }
    : { shape: [B], numbers: Array.from({ length: B }, (_, b) => all[(T - 1) * B + b]) };

/** `1 unit`, `2 units`. */
export const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
