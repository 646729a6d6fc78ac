/** Reads the answer to an exercise, in the forms in which a reader writes a number. */

const NUMBER = String.raw`(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const FORM = new RegExp(String.raw`^(-?)(${NUMBER})(?:\s*(/|\^|\*\*)\s*\(?(-?${NUMBER})\)?)?\s*(%?)$`, 'i');

/**
 * The value of `0.5`, `-1e-3`, `1/2`, `2^-7`, `2**(-7)` or `50 %`; NaN for any other text. Signs and digits may be those of
 * typesetting or of a Chinese keyboard.
 */
export function answerIn(text: string): number {
  const plain = text.normalize('NFKC').trim().replace(/[−–]/g, '-');
  const [, minus, first, operation, second, percent] = FORM.exec(plain) ?? [];
  if (first === undefined) return NaN;
  const [a, b] = [Number(first), Number(second ?? 1)];
  const value = operation === '/' ? a / b : operation ? a ** b : a;
  return (minus ? -value : value) / (percent ? 100 : 1);
}
