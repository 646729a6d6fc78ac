/** Tables for the terminal, without borders. */
import Table from 'cli-table3';

const edges =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid';

/** The first `left` columns are left-aligned text, the others right-aligned numbers. */
export function table(head: string[], body: string[][], left = 1): string {
  const printed = new Table({
    head,
    colAligns: head.map((_, k) => (k < left ? 'left' : 'right')),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    chars: { ...Object.fromEntries(edges.split(' ').map((edge) => [edge, ''])), middle: '  ' },
  });
  printed.push(...body);
  return printed
    .toString()
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n');
}
