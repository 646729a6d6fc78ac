/** Parses cells of tables: numbers and dates in the usual formats, and missing values. */

/** A number or date format: returns the value of a cell, or NaN if it has another format. */
export type Form = (cell: string) => number;

const absent = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', 'nil', '?', '-', '.']);

/** Whether a cell in a column of numbers or dates marks a missing value. */
export const isMissing = (cell: string): boolean =>
  !startsWithDigit(cell) && absent.has(cell.trim().toLowerCase());

/** Decides most cells at once; a regular expression would take longer than all the rest. */
function startsWithDigit(cell: string): boolean {
  const code = cell.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}

// a zero followed by another digit is a code such as 00501, not a number
const PLAIN = /^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const GROUPED = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/;
const COMMA = /^[+-]?([1-9]\d{0,2}(\.\d{3})+|0|[1-9]\d*)(,\d+)?$/;

/** `1234.5`, `1.2e3`, `1,234.5`. */
const point: Form = (cell) => {
  if (PLAIN.test(cell)) return Number(cell);
  return GROUPED.test(cell) ? Number(cell.replaceAll(',', '')) : NaN;
};
/** `1234,5`, `1.234,5`. */
const comma: Form = (cell) => (COMMA.test(cell) ? Number(cell.replaceAll('.', '').replace(',', '.')) : NaN);

/**
 * The number format of all cells of a sample; undefined if there is none.
 *
 * @param separator the separator of the file's cells: if it is not a comma, `1,234` has a decimal comma.
 */
export function numberForm(sample: readonly string[], separator: string): Form | undefined {
  const all = (form: Form): boolean => sample.every((cell) => !Number.isNaN(form(cell.trim())));
  const commas = separator !== ',' && sample.some((cell) => cell.includes(','));
  const form = (commas ? [comma, point] : [point]).find(all);
  return form && ((cell) => form(cell.trim()));
}

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const TIME = String.raw`(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?)?\s*(Z|[+-]\d{2}:?\d{2})?`;

/** Milliseconds since 1970 of the parts of a date, in UTC if no zone is given; NaN for a date that does not exist. */
function millisecondsOf(y: number, m: number, d: number, rest: readonly (string | undefined)[]): number {
  const [hours = '0', minutes = '0', seconds = '0', zone] = rest;
  const day = Date.UTC(y, m - 1, d);
  // the 29th of February and the 31st do not exist in all months
  const exists = m >= 1 && m <= 12 && d >= 1 && (d <= 28 || new Date(day).getUTCDate() === d);
  if (!exists || Number(hours) > 24) return NaN;
  if (zone === undefined || zone === 'Z')
    return day + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  const [, sign, h, min] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  const offset = (sign === '-' ? -1 : 1) * (Number(h) * 60 + Number(min));
  return day + ((Number(hours) * 60 + Number(minutes) - offset) * 60 + Number(seconds)) * 1000;
}

/** Parses a number, or the name of a month. */
const partOf = (text: string): number =>
  startsWithDigit(text) ? Number(text) : 1 + months.indexOf(text.slice(0, 3).toLowerCase());

/** A date format with named parts y, m, d; m may be the name of a month. */
function dateForm(pattern: RegExp, order: readonly ('y' | 'm' | 'd')[]): Form {
  return (cell) => {
    const found = pattern.exec(cell);
    if (!found) return NaN;
    const part = { y: NaN, m: NaN, d: 1 };
    for (const [k, name] of order.entries()) part[name] = partOf(found[k + 1]);
    return millisecondsOf(part.y, part.m, part.d, found.slice(order.length + 1));
  };
}

/** The date formats; if two of them give different dates, the sample must decide. */
const dateForms: readonly Form[] = [
  dateForm(new RegExp(`^(\\d{4})-(\\d{1,2})-(\\d{1,2})${TIME}$`), ['y', 'm', 'd']),
  dateForm(new RegExp(`^(\\d{4})/(\\d{1,2})/(\\d{1,2})${TIME}$`), ['y', 'm', 'd']),
  dateForm(/^(\d{4})-(\d{1,2})$/, ['y', 'm']),
  dateForm(new RegExp(`^(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})${TIME}$`), ['d', 'm', 'y']),
  dateForm(new RegExp(`^(\\d{1,2})[/-](\\d{1,2})[/-](\\d{4})${TIME}$`), ['m', 'd', 'y']),
  dateForm(new RegExp(`^(\\d{1,2})[/-](\\d{1,2})[/-](\\d{4})${TIME}$`), ['d', 'm', 'y']),
  dateForm(/^([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})$/, ['m', 'd', 'y']),
  dateForm(/^(\d{1,2})[ -]([A-Za-z]{3,9})\.?[ -](\d{4})$/, ['d', 'm', 'y']),
];

/**
 * The date format of all cells of a sample; undefined if there is none, or if the order of day and month is ambiguous.
 * @example dateFormOf(['31/12/2020', '01/02/2021'])('01/02/2021') === Date.UTC(2021, 1, 1) // true
 */
export function dateFormOf(sample: readonly string[]): Form | undefined {
  const fitting = dateForms.filter((form) => sample.every((cell) => !Number.isNaN(form(cell.trim()))));
  const [form, other] = fitting;
  if (fitting.length === 0) return undefined;
  const doubtful = fitting.length > 1 && sample.some((cell) => form(cell.trim()) !== other(cell.trim()));
  return doubtful ? undefined : (cell) => form(cell.trim());
}
