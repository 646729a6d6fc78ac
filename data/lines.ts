/** The first line of each row in a file, in runs: most rows follow each other line by line, and take no memory. */

/** Line numbers of rows, in ascending order of rows. */
export class Lines {
  /** Row and line at which each run of consecutive lines starts. */
  private readonly runs: { row: number; line: number }[] = [];
  private count = 0;

  get length(): number {
    return this.count;
  }

  add(line: number): void {
    const last = this.runs.at(-1);
    if (!last || line !== last.line + (this.count - last.row)) this.runs.push({ row: this.count, line });
    this.count++;
  }

  at(row: number): number {
    let [low, high] = [0, this.runs.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.runs[middle].row <= row) low = middle;
      else high = middle - 1;
    }
    const { row: first, line } = this.runs[low];
    return line + (row - first);
  }
}
