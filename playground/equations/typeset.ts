/** Equations as MathML, which browsers draw by themselves, from the syntax trees that the engine parses them into. */
import { parse, type Expression } from '../../core/equations/parse';

const row = (...parts: string[]): string => `<mrow>${parts.join('')}</mrow>`;
const letter = (text: string): string => `<mi>${text}</mi>`;
const sign = (text: string): string => `<mo>${text}</mo>`;
const bracketed = (inside: string): string =>
  row('<mo stretchy="false">(</mo>', inside, '<mo stretchy="false">)</mo>');
const below = (base: string, index: string): string => `<msub>${base}${index}</msub>`;
const above = (base: string, index: string): string => `<msup>${base}${index}</msup>`;

const signs: Record<string, string> = { add: '+', sub: '−', mul: '⊙', div: '/' };
const functions: Record<string, string> = { sigmoid: 'σ' };
const sums = {
  sumRows: below(sign('∑'), letter('B')),
  sumColumns: below(sign('∑'), letter('O')),
  logSumExp: row(letter('log'), sign('∑'), letter('exp')),
};
const before = row(letter('t'), sign('−'), '<mn>1</mn>');
const moments: Record<string, (base: string) => string> = {
  Prev: (base) => below(base, before),
  Next: (base) => above(base, row(sign('←'), letter('t'), sign('+'), '<mn>1</mn>')),
  Out: (base) => above(base, '<mtext>out</mtext>'),
};
/** Names whose last letters name the gate or part they belong to. */
const subscripted = /^(a|A|B|W|b|e|p|h|o|c|x|fb|z|r)(i|f|g|o|r|z|n|x|h|y|m|p|s|q|rz|hn|hrz)$/;

/** One name: `hPrev` is h of the step before, `dX` is ∂L/∂X. */
function nameOf(name: string): string {
  if (name === 'tc') return below(letter('t'), letter('c'));
  const gradient = /^d([A-Za-z].*)$/.exec(name);
  if (gradient) return row(letter('δ'), nameOf(gradient[1]));
  const moment = /^(\w+?)(Prev|Next|Out)$/.exec(name);
  if (moment) return moments[moment[2]](nameOf(moment[1]));
  const part = subscripted.exec(name);
  return part ? below(letter(part[1]), letter(part[2])) : letter(name);
}

const strength = (e: Expression): number => {
  if (e.kind === 'product') return 2;
  if (e.kind === 'number') return e.value < 0 ? 3 : 9;
  return e.kind === 'apply' ? ({ add: 1, sub: 1, mul: 2, div: 2, neg: 3 }[e.op as string] ?? 9) : 9;
};
const inBrackets = (e: Expression, least: number): string =>
  strength(e) < least ? bracketed(expression(e)) : expression(e);

/** `*` is the elementwise product; names side by side are a matrix product. */
function expression(e: Expression): string {
  switch (e.kind) {
    case 'number':
      return e.value < 0 ? row(sign('−'), `<mn>${-e.value}</mn>`) : `<mn>${e.value}</mn>`;
    case 'name':
      return nameOf(e.name);
    case 'transpose':
      return above(inBrackets(e.of, 9), letter('⊤'));
    case 'product':
      return row(inBrackets(e.args[0], 2), '<mspace width="0.15em"></mspace>', inBrackets(e.args[1], 3));
    case 'reduction':
      return row(sums[e.what], inBrackets(e.args[0], 3));
    case 'apply': {
      const own = strength(e);
      if (e.op === 'neg') return row(sign('−'), inBrackets(e.args[0], 4));
      if (e.op in signs)
        return row(inBrackets(e.args[0], own), sign(signs[e.op]), inBrackets(e.args[1], own + 1));
      const args = e.args.map(expression).join(sign(','));
      return row(letter(functions[e.op] ?? e.op), bracketed(args));
    }
  }
}

/**
 * The equations of a text, in order, each as a `<math>` element.
 * @throws EquationError for text that cannot be parsed.
 */
export const typeset = (text: string): string[] =>
  parse(text, 'equations').map(
    ({ name, accumulate, expression: right }) =>
      `<math>${row(nameOf(name), sign(accumulate ? '+=' : '='), expression(right))}</math>`,
  );

/** A printed line without the columns of a clockwork module, which depend on its size: the equation does not. */
export const withoutColumns = (line: string): string => line.replace(/\[\d+:\d+\]/g, '');
