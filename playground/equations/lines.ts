/** The lines of a text of equations. */

/** The non-empty lines, without comments. */
export const equationLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
