/** Converts equations to LaTeX, from the engine's syntax trees. */
import { parse, type Expression } from '../../core/equations/parse';

const functions: Record<string, string> = {
  ...{ sigmoid: '\\sigma', tanh: '\\tanh', exp: '\\exp', log: '\\log', min: '\\min', max: '\\max' },
};
const signs: Record<string, string> = { add: '+', sub: '-', mul: '\\odot', div: '/' };
const sums = {
  sumRows: '\\textstyle\\sum_B',
  sumColumns: '\\textstyle\\sum_O',
  logSumExp: '\\log\\textstyle\\sum\\exp',
};
/** Names with a suffix for the gate or part. */
const subscripted = /^(d?)(a|W|b|p|h|o|c|x|fb|z|r)(i|f|g|o|r|z|n|x|h|y|rz|hn)$/;

/** One name: `hPrev` is h of the previous step, `dX` is ∂L/∂X. */
export function nameToLatex(name: string): string {
  const whole: Record<string, string> = { tc: 't_c', arz: 'a_{rz}', Whrz: 'W_{h,rz}', Whn: 'W_{hn}' };
  if (name in whole) return whole[name];
  const gradient = /^d([A-Za-z].*)$/.exec(name);
  if (gradient) {
    const [, of] = gradient;
    const moment = /^(\w+?)(Prev|Next|Out)$/.exec(of);
    if (!moment) return `\\delta ${nameToLatex(of)}`;
    const mark = { Prev: '_{t-1}', Next: '^{\\leftarrow t+1}', Out: '^{\\text{out}}' }[moment[2] as 'Prev'];
    return `\\delta ${nameToLatex(moment[1])}${mark}`;
  }
  const previous = /^(\w+)Prev$/.exec(name);
  if (previous) return `${nameToLatex(previous[1])}_{t-1}`;
  const sub = subscripted.exec(name);
  if (sub) return `${sub[2]}_{${sub[3]}}`;
  return name.length > 1 ? `\\mathit{${name}}` : name;
}

const strength = (e: Expression): number => {
  if (e.kind === 'product') return 2;
  if (e.kind === 'number') return e.value < 0 ? 3 : 9;
  return e.kind === 'apply' ? ({ add: 1, sub: 1, mul: 2, div: 2, neg: 3 }[e.op as string] ?? 9) : 9;
};
const inBrackets = (e: Expression, least: number): string =>
  strength(e) < least ? `( ${expressionToLatex(e)} )` : expressionToLatex(e);

/** `*` becomes ⊙, the elementwise product; a matrix product has no sign. */
function expressionToLatex(e: Expression): string {
  switch (e.kind) {
    case 'number':
      return String(e.value);
    case 'name':
      return nameToLatex(e.name);
    case 'transpose':
      return `${inBrackets(e.of, 9)}^{\\top}`;
    case 'product':
      return `${inBrackets(e.args[0], 2)} ${inBrackets(e.args[1], 3)}`;
    case 'reduction':
      return `${sums[e.what]} ${inBrackets(e.args[0], 3)}`;
    case 'apply': {
      const own = strength(e);
      if (e.op === 'neg') return `- ${inBrackets(e.args[0], 4)}`;
      if (e.op in signs)
        return `${inBrackets(e.args[0], own)} ${signs[e.op]} ${inBrackets(e.args[1], own + 1)}`;
      const called = functions[e.op] ?? `\\mathrm{${e.op}}`;
      return `${called} ( ${e.args.map(expressionToLatex).join(' , ')} )`;
    }
  }
}

/** The equations of a text, in order. */
export const toLatex = (text: string): string[] =>
  parse(text, 'equations').map(
    ({ name, accumulate, expression }) =>
      `${nameToLatex(name)} ${accumulate ? '\\mathrel{{+}{=}}' : '='} ${expressionToLatex(expression)}`,
  );
