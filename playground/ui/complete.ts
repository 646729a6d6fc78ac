/** Completes names in a text field: those that begin with the word before the caret. */

/** The word that ends at the caret. */
export const wordBefore = (text: string, caret: number): string =>
  /[A-Za-z_]\w*$/.exec(text.slice(0, caret))?.[0] ?? '';

/** The names that a word may be the beginning of; upper and lower case do not matter. */
export const completions = (word: string, names: readonly string[]): string[] =>
  word === ''
    ? []
    : names.filter((name) => name !== word && name.toLowerCase().startsWith(word.toLowerCase()));

/** A word completed as far as all names agree that begin with it. */
export function completed(word: string, names: readonly string[]): string {
  const start = commonStart(completions(word, names));
  // names that differ in upper and lower case may have less in common than the word
  return start.length < word.length ? word : start;
}

/** What all names begin with. */
export function commonStart(names: readonly string[]): string {
  const [first = '', ...rest] = names;
  const length = [...first].findIndex((_, k) => rest.some((name) => name[k] !== first[k]));
  return length < 0 ? first : first.slice(0, length);
}

/**
 * Ctrl+Space completes the word before the caret, as far as all names agree that begin with it.
 * @param names that are known, when it is pressed
 * @param done called after the text has changed
 */
export function completeNames(
  field: HTMLTextAreaElement,
  names: () => readonly string[],
  done: () => void,
): void {
  field.addEventListener('keydown', (event) => {
    if (!event.ctrlKey || event.code !== 'Space') return;
    event.preventDefault();
    const word = wordBefore(field.value, field.selectionStart);
    const name = completed(word, names());
    if (name === word) return;
    putName(field, name);
    done();
  });
}

/** Puts a name at the caret, in place of the beginning of it that stands there. */
export function putName(field: HTMLTextAreaElement, name: string): void {
  const { selectionStart: caret, selectionEnd } = field;
  const word = wordBefore(field.value, caret);
  const isBegun = name.toLowerCase().startsWith(word.toLowerCase());
  field.setRangeText(name, isBegun ? caret - word.length : caret, selectionEnd, 'end');
}
