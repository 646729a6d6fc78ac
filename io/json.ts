/** JSON from files that strangers made. */

/** What any file of ours stays far below, and what a parser makes little memory of. */
const MOST_NESTED = 64;
const CHARACTERS_EACH = 4;
const FREE = 1000;

/**
 * The value of a JSON text, which is looked through before anything is made of it: lists and objects take many times the
 * memory of the brackets that they are written with.
 *
 * @throws Error saying what is wrong: no JSON, lists or objects nested more than 64 deep, or more of them than one for
 *   four characters.
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

/** The place of the quote that ends the string which begins at `start`, or the end of the text. */
export function endOfString(text: string, start: number): number {
  let k = start + 1;
  while (k < text.length && text[k] !== '"') k += text[k] === '\\' ? 2 : 1;
  return k;
}
