/** All settings of a run, as stored in a link: the same settings give the same numbers. */
import { networkSettings, trainingSettings } from '../../bptt/train/settings';
import { kinds } from '../../cells/kinds';
import { limits } from '../../core/equations/parse';
import { defaultsOf, OFF, valueOf, type Setting, type Value } from '../../core/setting';
import { isLanguage, type LanguageName } from '../languages/names';
import { leaky } from './leaky';
import { verse } from './verse';

export const pageTaskNames = ['text', 'reber', 'sine', 'waveform', 'adding'] as const;
export type TaskName = (typeof pageTaskNames)[number];
/** The names of the page's tabs in a link. */
export const tabNames = ['train', 'time', 'flow', 'check', 'derive', 'cell', 'memory'] as const;
export type TabName = (typeof tabNames)[number];

const { text, cell, hidden, layers, optimizer, lr, clip, seq, batch, seed } = trainingSettings;
const { bidirectional, spectralRadius, forgetBias } = networkSettings;
/** The name, among the cells, of the one whose equations are the setting `equations`. */
export const OWN = 'own';
const cellNames = (): string[] => [...kinds.names, OWN];

/** The settings of the page: those of a training run, within limits for a browser, and its own. */
export const pageSettings = {
  task: {
    ...{ kind: 'choice', label: 'Task', help: 'what the network learns', default: 'text' },
    names: () => pageTaskNames,
  },
  text: {
    ...{ ...text, label: 'Text: paste your own', help: 'what the text task learns to write' },
    ...{ most: 1_000_000, must: 'a text of at most 1,000,000 characters', default: verse },
  },
  cell: { ...cell, help: 'the cell of each layer', default: 'lstm', names: cellNames },
  against: {
    ...{ kind: 'choice', label: 'Compare with', help: 'a second cell on the same task and seed' },
    ...{ default: 'none', names: () => ['none', ...cellNames()] },
  },
  equations: {
    ...{ kind: 'text', label: 'Equations of your own cell', help: 'a cell as a text of equations' },
    ...{ most: limits.characters, must: `a text of at most ${limits.characters} characters`, default: leaky },
  },
  hidden: { ...hidden, least: 4, most: 256, default: 48 },
  layers: { ...layers, most: 4 },
  bidirectional,
  optimizer,
  lr: { ...lr, most: 10, default: 0.01 },
  clip: { ...clip, most: 1000 },
  batch: { ...batch, help: 'sequences in a batch', most: 64, default: 16 },
  seq: { ...seq, help: 'time steps of a sequence', least: 4, most: 200 },
  window: {
    ...{ kind: 'number', whole: true, least: 1, most: 200, default: 32 },
    ...{ label: 'Gradient window', help: 'time steps that the gradient flows back over' },
  },
  spectralRadius: { ...spectralRadius, most: 3, default: 1 },
  forgetBias: { ...forgetBias, least: -5, most: 5 },
  seed: { ...seed, default: 1 },
} as const satisfies Record<string, Setting>;

export type PageSettingName = keyof typeof pageSettings;
export type PageSettings = { -readonly [K in PageSettingName]: Value<(typeof pageSettings)[K]> };

/** Former names of tabs and settings: old links and files still work. */
const formerTabs: Readonly<Record<string, TabName>> = { proof: 'check' };
const formerNames: Readonly<Record<string, PageSettingName>> = {
  learningRate: 'lr',
  length: 'seq',
  radius: 'spectralRadius',
  forget: 'forgetBias',
};

const general: PageSettings = { ...defaultsOf(pageSettings), bidirectional: false };

/** Default settings of each task. */
const own: Partial<Record<TaskName, Partial<PageSettings>>> = {
  reber: { hidden: 16, seq: 24, window: 24 },
  sine: { hidden: 16, seq: 40, window: 40 },
  waveform: { cell: 'clockwork', against: 'lstm', hidden: 24, batch: 1, seq: 80, window: 80, lr: 0.005 },
  adding: { hidden: 24, batch: 32, seq: 20, window: 20 },
};

export const settingsFor = (task: TaskName): PageSettings => ({ ...general, ...own[task], task });

/** The part of a link that states the page's language. */
const LANGUAGE = 'lang';
/** The language that a link states, if the page speaks it. */
export function languageOf(link: string): LanguageName | undefined {
  const name = new URLSearchParams(link.replace(/^#/, '')).get(LANGUAGE);
  return isLanguage(name) ? name : undefined;
}
/** A link that states its language. */
export const linkIn = (language: LanguageName, link: string): string => `${LANGUAGE}=${language}&${link}`;

/** The cards of each tab that can be shown alone. */
export const cards = {
  ...{ train: ['loss', 'output'], time: ['network', 'values', 'equations'], flow: ['steps', 'course'] },
  ...{ check: [], derive: [], cell: [], memory: [] },
} as const satisfies Record<TabName, readonly string[]>;
export type CardName = (typeof cards)[TabName][number];

/** The part of a link that shows a tab alone, as a figure in another page; its value names a card of the tab, or is empty. */
const EMBED = 'embed';
const embedOf = (link: string): string | null => new URLSearchParams(link.replace(/^#/, '')).get(EMBED);
export const isEmbedded = (link: string): boolean => embedOf(link) !== null;
/** The card of its tab that a link shows alone. */
export const cardOf = (link: string): CardName | undefined => {
  const own: readonly CardName[] = cards[fromLink(link).tab];
  return own.find((name) => name === embedOf(link));
};
/** A link with that part. */
export const embeddedLink = (link: string, card?: CardName): string =>
  `${EMBED}${card ? `=${card}` : ''}&${link}`;

/** Longest text, in characters, that a link contains. */
export const LINK_TEXT = 4000;

/** Whether a run uses a cell of the user's own. */
export const usesOwn = ({ cell, against }: PageSettings): boolean => cell === OWN || against === OWN;

/** The settings that are texts, and whether a run reads them. */
const texts = {
  text: ({ task }: PageSettings): boolean => task === 'text',
  equations: usesOwn,
};
type TextName = keyof typeof texts;
const textNames = Object.keys(texts) as TextName[];

/** Whether a link omits a text: it is too long, or the run does not read it. */
const leavesOut = (name: TextName, settings: PageSettings): boolean =>
  !texts[name](settings) || settings[name].length > LINK_TEXT;

/** The texts that a run reads and a link omits. */
export const textsLeftOut = (settings: PageSettings): TextName[] =>
  textNames.filter((name) => texts[name](settings) && leavesOut(name, settings));

/** State in the browser's history for what the link omits. */
export type Kept = Pick<PageSettings, TextName>;
export const keptOf = ({ text, equations }: PageSettings): Kept => ({ text, equations });
/** Whether two states are equal; the second can be anything that the browser has. */
export const sameKept = (one: Kept, other: unknown): boolean =>
  textNames.every((name) => (Object(other) as Partial<Kept>)[name] === one[name]);

/**
 * Settings and tab as the part of a link after `#`: only what differs from the task's defaults and the first tab.
 * @param place within the tab, such as the name of an exercise.
 */
export function toLink(settings: PageSettings, tab: TabName = 'train', place = ''): string {
  const usual = settingsFor(settings.task);
  const parts = new URLSearchParams({ task: settings.task });
  for (const [name, value] of Object.entries(settings) as [keyof PageSettings, unknown][]) {
    if (value === usual[name] || (name in texts && leavesOut(name as TextName, settings))) continue;
    parts.set(name, String(value));
  }
  if (tab !== 'train') parts.set('tab', place ? `${tab}.${place}` : tab);
  return parts.toString();
}

/** Parses the value of a setting; undefined if the setting does not exist or the value is invalid. */
export function readSetting(name: string, word: string): Partial<PageSettings> | undefined {
  const now = formerNames[name] ?? name;
  if (!Object.hasOwn(pageSettings, now)) return undefined;
  // formerly a limit of 0 meant no clipping
  const off = now === 'clip' && word.trim() !== '' && Number(word) === 0;
  const value = valueOf<Setting>(pageSettings[now], off ? OFF : word);
  return value === undefined ? undefined : { [now]: value };
}

/**
 * Settings and tab of a link. Missing or invalid ones get their defaults; `wrong` lists the invalid ones.
 * @param saved the browser's history state, a `Kept` if this page put it there.
 */
export function fromLink(
  link: string,
  saved?: unknown,
): { settings: PageSettings; tab: TabName; place?: string; wrong: string[] } {
  const parts = new URLSearchParams(link.replace(/^#/, ''));
  const wrong: string[] = [];
  const { task = 'text' } = readSetting('task', parts.get('task') ?? 'text') ?? {};
  if (parts.has('task') && task !== parts.get('task')) wrong.push(`task: ${parts.get('task')}`);
  const settings = settingsFor(task);
  for (const name of textNames) {
    const text = (Object(saved) as Partial<Kept>)[name];
    if (typeof text === 'string') settings[name] = text;
  }
  const [view, place] = (parts.get('tab') ?? 'train').split('.');
  const tab = tabNames.find((name) => name === (formerTabs[view] ?? view));
  if (tab === undefined) wrong.push(`tab: ${view}`);
  for (const [name, word] of parts) {
    if (name === 'task' || name === 'tab' || (name === EMBED && word === '')) continue;
    if (name === EMBED && cards[tab ?? 'train'].some((card) => card === word)) continue;
    if (name === LANGUAGE && isLanguage(word)) continue;
    const read = readSetting(name, word);
    if (read === undefined) wrong.push(`${name}: ${word}`);
    Object.assign(settings, read);
  }
  return { settings: fittedSettings(settings), tab: tab ?? 'train', ...(place && { place }), wrong };
}

/** Minimum number of time steps of the adding problem. */
const LEAST_ADDING = 20;

/** Makes settings consistent: no window longer than the sequence, and none for a layer that reads from the end. */
export function fittedSettings(settings: PageSettings): PageSettings {
  const { bidirectional, task } = settings;
  const seq = task === 'adding' ? Math.max(LEAST_ADDING, settings.seq) : settings.seq;
  const window = bidirectional ? seq : Math.min(settings.window, seq);
  return { ...settings, seq, window };
}
