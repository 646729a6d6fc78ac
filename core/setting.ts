/** What a setting can be. It is stated once, as a value; reading it from text, checking it and naming it in messages derive from that. */

interface Described {
  /** What a form calls it: `Hidden units`. */
  readonly label: string;
  /** What its number counts or measures, or what its text names: `--seconds <s>`. */
  readonly unit?: string;
  /** What it is for, in a line of help. */
  readonly help: string;
  /** What it is when nothing is given. */
  readonly default?: string | number;
  /** The same in words, where the value alone does not say it. */
  readonly otherwise?: string | undefined;
}

/** The numbers of an interval; `above` and `below` leave its ends out. */
export interface Interval {
  readonly whole?: boolean;
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly below?: number;
}

export interface NumberSetting extends Described, Interval {
  readonly kind: 'number';
  /** Whether it can be `off`. */
  readonly off?: boolean;
}

/** One of a few names; a function, for names can be registered later. */
export interface ChoiceSetting<N extends string = string> extends Described {
  readonly kind: 'choice';
  readonly names: () => readonly N[];
}

export interface TextSetting extends Described {
  readonly kind: 'text';
  /** What the text must be, in words. */
  readonly must: string;
  /** Its length at most. */
  readonly most?: number;
}

export interface SwitchSetting extends Described {
  readonly kind: 'switch';
}

export type Setting = NumberSetting | ChoiceSetting | TextSetting | SwitchSetting;

/** The values of a setting. */
export type Value<S> = S extends { kind: 'number'; off: true }
  ? number | 'off'
  : S extends { kind: 'number' }
    ? number
    : S extends { kind: 'choice'; names: () => readonly (infer N)[] }
      ? N
      : S extends { kind: 'switch' }
        ? boolean
        : string;

/** The defaults of those settings of a table that have one. */
export const defaultsOf = <T extends Readonly<Record<string, Setting>>>(
  settings: T,
): { [K in keyof T as T[K] extends { default: unknown } ? K : never]: Value<T[K]> } =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, { default: value }]) =>
      value === undefined ? [] : [[name, value]],
    ),
  ) as never;

/** What turns a setting off. */
export const OFF = 'off';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a text says in decimal notation, `1e6` included, or NaN. */
export const decimal = (text: string): number => (DECIMAL.test(text) ? Number(text) : NaN);

/** Whether an interval holds a number. */
export const holds = (
  { whole = false, least = -Infinity, above = -Infinity, most = Infinity, below = Infinity }: Interval,
  value: number,
): boolean =>
  (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
  value >= least &&
  value > above &&
  value <= most &&
  value < below;

/**
 * An interval in words.
 * @example intervalInWords({ whole: true, least: 1, most: 64 }) // 'a whole number in 1 … 64'
 */
export function intervalInWords({ whole, least, above, most, below }: Interval): string {
  const bounds: [string, number | undefined][] = [
    ['>=', least],
    ['>', above],
    ['<=', most],
    ['<', below],
  ];
  const said = bounds.flatMap(([sign, bound]) => (bound === undefined ? [] : [`${sign} ${bound}`]));
  const closed = said.length === 2 && least !== undefined && most !== undefined;
  const range = closed ? `in ${least} … ${most}` : said.join(' and ');
  return `${whole ? 'a whole number' : 'a number'} ${range}`.trim();
}

/** What a value of the setting must be. */
export function settingInWords(setting: Setting): string {
  switch (setting.kind) {
    case 'number':
      return `${intervalInWords(setting)}${setting.off ? `, or ${OFF}` : ''}`;
    case 'choice':
      return `one of ${setting.names().join(', ')}`;
    case 'text':
      return setting.must;
    case 'switch':
      return 'true or false';
  }
}

/** Whether a setting can have a value, whatever that comes from. */
export function canBe(setting: Setting, value: unknown): boolean {
  switch (setting.kind) {
    case 'number':
      return typeof value === 'number' ? holds(setting, value) : setting.off === true && value === OFF;
    case 'choice':
      return typeof value === 'string' && setting.names().includes(value);
    case 'text':
      return typeof value === 'string' && value.length <= (setting.most ?? Infinity);
    case 'switch':
      return typeof value === 'boolean';
  }
}

/** The value that a text stands for, or undefined when the setting cannot have it. */
export function valueOf<S extends Setting>(setting: S, text: string): Value<S> | undefined {
  const switched = text === 'true' ? true : text === 'false' ? false : undefined;
  const value =
    setting.kind === 'switch'
      ? switched
      : setting.kind === 'number' && text !== OFF
        ? decimal(text.trim())
        : text;
  return canBe(setting, value) ? (value as Value<S>) : undefined;
}
