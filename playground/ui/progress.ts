/** A learner's input and solved exercises, kept in the browser's storage if available. */

const KEY = 'backstep.derive';

interface Kept {
  text: string;
  solved: boolean;
}

export class ExerciseProgress {
  private readonly entries: Record<string, Kept> = read();

  textOf(exercise: string): string {
    return this.entries[exercise]?.text ?? '';
  }

  isSolved(exercise: string): boolean {
    return this.entries[exercise]?.solved ?? false;
  }

  /** An exercise that was solved once stays solved. */
  keep(exercise: string, text: string, solved: boolean): void {
    this.entries[exercise] = { text, solved: solved || this.isSolved(exercise) };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.entries));
    } catch {
      // without storage, progress lasts as long as the page
    }
  }
}

function read(): Record<string, Kept> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const entries = Object.entries(Object(found) as Record<string, Partial<Kept>>);
    return Object.fromEntries(
      entries.map(([name, entry]) => [
        name,
        { text: String(entry.text ?? ''), solved: entry.solved === true },
      ]),
    );
  } catch {
    return {};
  }
}
