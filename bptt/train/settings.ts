/**
 * The settings of a training run, each stated once: its name, what it can be, what it is for. The flags and help of the
 * commands, sweep files, checkpoints, the page's form and links, and the messages of all of them derive from this table.
 */
import { choiceNames } from '../../cells/kinds';
import { executorNames } from '../../core/programs/executor';
import type { Setting, Value } from '../../core/setting';
import type { OptimizerName } from './optimizers';
import { schedules } from './schedules';
import { optimizerNames } from './updates';

export const dtypes = ['float32', 'float64'] as const;

/** How each schedule is written: `step:EVERY:FACTOR`. */
export const scheduleForms = (): string[] =>
  schedules().map(([name, options]) => [name, ...options.map((option) => option.toUpperCase())].join(':'));

/**
 * The settings by their names. The defaults are those of `backstep train`, chosen by the bits per character that one
 * minute on two cores reaches on the default text: the widest model and the longest sequences that still show words by then.
 */
export const trainingSettings = {
  text: {
    ...{ kind: 'text', label: 'Text', unit: 'file', must: 'the name of a file' },
    help: 'text to train on, in UTF-8',
    otherwise: 'a novel, installed with a clone',
  },
  cell: {
    ...{ kind: 'choice', label: 'Cell', unit: 'name or file', default: 'gru' },
    help: 'a cell by name, or a file with equations of your own',
    names: choiceNames,
  },
  layers: {
    // beyond this, the time to build a network exceeds any benefit
    ...{ kind: 'number', whole: true, least: 1, most: 1000, default: 1 },
    ...{ label: 'Layers', unit: 'n', help: 'layers' },
  },
  hidden: {
    ...{ kind: 'number', whole: true, least: 1, default: 128 },
    ...{ label: 'Hidden units', unit: 'n', help: 'units in each layer' },
  },
  embedding: {
    ...{ kind: 'number', whole: true, least: 1, off: true, default: 'off' },
    ...{ label: 'Embedding', unit: 'n', help: 'width of an embedding of the symbols, or off' },
  },
  batch: {
    ...{ kind: 'number', whole: true, least: 1, default: 32 },
    ...{ label: 'Batch', unit: 'n', help: 'streams of text in a batch' },
  },
  seq: {
    ...{ kind: 'number', whole: true, least: 1, default: 32 },
    ...{ label: 'Sequence', unit: 'n', help: 'time steps per chunk of backpropagation' },
  },
  optimizer: {
    ...{ kind: 'choice', label: 'Optimizer', unit: 'name', help: '', default: 'adam' },
    names: (): OptimizerName[] => optimizerNames() as OptimizerName[],
  },
  lr: {
    ...{ kind: 'number', above: 0, default: 0.005 },
    ...{ label: 'Learning rate', unit: 'rate', help: 'learning rate' },
  },
  schedule: {
    ...{ kind: 'text', label: 'Schedule', unit: 'name', must: 'text, as for --schedule' },
    // schedules can be registered later
    get help(): string {
      return `${scheduleForms().join(', ')}; warmup:STEPS before it`;
    },
    default: 'constant',
  },
  clip: {
    ...{ kind: 'number', above: 0, off: true, default: 1 },
    ...{ label: 'Clip at norm', unit: 'norm', help: 'maximum global gradient norm, or off' },
  },
  dropout: {
    ...{ kind: 'number', least: 0, below: 1, default: 0 },
    ...{ label: 'Dropout', unit: 'p', help: 'fraction of units dropped after each layer' },
  },
  variational: {
    ...{ kind: 'switch', label: 'Variational dropout' },
    help: 'one dropout mask for all steps, also for recurrent connections',
  },
  zoneout: {
    ...{ kind: 'text', label: 'Zoneout', unit: 'p', default: '0' },
    ...{ must: 'a number in 0 ≤ p < 1, or one for each state, such as h=0.05,c=0.5' },
    help: 'fraction of units that keep their old state, or one for each state: h=0.05,c=0.5',
  },
  chrono: {
    ...{ kind: 'number', above: 2, off: true, default: 'off' },
    ...{ label: 'Chrono initialization', unit: 'steps' },
    help: 'initialize the gate biases of an lstm for dependencies of up to this many steps, or off',
  },
  seed: {
    ...{ kind: 'number', whole: true, least: 0, most: 2 ** 32 - 1, default: 0 },
    ...{ label: 'Seed', unit: 'n', help: 'seed of weights, dropout and samples' },
  },
  dtype: {
    ...{ kind: 'choice', label: 'Numbers', unit: 'type', help: '', default: 'float32' },
    names: () => dtypes,
  },
  steps: {
    ...{ kind: 'number', whole: true, least: 1 },
    ...{ label: 'Steps', unit: 'n', help: 'stop after this step, counting resumed steps too' },
  },
  seconds: {
    ...{ kind: 'number', above: 0, default: 60, otherwise: '60 without --steps' },
    ...{ label: 'Seconds', unit: 's', help: 'stop after this many seconds' },
  },
  executor: {
    ...{ kind: 'choice', label: 'Executor', unit: 'name', help: 'what runs the operations' },
    otherwise: 'the fastest available',
    names: () => executorNames,
  },
  threads: {
    ...{ kind: 'number', whole: true, least: 1, most: 64, otherwise: 'up to 4, if that is faster' },
    ...{ label: 'Threads', unit: 'n', help: 'threads that split each batch' },
  },
} as const satisfies Record<string, Setting>;

/** Settings of a new network besides those of its training, for `backstep flow` and the playground. */
export const networkSettings = {
  bidirectional: { kind: 'switch', label: 'Bidirectional', help: 'layers that read in both directions' },
  spectralRadius: {
    ...{ kind: 'number', above: 0, label: 'Spectral radius of Wh at the start', unit: 'r' },
    help: 'scale the recurrent matrix of every gate to this spectral radius',
  },
  forgetBias: {
    ...{ kind: 'number', default: 1, label: 'Forget bias at the start (LSTM)', unit: 'b' },
    help: "bias of an lstm's forget gates",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof trainingSettings;

/** Values of settings by name; omitted ones are absent. */
export type TrainingValues = { [K in SettingName]?: Value<(typeof trainingSettings)[K]> };
