/** What a run depends on, all of it: the same settings give the same numbers, and they are what a link holds. */
import type { OptimizerName } from '../../bptt/train/optimizers';
import { optimizerNames } from '../../bptt/train/updates';
import { kinds } from '../../cells/kinds';
import { verse } from './verse';

/** The kinds of cells that can be chosen: all that there are. */
export const cellNames: readonly string[] = kinds.names;
export const taskNames = ['text', 'reber', 'sine', 'waveform', 'adding'] as const;
export type TaskName = (typeof taskNames)[number];
/** The tabs of the page, as a link names them. */
export const tabNames = ['train', 'time', 'flow', 'check', 'memory'] as const;
export type TabName = (typeof tabNames)[number];
/** What tabs have been called before: their links stay good. */
const formerly: Readonly<Record<string, TabName>> = { proof: 'check' };

export interface Settings {
  task: TaskName;
  /** What the text task learns to write. */
  text: string;
  cell: string;
  /** A second cell on the same task and seed, or `none`. */
  against: string;
  hidden: number;
  layers: number;
  bidirectional: boolean;
  optimizer: OptimizerName;
  learningRate: number;
  /** Limit of the gradient's norm; 0 is off. */
  clip: number;
  /** Steps of a sequence. */
  length: number;
  /** Steps that the gradient flows back over. */
  window: number;
  batch: number;
  /** Wh starts as an orthogonal matrix times this: its spectral radius. */
  radius: number;
  /** Start of an LSTM's forget bias. */
  forget: number;
  seed: number;
}

type Rule =
  | { kind: 'choice'; of: readonly string[] }
  | { kind: 'number'; from: number; to: number; whole: boolean }
  | { kind: 'switch' }
  | { kind: 'text'; most: number };

const whole = (from: number, to: number): Rule => ({ kind: 'number', from, to, whole: true });
const real = (from: number, to: number): Rule => ({ kind: 'number', from, to, whole: false });

/** What each setting may be. */
export const rules: Readonly<Record<keyof Settings, Rule>> = {
  task: { kind: 'choice', of: taskNames },
  text: { kind: 'text', most: 1_000_000 },
  cell: { kind: 'choice', of: cellNames },
  against: { kind: 'choice', of: ['none', ...cellNames] },
  hidden: whole(4, 256),
  layers: whole(1, 4),
  bidirectional: { kind: 'switch' },
  optimizer: { kind: 'choice', of: optimizerNames() },
  learningRate: real(1e-5, 10),
  clip: real(0, 1000),
  length: whole(4, 200),
  window: whole(1, 200),
  batch: whole(1, 64),
  radius: real(0, 3),
  forget: real(-5, 5),
  seed: whole(0, 2 ** 32 - 1),
};

const general: Settings = {
  task: 'text',
  text: verse,
  cell: 'lstm',
  against: 'none',
  hidden: 48,
  layers: 1,
  bidirectional: false,
  optimizer: 'adam',
  learningRate: 0.01,
  clip: 1,
  length: 32,
  window: 32,
  batch: 16,
  radius: 1,
  forget: 1,
  seed: 1,
};

/** What a task starts with where a link says nothing. */
const own: Partial<Record<TaskName, Partial<Settings>>> = {
  reber: { hidden: 16, length: 24, window: 24 },
  sine: { hidden: 16, length: 40, window: 40 },
  waveform: {
    cell: 'clockwork',
    against: 'lstm',
    hidden: 24,
    batch: 1,
    length: 80,
    window: 80,
    learningRate: 0.005,
  },
  adding: { hidden: 24, batch: 32, length: 20, window: 20 },
};

export const defaultsOf = (task: TaskName): Settings => ({ ...general, ...own[task], task });

/** Text longer than this is not put into a link. */
const LINK_TEXT = 4000;

/** Whether a link leaves the text out: where it is too long, or the task reads none. */
const leavesOut = ({ task, text }: Settings): boolean => task !== 'text' || text.length > LINK_TEXT;

/** Of a link without its text, for those who copy it. */
export const textLeftOut = (settings: Settings): string =>
  settings.task === 'text' && leavesOut(settings)
    ? `; the text, longer than ${LINK_TEXT} characters, is not in it`
    : '';

/** What a browser keeps beside an address in its history: what the link leaves out. */
export interface Kept {
  text: string;
}

/** Settings and tab as the part of a link behind `#`: what differs from the task's defaults, and from the first tab. */
export function toLink(settings: Settings, tab: TabName = 'train'): string {
  const usual = defaultsOf(settings.task);
  const parts = new URLSearchParams({ task: settings.task });
  for (const [name, value] of Object.entries(settings) as [keyof Settings, unknown][]) {
    if (value === usual[name] || (name === 'text' && leavesOut(settings))) continue;
    parts.set(name, String(value));
  }
  if (tab !== 'train') parts.set('tab', tab);
  return parts.toString();
}

/**
 * Settings and tab of a link; what it does not say, or says wrongly, is the default, and `wrong` names it.
 * @param kept what the browser kept beside it, a `Kept` if this page put it there.
 */
export function fromLink(
  link: string,
  kept?: unknown,
): { settings: Settings; tab: TabName; wrong: string[] } {
  const parts = new URLSearchParams(link.replace(/^#/, ''));
  const wrong: string[] = [];
  const asked = parts.get('task') ?? 'text';
  const known = (taskNames as readonly string[]).includes(asked);
  if (!known) wrong.push(`task: ${asked}`);
  const settings = defaultsOf(known ? (asked as TaskName) : 'text');
  const { text } = Object(kept) as Partial<Kept>;
  if (typeof text === 'string') settings.text = text;
  const view = parts.get('tab') ?? 'train';
  const tab = tabNames.find((name) => name === (formerly[view] ?? view));
  if (tab === undefined) wrong.push(`tab: ${view}`);
  for (const [name, word] of parts) {
    if (name === 'task' || name === 'tab') continue;
    const value = Object.hasOwn(rules, name) ? read(rules[name as keyof Settings], word) : undefined;
    if (value === undefined) wrong.push(`${name}: ${word}`);
    else Object.assign(settings, { [name]: value });
  }
  return { settings: fitting(settings), tab: tab ?? 'train', wrong };
}

/** A value of a setting from what was typed, or undefined when it cannot be one. */
export function read(rule: Rule, word: string): string | number | boolean | undefined {
  switch (rule.kind) {
    case 'choice':
      return rule.of.includes(word) ? word : undefined;
    case 'switch':
      return word === 'true' ? true : word === 'false' ? false : undefined;
    case 'text':
      return word.length <= rule.most ? word : undefined;
    case 'number': {
      const value = word.trim() === '' ? NaN : Number(word);
      const fits = value >= rule.from && value <= rule.to && (!rule.whole || Number.isInteger(value));
      return fits ? value : undefined;
    }
  }
}

/** Steps that the adding problem needs at least. */
const LEAST_ADDING = 20;

/** Settings that go together: no window beyond the sequence, none at all for a layer that reads from the end. */
export function fitting(settings: Settings): Settings {
  const { bidirectional, task } = settings;
  const length = task === 'adding' ? Math.max(LEAST_ADDING, settings.length) : settings.length;
  const window = bidirectional ? length : Math.min(settings.window, length);
  return { ...settings, length, window };
}
