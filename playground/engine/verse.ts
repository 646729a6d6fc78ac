/** Lines to learn to write: a few verses put together by a rule, so that there is something to find out. */

const things = [
  'river',
  'stone',
  'window',
  'candle',
  'garden',
  'letter',
  'harbour',
  'winter',
  'feather',
  'shadow',
];
const doings = ['remembers', 'forgets', 'carries', 'follows', 'answers', 'keeps', 'loses', 'repeats'];

/** Forty lines: each thing does something to another, and the next line begins with the one that was named last. */
export const verse = Array.from({ length: 40 }, (_, k) => {
  const [from, to] = [things[(k * 7) % 10], things[((k + 1) * 7) % 10]];
  return `the ${from} ${doings[(k * 3 + Math.floor(k / 10)) % 8]} the ${to}${k % 4 === 3 ? '.' : ','}\n`;
}).join('');
