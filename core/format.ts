/** Formats numbers for people. */

/**
 * A number with few significant digits and a typographic minus sign.
 * @example short(1234567) // '1.23e6'
 */
export function short(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const small = size !== 0 && size < 1e-3;
  const text = small || size >= 1e5 ? value.toExponential(digits - 1) : value.toPrecision(digits);
  return text.replace('e+', 'e').replaceAll('-', '−');
}

/**
 * At most so many significant digits, without trailing zeros.
 * @example rounded(0.25004) // '0.25'
 */
export function rounded(value: number, digits = 3): string {
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 1e5);
  return plain ? String(Number(value.toPrecision(digits))) : value.toExponential(1);
}

/**
 * Three significant digits without an exponent, for tables; a dash for what was not measured.
 * @example formatDecimal(1234.5) // '1235'
 */
export function formatDecimal(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 5));
}

/** 1234567 as 1,234,567. */
export const count = (n: number): string => Math.round(n).toLocaleString('en-US');

/** Seconds as 0:07 or 1:02:03. */
export function time(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A text of at most 60 characters, cut if it is longer. */
export const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text);
