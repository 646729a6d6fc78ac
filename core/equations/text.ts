/** Prints expressions in the syntax of the source, with the necessary brackets. */
import type { Expression } from './parse';

/** The source text of an expression. */
export function expressionText(e: Expression): string {
  const precedence = (x: Expression): number => {
    if (x.kind === 'product') return 2;
    if (x.kind !== 'apply') return x.kind === 'number' && (x.value < 0 || Object.is(x.value, -0)) ? 3 : 9;
    return { add: 1, sub: 1, mul: 2, div: 2, neg: 3 }[x.op as string] ?? 9;
  };
  const wrap = (x: Expression, least: number): string =>
    precedence(x) < least ? `(${expressionText(x)})` : expressionText(x);
  switch (e.kind) {
    case 'number':
      return Object.is(e.value, -0) ? '-0' : String(e.value);
    case 'name':
      return e.name;
    case 'transpose':
      return `${wrap(e.of, 9)}.T`;
    case 'product':
      return `${wrap(e.args[0], 2)} @ ${wrap(e.args[1], 3)}`;
    case 'reduction': {
      const [name, axis] = {
        sumRows: ['sum', ''],
        sumColumns: ['sum', ', axis=1'],
        logSumExp: ['logsumexp', ', axis=1'],
      }[e.what];
      return `${name}(${expressionText(e.args[0])}${axis})`;
    }
    case 'apply': {
      if (e.op === 'neg') return `-${wrap(e.args[0], 4)}`;
      const sign = { add: '+', sub: '-', mul: '*', div: '/' }[e.op as string];
      if (sign === undefined) return `${e.op}(${e.args.map(expressionText).join(', ')})`;
      const own = precedence(e);
      return `${wrap(e.args[0], own)} ${sign} ${wrap(e.args[1], own + 1)}`;
    }
  }
}
