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
