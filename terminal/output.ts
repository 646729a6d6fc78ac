/** Prints lines and borderless tables on standard output, and handles a closed or full output. */
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import pc from 'picocolors';
import { safe, safeLiteral } from '../core/safe';
import { reasonOf } from '../io/files';
import { exitCodes, failure, reportError } from './errors';
import { columnsOf, wrap } from './wrap';

/** Whether standard output is lost: its reader or terminal has gone, or its disk is full. */
let lost = false;
const listeners = new Set<(exitCode: number) => void>();

process.stdout.on('error', lose);
// the error cannot be reported anywhere, and is no reason to stop
process.stderr.on('error', () => undefined);
process.on('exit', (code) => {
  // at exit Node restores the terminal, and aborts if the terminal has gone
  if (lost || code === exitCodes.hungUp) [0, 1, 2].forEach(close);
});

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    /* already closed */
  }
}

function lose(error: NodeJS.ErrnoException): void {
  if (lost) return; // each write fails again
  lost = true;
  const code = codeOf(error);
  for (const listener of listeners) listener(code);
  // a reader such as `head` closes the pipe when it has enough: this is not a failure
  if (listeners.size === 0) process.exit(code === exitCodes.unheard ? 0 : code);
}

/** The exit code for a write error; an error that users cannot notice otherwise is reported. */
function codeOf(error: NodeJS.ErrnoException): number {
  if (error.code === 'EPIPE') return exitCodes.unheard;
  if (error.code === 'EIO') return exitCodes.hungUp;
  const message = `standard output must be writable, got ${reasonOf(error)}`;
  return reportError(failure(message, 'free some space, or write to another file'), '', false);
}

/**
 * Calls `listener` with the exit code when standard output is lost. Without a listener the process ends at once.
 * @returns a function that removes the listener.
 */
export function onLost(listener: (exitCode: number) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Waits until the reader of standard output has caught up; not when that is lost, or after the signal. */
export async function drained(signal?: AbortSignal): Promise<void> {
  if (!process.stdout.writableNeedDrain || lost) return;
  await once(process.stdout, 'drain', { signal }).catch(() => undefined);
}

/** Colors text; text from outside has been stripped of its own colors before. */
export type Paint = (text: string) => string;
const plain: Paint = (text) => text;

/** Prints text without wrapping; like all output, it goes through `safe`. */
export const verbatim = (text: string): void => void process.stdout.write(`${safe(text)}\n`);

/** Prints text, wrapped between words to the width of the terminal. */
export const line = (text = '', paint = plain): void =>
  void process.stdout.write(`${paint(wrap(safe(text), columnsOf(process.stdout)))}\n`);

/** Like `line`, on standard error. */
export const noteLine = (text: string): void =>
  void process.stderr.write(`${wrap(safe(text), columnsOf(process.stderr))}\n`);

/** Serializes to JSON; NaN and infinities become strings. */
export const asJson = (value: unknown): string =>
  safeLiteral(
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner,
    ),
  );

const verdicts: Readonly<Record<string, Paint | undefined>> = {
  ok: pc.green,
  undecided: pc.yellow,
  FAIL: pc.red,
};

/** Prints one JSON object. */
export const jsonLine = (value: unknown): void => verbatim(asJson(value));

/**
 * Prints a table without borders; its columns are separated by two spaces, and a verdict at the end of a row is colored.
 * On a terminal that is too narrow, each row becomes a block: its name, and its values with their column titles
 * beneath.
 */
export function table(head: string[], body: string[][]): void {
  const none = '';
  const chars = Object.fromEntries(
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
      .split(' ')
      .map((edge) => [edge, none]),
  );
  const align = head.map((_, k) => (k === 0 ? 'left' : 'right'));
  const style = { 'padding-left': 0, 'padding-right': 0, head: [], border: [] };
  const printed = new Table({
    head,
    style,
    colAligns: align,
    chars: { ...chars, middle: '  ' },
  });
  const coloured = body.map((row) => {
    const cells = row.map(safe);
    const last = cells.length - 1;
    return cells.map((cell, k) => (k === last ? (verdicts[cell]?.(cell) ?? cell) : cell));
  });
  printed.push(...coloured);
  const columns = columnsOf(process.stdout);
  const rows = printed
    .toString()
    .split('\n')
    .map((row) => row.trimEnd());
  const fits = rows.every((row) => stripVTControlCharacters(row).length <= columns);
  for (const row of fits ? rows : stacked(head, coloured, columns)) process.stdout.write(`${row}\n`);
}

/** Stacks rows as blocks; the cells of each, `title value`, are arranged in as many columns as fit. */
function stacked(head: readonly string[], body: readonly string[][], columns: number): string[] {
  const named = head.flatMap((title, k) => (k > 0 && title !== '' ? [k] : []));
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const titles = widest(named.map((k) => head[k]));
  const values = widest(body.flatMap((row) => named.map((k) => row[k])));
  const across = Math.max(1, Math.floor(columns / (titles + values + 4)));
  const blocks = body.flatMap((row) => {
    const name = row.filter((cell, k) => !named.includes(k) && cell !== '').join('  ');
    const parts = named
      .filter((k) => row[k] !== '')
      .map((k) => `  ${head[k].padEnd(titles)}  ${row[k].padStart(values)}`);
    const lines = Array.from({ length: Math.ceil(parts.length / across) }, (_, k) =>
      parts.slice(k * across, (k + 1) * across).join(''),
    );
    return [...(name === '' ? [] : [name]), ...lines];
  });
  return [...(head[0] === '' ? [] : [head[0]]), ...blocks].map((row) => wrap(row, columns));
}
