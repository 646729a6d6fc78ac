/**
 * Reads piano rolls in JSON: pieces as lists of steps, a step as the list of the notes that sound.
 *
 *   {"train": [[[60, 64, 67], [62]], …], "valid": …, "test": …}     pieces by part
 *   [[[60, 64, 67], [62]], …]                                        pieces alone
 */
import { must, mustBe } from '../core/check';
import { Table } from '../data/table';

/** Whether a JSON text begins as a list of pieces, or as an object of such lists. */
export const holdsPieces = (text: string): boolean => /^\s*(\{\s*"[^"]*"\s*:\s*)?\[\s*\[\s*\[/.test(text);

/**
 * The pieces of a JSON text as a table with a list column `notes` and, if they are divided into parts, a column `part`.
 * @throws RangeError or TypeError for anything that is not a list of pieces, with the number of the piece.
 */
export function piecesTable(text: string, name: string): Table {
  const where = `table: ${name}`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    mustBe(false, where, 'it must be JSON', (error as Error).message);
  }
  const fits = typeof json === 'object' && json !== null;
  mustBe(fits, where, 'it must be a list of pieces, or an object of such lists', json);
  const divided = !Array.isArray(json);
  const parts = divided ? Object.entries(json as Record<string, unknown>) : [['', json] as const];
  const rows = parts.flatMap(([part, pieces]) => {
    const what = divided ? `"${part}" must be a list of pieces` : 'it must be a list of pieces';
    mustBe(Array.isArray(pieces), where, what, pieces);
    return (pieces as unknown[]).map((piece, k) => {
      const place = `piece ${k + 1}${divided ? ` of "${part}"` : ''}`;
      mustBe(Array.isArray(piece), where, `${place} must be a list of steps`, piece);
      return { part, piece: piece as unknown[] };
    });
  });
  must(rows.length > 0, where, 'it must hold pieces', 'none');
  return new Table(
    name,
    [
      ...(divided ? [{ name: 'part', kind: 'texts' as const, values: rows.map(({ part }) => part) }] : []),
      { name: 'notes', kind: 'lists', values: rows.map(({ piece }) => piece) },
    ],
    'pieces',
    rows.map((_, k) => k + 1),
  );
}
