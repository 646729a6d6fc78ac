/** Declarations of settings, from which parsing, validation, help and messages are derived. */

/** What all settings declare. */
export interface SettingBase {
  /** Its label in a form: `Hidden units`. */
  readonly label: string;
  /** The unit or kind of its value: `--seconds <s>`. */
  readonly unit?: string;
  /** A line of help. */
  readonly help: string;
  /** The default value. */
  readonly default?: string | number;
  /** The default in words, if the value alone is not clear. */
  readonly otherwise?: string | undefined;
}

/** An interval of numbers; `above` and `below` exclude its ends. */
export interface Interval {
  readonly whole?: boolean;
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly below?: number;
}

/** A number of an interval. */
export interface NumberSetting extends SettingBase, Interval {
  readonly kind: 'number';
  /** Whether `off` is allowed. */
  readonly off?: boolean;
}

/** One of several names; a function, because names can be registered later. */
export interface ChoiceSetting<N extends string = string> extends SettingBase {
  readonly kind: 'choice';
  readonly names: () => readonly N[];
}

/** A text. */
export interface TextSetting extends SettingBase {
  readonly kind: 'text';
  /** The requirement on the text, in words. */
  readonly must: string;
  /** Its maximum length. */
  readonly most?: number;
}

/** On or off. */
export interface SwitchSetting extends SettingBase {
  readonly kind: 'switch';
}

/** What a setting can be. */
export type Setting = NumberSetting | ChoiceSetting | TextSetting | SwitchSetting;

/** The type of a setting's values. */
export type Value<S> = S extends { kind: 'number'; off: true }
  ? number | 'off'
  : S extends { kind: 'number' }
    ? number
    : S extends { kind: 'choice'; names: () => readonly (infer N)[] }
      ? N
      : S extends { kind: 'switch' }
        ? boolean
        : string;

/** The defaults of all settings in a table that have one. */
export const defaultsOf = <T extends Readonly<Record<string, Setting>>>(
  settings: T,
): { [K in keyof T as T[K] extends { default: unknown } ? K : never]: Value<T[K]> } =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, { default: value }]) =>
      value === undefined ? [] : [[name, value]],
    ),
  ) as never;

/** The value that turns a setting off. */
export const OFF = 'off';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number in a text in decimal or exponent notation, such as `1e6`; NaN for other text. */
export const parseDecimal = (text: string): number => (DECIMAL.test(text) ? Number(text) : NaN);

/** Whether a number lies in an interval. */
export const isWithinBounds = (
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
  const limits = bounds.flatMap(([sign, bound]) => (bound === undefined ? [] : [`${sign} ${bound}`]));
  const closed = limits.length === 2 && least !== undefined && most !== undefined;
  const range = closed ? `in ${least} … ${most}` : limits.join(' and ');
  return `${whole ? 'a whole number' : 'a number'} ${range}`.trim();
}

/** The requirement on a value of the setting, in words. */
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

/** Whether a value of any type is valid for a setting. */
export function canBe(setting: Setting, value: unknown): boolean {
  switch (setting.kind) {
    case 'number':
      return typeof value === 'number'
        ? isWithinBounds(setting, value)
        : setting.off === true && value === OFF;
    case 'choice':
      return typeof value === 'string' && setting.names().includes(value);
    case 'text':
      return typeof value === 'string' && value.length <= (setting.most ?? Infinity);
    case 'switch':
      return typeof value === 'boolean';
  }
}

/** Parses the text of a value; undefined if it is not valid for the setting. */
export function valueOf<S extends Setting>(setting: S, text: string): Value<S> | undefined {
  const switched = text === 'true' ? true : text === 'false' ? false : undefined;
  const value =
    setting.kind === 'switch'
      ? switched
      : setting.kind === 'number' && text !== OFF
        ? parseDecimal(text.trim())
        : text;
  return canBe(setting, value) ? (value as Value<S>) : undefined;
}
