/**
 * Which rows of embedding tables have a gradient: those whose classes the backward passes have read since the gradients
 * were zeroed. The gradients of all other rows are zero, so `sparse` updates skip them.
 */
import { engineMemory } from '../../core/memory';

/** Elements `from`…`to` (exclusive) of all parameters as one row. */
export interface ElementRange {
  readonly from: number;
  readonly to: number;
}

/** A table [rows, width] that begins at an element of all parameters as one row. */
export interface Table {
  readonly name: string;
  readonly at: number;
  readonly rows: number;
  readonly width: number;
}

export class UsedRows {
  /** For each table, 1 for each used row. */
  private marks: Int32Array[];
  /** Whether the marks belong to another thread, which clears them. */
  private isShared = false;

  constructor(
    readonly tables: readonly Table[],
    /** Number of elements of all parameters, with padding. */
    private readonly size: number,
  ) {
    this.marks = tables.map(({ rows }) => engineMemory().allocate(rows, 'int32'));
  }

  /** Marks the rows of these classes; negative numbers are no class. A table that is not trained has no marks. */
  mark(name: string, classes: Int32Array): void {
    const marks = this.marksOf(name);
    if (!marks) return;
    for (const k of classes) if (k >= 0) marks[k] = 1;
  }

  markAll(name: string): void {
    this.marksOf(name)?.fill(1);
  }

  /** Where the marks of each table are in engine memory. */
  get addresses(): number[] {
    return this.marks.map(({ byteOffset }) => byteOffset);
  }

  /** Marks in the memory of another thread from now on. */
  share(buffer: ArrayBufferLike, addresses: readonly number[]): void {
    this.marks = this.tables.map(({ rows }, k) => new Int32Array(buffer, addresses[k], rows));
    this.isShared = true;
  }

  clear(): void {
    if (!this.isShared) for (const marks of this.marks) marks.fill(0);
  }

  /** Calls `visit` for each used row of a table in ascending order. */
  each({ name }: Table, visit: (row: number) => void): void {
    const marks = this.marksOf(name) ?? [];
    for (let row = 0; row < marks.length; row++) if (marks[row] !== 0) visit(row);
  }

  /** Everything outside of the tables. */
  get others(): ElementRange[] {
    const { tables, size } = this;
    const starts = [0, ...tables.map(({ at, rows, width }) => at + rows * width)];
    const ends = [...tables.map(({ at }) => at), size];
    return starts.map((from, k) => ({ from, to: ends[k] })).filter(({ from, to }) => from < to);
  }

  /** Everything outside of the tables, and the used rows. */
  get ranges(): ElementRange[] {
    const all = this.others;
    for (const table of this.tables) {
      const { at, width } = table;
      this.each(table, (row) => all.push({ from: at + row * width, to: at + (row + 1) * width }));
    }
    return all;
  }

  private marksOf(name: string): Int32Array | undefined {
    const k = this.tables.findIndex((table) => table.name === name);
    return k < 0 ? undefined : this.marks[k];
  }
}
