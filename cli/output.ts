/** What commands print on standard output: lines, and tables without borders. */
import Table from 'cli-table3';

// a reader that has seen enough, like `head`, closes the pipe: that is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** Prints one line. */
export const line = (text = ''): void => void process.stdout.write(`${text}\n`);

/** JSON of anything that is told; numbers that JSON does not know are told by their names. */
export const asJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner,
  );

/** Prints a table without borders; its columns are separated by two spaces. */
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
  printed.push(...body);
  for (const row of printed.toString().split('\n')) line(row.trimEnd());
}
