/** The wording of every argument and shape error: `where: what must hold, got what (where that comes from)`. */
import { nearest } from './nearest';
import { safe } from './safe';

/** Throws RangeError unless `condition`; for sizes, shapes, periods and values. */
export function must(
  condition: boolean,
  where: string,
  what: string,
  got: unknown,
  why?: string,
): asserts condition {
  if (!condition) throw new RangeError(wording(where, what, got, why));
}

/** Throws TypeError unless `condition`; for kinds and dtypes. */
export function mustBe(
  condition: boolean,
  where: string,
  what: string,
  got: unknown,
  why?: string,
): asserts condition {
  if (!condition) throw new TypeError(wording(where, what, got, why));
}

/** Whether a value is a number; other values, such as text, may also compare as numbers. */
export const isNumber = (value: unknown): value is number => typeof value === 'number';

/** Throws RangeError unless the value is a whole number of at least `least`. */
export function mustCount(value: unknown, where: string, name: string, least = 1): void {
  must(
    Number.isSafeInteger(value) && (value as number) >= least,
    where,
    `${name} must be a whole number >= ${least}`,
    value,
  );
}

/** Throws RangeError unless `shape` is `expected`. Example: `lstm.step: x must be [B, 3], got [2, 5] (D = 3 …)`. */
export function mustShape(
  shape: ArrayLike<number>,
  expected: number[],
  where: string,
  name: string,
  why?: string,
): void {
  // the message is built only on failure, because shapes are checked at every step
  if (shape.length === expected.length && expected.every((n, k) => n === shape[k])) return;
  must(false, where, `${name} must be [${expected.join(', ')}]`, `[${Array.from(shape).join(', ')}]`, why);
}

/** Throws TypeError unless `value` is one of the names in `allowed`. */
export function mustBeOneOf<T extends string>(
  value: unknown,
  allowed: readonly T[],
  where: string,
  name: string,
): T {
  if (allowed.includes(value as T)) return value as T;
  mustBe(false, where, `${name} must be one of ${allowed.join(', ')}`, value, suggestion(value, allowed));
}

/** Throws TypeError unless an option is true, false or left out. */
export function mustBeSwitch<O extends object>(options: O, name: keyof O & string, where: string): void {
  const value = options[name];
  mustBe(value === undefined || typeof value === 'boolean', where, `${name} must be true or false`, value);
}

/** `did you mean …?`, if a similar name is allowed. */
function suggestion(value: unknown, allowed: readonly string[]): string | undefined {
  const near = typeof value === 'string' ? nearest(value, allowed) : undefined;
  return near && `did you mean ${near}?`;
}

/** Throws TypeError on a key that is not in `allowed`, so that a misspelled option is never ignored. */
export function mustKnowKeys(
  options: object,
  allowed: readonly string[],
  where: string,
  what = 'options must be among',
  why?: (key: string) => string | undefined,
): void {
  mustBeObject(options, where, 'options');
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue;
    mustBe(false, where, `${what} ${allowed.join(', ')}`, key, why?.(key) ?? suggestion(key, allowed));
  }
}

/** Whether the value is an object that is no list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Throws TypeError unless the value is an object that is no list. */
export function mustBeObject(value: unknown, where: string, name: string): asserts value is object {
  mustBe(isRecord(value), where, `${name} must be an object`, value);
}

/** Throws TypeError unless the value is a list; `of` names what it holds. */
export function mustBeList(
  value: unknown,
  where: string,
  name: string,
  of: string,
): asserts value is readonly unknown[] {
  mustBe(Array.isArray(value), where, `${name} must be a list of ${of}`, value);
}

/** Throws TypeError unless the value has elements and a length, as a list or a typed array has. */
export function mustBeArrayLike(value: unknown, where: string, name: string): void {
  const fits = typeof value === 'object' && value !== null && 'length' in value;
  mustBe(fits, where, `${name} must be a list of numbers`, value);
}

/** Throws TypeError unless the value is the bytes of a file, and not, for instance, its name. */
export function mustBeBytes(bytes: unknown, where: string, name = 'the file'): void {
  const fits = ArrayBuffer.isView(bytes) && 'BYTES_PER_ELEMENT' in bytes && bytes.BYTES_PER_ELEMENT === 1;
  const why = 'what is read from it, as by readFileSync(path)';
  mustBe(fits, where, `${name} must be given as its bytes, a Uint8Array`, bytes, why);
}

/** Throws TypeError unless the value is a Map by name, and not, for instance, the file it was read from. */
export function mustBeByName(arrays: unknown, where: string): void {
  const fits = Object.prototype.toString.call(arrays) === '[object Map]';
  mustBe(fits, where, 'arrays must be a Map by name', arrays, 'as a reader of .npz or safetensors gives it');
}

function wording(where: string, what: string, got: unknown, why?: string): string {
  return safe(`${where}: ${what}, got ${show(got)}${why ? ` (${why})` : ''}`);
}

/** A value as shown in a message; text that looks like a number is marked as a string. */
function show(value: unknown): string {
  if (typeof value === 'string') return showText(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${few(value)}]`;
  const { name = 'Object' } = (value.constructor ?? {}) as { name?: string };
  if (name === '') return article(Object.prototype.toString.call(value).slice('[object '.length, -1));
  if (ArrayBuffer.isView(value)) return `${article(name)} of ${value.byteLength} bytes`;
  if (name !== 'Object') return article(name);
  const keys = Object.keys(value);
  return keys.length > 0 ? `an object of ${few(keys)}` : 'an object';
}

const article = (name: string): string => `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name}`;

function showText(text: string): string {
  if (text === '') return "''";
  if (text.length > 80) return `${text.slice(0, 77)}…`;
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : `the string '${text}'`;
}

const few = (list: readonly unknown[]): string => {
  const inner = list.slice(0, 6).map((one) => {
    if (typeof one !== 'object' || one === null) return String(one);
    return Array.isArray(one) ? 'a list' : 'an object';
  });
  return `${inner.join(', ')}${list.length > 6 ? ', …' : ''}`;
};
