/** Pieces of a table as examples: each step is predicted from the steps before it. */
import type { Batch } from '../../bptt/network/batch/batch';
import { must, mustBe } from '../../core/check';
import type { Table } from '../../data/table';
import { paddedRows } from '../padding';
import type { Examples } from '../task';
import type { Note } from './note';

export const where = 'music';

/** The notes that sound at each step, as MIDI numbers. */
export type Piece = readonly (readonly number[])[];

const isNote = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 127;

/** The pieces in a list column. @throws RangeError or TypeError for anything that is not a step of notes. */
export function piecesIn(table: Table, column: string): Piece[] {
  const place = `${where}: column ${column}`;
  return table.column(column, 'lists').values.map((piece, row) => {
    const line = `line ${table.lineOf(row)}`;
    if (piece.length === 0) must(false, place, 'a piece must have steps', `none in ${line}`);
    return piece.map((step) => {
      if (!Array.isArray(step)) mustBe(false, place, 'a step must be a list of notes', step, line);
      const wrong = (step as unknown[]).findIndex((value) => !isNote(value));
      if (wrong >= 0)
        must(false, place, 'a note must be a whole number in 0…127', (step as unknown[])[wrong], line);
      return [...new Set(step as number[])];
    });
  });
}

/** Pieces, read up to `longest` steps. */
export class Pieces implements Examples {
  readonly pieces: readonly Piece[];
  readonly lengths: number[];

  constructor(
    pieces: readonly Piece[],
    private readonly note: Pick<Note, 'lowest' | 'pitches' | 'longest'>,
  ) {
    this.pieces = pieces.map((piece) => piece.slice(0, note.longest));
    this.lengths = this.pieces.map(({ length }) => length);
  }

  get count(): number {
    return this.pieces.length;
  }

  /** The bits of a piece [T, K]. */
  bits(row: number): Uint8Array {
    return bitsOf(this.pieces[row], this.note);
  }

  /** The input of a step is the step before; that of the first is silence. */
  batch(rows: readonly number[]): Batch {
    const { pitches } = this.note;
    const { x, lengths } = paddedRows(
      rows.map((row) => bitsOf([[], ...this.pieces[row].slice(0, -1)], this.note)),
      pitches,
    );
    const { x: targets } = paddedRows(
      rows.map((row) => this.bits(row)),
      pitches,
    );
    return { x, targets, lengths };
  }
}

/** Steps as bits [T, K], one for each note. */
export function bitsOf(piece: Piece, { lowest, pitches: K }: Pick<Note, 'lowest' | 'pitches'>): Uint8Array {
  const bits = new Uint8Array(piece.length * K);
  piece.forEach((step, t) => {
    for (const pitch of step) bits[t * K + pitch - lowest] = 1;
  });
  return bits;
}
