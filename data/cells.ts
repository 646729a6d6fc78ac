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

/** How numbers are written: with a decimal point, or with a decimal comma. */
export type NumberFormat = 'point' | 'comma';
const numberForms: Record<NumberFormat, Form> = {
  /** `1234.5`, `1.2e3`, `1,234.5`. */
  point(cell) {
    if (PLAIN.test(cell)) return Number(cell);
    return GROUPED.test(cell) ? Number(cell.replaceAll(',', '')) : NaN;
  },
  /** `1234,5`, `1.234,5`. */
  comma: (cell) => (COMMA.test(cell) ? Number(cell.replaceAll('.', '').replace(',', '.')) : NaN),
};

/** A format, and whether the cells could not be of another one that reads them differently. */
export interface Found<F> {
  format: F;
  certain: boolean;
}

/**
 * The number format of all cells of a sample; undefined if there is none.
 *
 * @param separator the separator of the file's cells: if it is not a comma, `1,234` has a decimal comma.
 * @example
 * numberFormatOf(['1,5', '2'], ';') // { format: 'comma', certain: true }
 * numberFormatOf(['1', '2'], ';') // { format: 'point', certain: false }
 */
export function numberFormatOf(
  sample: readonly string[],
  separator: string,
): Found<NumberFormat> | undefined {
  const { point, comma } = numberForms;
  const cells = sample.map((cell) => cell.trim());
  const commas = separator !== ',' && cells.some((cell) => cell.includes(','));
  const formats: NumberFormat[] = commas ? ['comma', 'point'] : ['point'];
  const format = formats.find((name) => cells.every((cell) => !Number.isNaN(numberForms[name](cell))));
  return format && { format, certain: cells.some((cell) => !Object.is(point(cell), comma(cell))) };
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

/** How dates are written: the order of the parts, and what separates them. */
export type DateFormat =
  | 'year-month-day'
  | 'year/month/day'
  | 'year-month'
  | 'day.month.year'
  | 'month/day/year'
  | 'day/month/year'
  | 'month day year'
  | 'day month year';
/** If two of them give different dates, the sample must decide. */
const dateForms: Record<DateFormat, Form> = {
  'year-month-day': dateForm(new RegExp(`^(\\d{4})-(\\d{1,2})-(\\d{1,2})${TIME}$`), ['y', 'm', 'd']),
  'year/month/day': dateForm(new RegExp(`^(\\d{4})/(\\d{1,2})/(\\d{1,2})${TIME}$`), ['y', 'm', 'd']),
  'year-month': dateForm(/^(\d{4})-(\d{1,2})$/, ['y', 'm']),
  'day.month.year': dateForm(new RegExp(`^(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})${TIME}$`), ['d', 'm', 'y']),
  'month/day/year': dateForm(new RegExp(`^(\\d{1,2})[/-](\\d{1,2})[/-](\\d{4})${TIME}$`), ['m', 'd', 'y']),
  'day/month/year': dateForm(new RegExp(`^(\\d{1,2})[/-](\\d{1,2})[/-](\\d{4})${TIME}$`), ['d', 'm', 'y']),
  /** `Feb 29 2024`, `February 29, 2024`. */
  'month day year': dateForm(/^([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})$/, ['m', 'd', 'y']),
  /** `29 Feb 2024`, `29-Feb-2024`. */
  'day month year': dateForm(/^(\d{1,2})[ -]([A-Za-z]{3,9})\.?[ -](\d{4})$/, ['d', 'm', 'y']),
};

/**
 * The date format of all cells of a sample; undefined if there is none, or if the order of day and month is ambiguous.
 * @example dateFormatOf(['31/12/2020', '01/02/2021']).format // 'day/month/year'
 */
export function dateFormatOf(sample: readonly string[]): Found<DateFormat> | undefined {
  const cells = sample.map((cell) => cell.trim());
  const names = Object.keys(dateForms) as DateFormat[];
  const fitting = names.filter((name) => cells.every((cell) => !Number.isNaN(dateForms[name](cell))));
  if (fitting.length === 0) return undefined;
  const [format, other] = fitting;
  const certain = fitting.length === 1;
  const doubtful = !certain && cells.some((cell) => dateForms[format](cell) !== dateForms[other](cell));
  return doubtful ? undefined : { format, certain };
}

/** How the cells of a column are written: `comma`, `day/month/year`. */
export type CellFormat = NumberFormat | DateFormat;
export const cellFormats = [...Object.keys(numberForms), ...Object.keys(dateForms)] as readonly CellFormat[];

/** Whether a name is that of a number format. */
export const isNumberFormat = (name: string): name is NumberFormat => Object.hasOwn(numberForms, name);
/** Whether a name is that of a date format. */
export const isDateFormat = (name: string): name is DateFormat => Object.hasOwn(dateForms, name);

/**
 * Parses cells of a format.
 * @example formOf('comma')(' 1.234,5') // 1234.5
 */
export function formOf(format: CellFormat): Form {
  const form: Form = isNumberFormat(format) ? numberForms[format] : dateForms[format];
  return (cell) => form(cell.trim());
}
