/** Text from outside may hold anything; a terminal obeys control characters. */

/** The text with control characters replaced, but for line ends and tabs. */
// eslint-disable-next-line no-control-regex
export const safe = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '·');
