/** Parses JSON from untrusted files within limits of size and depth. */

/** Limits far above the needs of our own files, and low enough to bound the parser's memory. */
const MOST_NESTED = 64;
const CHARACTERS_EACH = 4;
const FREE = 1000;

/**
 * Parses a JSON text after checking its structure: nested lists and objects can take many times the memory of the
 * brackets they are written with.
 *
 * @throws Error with the reason: invalid JSON, nesting more than 64 deep, or more than one list or object per four
 * characters.
 */
export function parseJson(text: string): unknown {
  let [depth, count] = [0, 0];
  for (let k = 0; k < text.length; k++) {
    const sign = text[k];
    if (sign === '"') k = endOfString(text, k);
    else if (sign === ']' || sign === '}') depth--;
    else if (sign === '[' || sign === '{') {
      count++;
      if (++depth > MOST_NESTED)
        throw new RangeError(`lists or objects nested more than ${MOST_NESTED} deep`);
    }
  }
  if (CHARACTERS_EACH * (count - FREE) > text.length)
    throw new RangeError(`${count} lists and objects in ${text.length} characters`);
  return JSON.parse(text);
}

/** Index of the quote that ends the string starting at `start`, or the end of the text. */
export function endOfString(text: string, start: number): number {
  let k = start + 1;
  while (k < text.length && text[k] !== '"') k += text[k] === '\\' ? 2 : 1;
  return k;
}
