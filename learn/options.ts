/** Options shared by several tasks. */
import { trainingSettings } from '../bptt/train/settings';
import type { Setting } from '../core/setting';
import { tokenKinds } from './symbols';

const column = { kind: 'text', unit: 'column', must: 'the name of a column' } as const;
const columns = { kind: 'text', unit: 'columns', must: 'names of columns' } as const;

export const inputs = {
  ...{ ...columns, label: 'Inputs', help: 'columns to read; for a forecast, in addition to the targets' },
} satisfies Setting;

export const target = {
  ...{
    ...columns,
    label: 'Target',
    help: 'columns to forecast, separated by commas, or the column to write',
  },
  otherwise: 'the only one that fits',
} satisfies Setting;

export const date = {
  ...{
    ...column,
    label: 'Date',
    help: 'column by which the rows are ordered',
    otherwise: 'the only column of dates',
  },
} satisfies Setting;

export const group = {
  ...{ ...column, label: 'Group', help: 'column that separates several series' },
} satisfies Setting;

export const missing = {
  ...{ kind: 'choice', label: 'Missing values', unit: 'how', default: 'refuse' },
  ...{ help: 'what to do about missing values', names: () => ['refuse', 'previous', 'mean'] as const },
} as const satisfies Setting;

export const label = {
  ...{ ...column, label: 'Label', help: 'column of the labels' },
  otherwise: 'the one whose values repeat',
} satisfies Setting;

export const tokens = {
  ...{ kind: 'choice', label: 'Tokens', unit: 'kind', default: 'characters' },
  ...{ help: 'the symbols of a text; of --task text also a file of byte pairs', names: () => tokenKinds },
} as const satisfies Setting;

/** The errors that a task can minimize; the first is the default. */
export const lossSetting = <N extends string>(names: readonly N[]) =>
  ({
    ...{ kind: 'choice', names: () => names, default: names[0], label: 'Loss', unit: 'name' },
    help: 'loss to minimize; quantile also forecasts an 80 % interval, smoothed gives a tenth of each label to the others',
  }) as const satisfies Setting;

/** The errors of labels that can be minimized. */
export const labelLosses = ['softmax', 'smoothed'] as const;

/** Options of tasks that read sequences of symbols or of numbers. */
export const sequence = {
  longest: {
    ...{ kind: 'number', whole: true, least: 1, most: 100_000, default: 400 },
    ...{ label: 'Longest', unit: 'n', help: 'most steps to read of a sequence' },
  },
  direction: {
    ...{ kind: 'choice', label: 'Direction', unit: 'name', default: 'both' },
    ...{ help: 'direction in which sequences are read', names: () => ['forward', 'both'] as const },
  },
  classWeights: {
    ...{ kind: 'choice', label: 'Class weights', unit: 'how', default: 'none' },
    ...{ help: 'weight of rare labels in the loss', names: () => ['none', 'balanced'] as const },
  },
  embedding: {
    ...trainingSettings.embedding,
    ...{ default: undefined, otherwise: '32 if there are more symbols than that' },
  },
} as const satisfies Record<string, Setting>;
