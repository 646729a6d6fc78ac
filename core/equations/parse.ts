/**
 * Parser of the equation language: one `name = expression` or `name += expression` per line becomes a syntax tree.
 *
 *   + - * /   elementwise          @     matrix product          .T    transpose
 *   tanh(…)   and all other operations of `core/programs/scalar.ts`, under the names used there
 *   stop(v)   v, held fixed when derivatives are taken
 *   sum(v)    over the rows        sum(v, axis=1), logsumexp(v, axis=1)   along each row
 *   # …       a comment, to the end of the line
 *
 * The notation is NumPy's; `*` and `@` have equal precedence, from left to right. The text is data and never executed.
 */
import { language, type OperationName } from '../programs/scalar';
import { badName, EquationError, unknown } from './error';

/** A node of the syntax tree; `at` is its position in the source, for messages. */
export type Expression =
  | { kind: 'number'; value: number; at: number }
  | { kind: 'name'; name: string; at: number }
  | { kind: 'transpose'; of: Expression; at: number }
  | { kind: 'product'; args: [Expression, Expression]; at: number }
  | { kind: 'reduction'; what: Reduced; args: [Expression]; at: number }
  | { kind: 'apply'; op: OperationName; args: Expression[]; at: number };

/** Sums over the rows, sums along each row, the logarithm of the sum of exponentials along each row. */
export type Reduced = 'sumRows' | 'sumColumns' | 'logSumExp';

/** One equation. */
export interface Equation {
  name: string;
  /** Whether the value is added to the previous one. */
  accumulate: boolean;
  expression: Expression;
  /** The text after `#`. */
  comment: string;
  at: number;
}

/** Limits that keep a huge or deeply nested text from exhausting memory or the stack. */
export const limits = { characters: 200_000, line: 2_000, depth: 100, steps: 1_000 } as const;

interface Token {
  text: string;
  at: number;
}

const NO_POWER = 'there is no power, write a product: h * h';
/** Characters of other notations, and how the same is written here. */
const habits: readonly (readonly [characters: string, advice: string])[] = [
  ['^²³', NO_POWER],
  ['⊙∘·×∗•', 'write * for elementwise products, @ for matrix products'],
  ['−–—', 'write -'],
  ['δ∂Δ', 'write dh for the gradient of h'],
  ["ᵀ⊤'′.", 'the transpose is .T'],
  ['σ', 'write sigmoid(…)'],
  ['∑Σ', 'write sum(…)'],
  ['[]{}', 'brackets are ( and )'],
  ['（）＝＋－＊／，＠', 'write it as an ASCII character'],
];

const functions = (Object.keys(language) as OperationName[]).filter(
  (name) => !['add', 'sub', 'mul', 'div', 'neg'].includes(name),
);
export const functionNames: readonly string[] = [...functions, 'sum', 'logsumexp'];

/**
 * Parses the equations of a text, in order.
 *
 * @param where prefix of error messages: `lstm, forward`.
 * @throws EquationError with line, column and the nearest known function.
 * @example parse('h = tanh(z)', 'elman').map(({ name }) => name) // ['h']
 */
export function parse(source: string, where: string): Equation[] {
  const fail = (at: number, reason: string): never => {
    throw new EquationError(where, source, at, reason);
  };
  if (source.length > limits.characters)
    fail(0, `the text must have at most ${limits.characters} characters, got ${source.length}`);
  const equations: Equation[] = [];
  let start = 0;
  for (const line of source.split('\n')) {
    if (line.length > limits.line)
      fail(start, `a line must have at most ${limits.line} characters, got ${line.length}`);
    const hash = line.indexOf('#');
    const tokens = tokenize(hash < 0 ? line : line.slice(0, hash), start, fail);
    if (tokens.length > 0) {
      const comment = hash < 0 ? '' : line.slice(hash + 1).trim();
      equations.push({ ...new Line(tokens, start + line.length, fail).equation(), comment });
    }
    start += line.length + 1;
  }
  return equations;
}

function tokenize(line: string, start: number, fail: (at: number, reason: string) => never): Token[] {
  const pattern =
    /\s+|(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|\.T\b|\+=|[-+*/@()=,])/uy;
  const tokens: Token[] = [];
  while (pattern.lastIndex < line.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(line);
    if (!match) {
      const character = String.fromCodePoint(line.codePointAt(at) as number);
      const advice = habits.find(([characters]) => characters.includes(character))?.[1];
      return fail(
        start + at,
        `unexpected character ${JSON.stringify(character)}${advice === undefined ? '' : `: ${advice}`}`,
      );
    }
    if (match[1] === undefined) continue;
    const wrong = isName(match[1]) ? badName(match[1]) : undefined;
    if (wrong !== undefined) fail(start + at, wrong);
    tokens.push({ text: match[1], at: start + at });
  }
  return tokens;
}

/** Parses the tokens of one line by recursive descent. */
class Line {
  private next = 0;
  private depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly end: number,
    private readonly fail: (at: number, reason: string) => never,
  ) {}

  equation(): Omit<Equation, 'comment'> {
    const { text: name, at } = this.take('a name');
    if (!isName(name)) this.fail(at, `an equation must begin with a name, got "${name}"`);
    const sign = this.take('= or +=');
    if (sign.text !== '=' && sign.text !== '+=') this.fail(sign.at, `expected = or +=, got "${sign.text}"`);
    const expression = this.sum();
    const rest = this.tokens.at(this.next);
    if (rest)
      this.fail(
        rest.at,
        rest.text === ')' ? 'this bracket was never opened' : `expected an operator, got "${rest.text}"`,
      );
    return { name, accumulate: sign.text === '+=', expression, at };
  }

  private sum(): Expression {
    let left = this.product();
    for (let sign = this.accept('+', '-'); sign; sign = this.accept('+', '-'))
      left = {
        kind: 'apply',
        op: sign.text === '+' ? 'add' : 'sub',
        args: [left, this.product()],
        at: sign.at,
      };
    return left;
  }

  private product(): Expression {
    let left = this.factor();
    for (let sign = this.accept('*', '/', '@'); sign; sign = this.accept('*', '/', '@')) {
      const args: [Expression, Expression] = [left, this.factor()];
      left =
        sign.text === '@'
          ? { kind: 'product', args, at: sign.at }
          : { kind: 'apply', op: sign.text === '*' ? 'mul' : 'div', args, at: sign.at };
    }
    return left;
  }

  private factor(): Expression {
    const sign = this.accept('-');
    if (sign)
      return this.nested(sign, () => {
        const of = this.factor();
        return of.kind === 'number'
          ? { ...of, value: -of.value, at: sign.at }
          : { kind: 'apply', op: 'neg', args: [of], at: sign.at };
      });
    let value = this.primary();
    for (let T = this.accept('.T'); T; T = this.accept('.T'))
      value = { kind: 'transpose', of: value, at: T.at };
    return value;
  }

  private primary(): Expression {
    const token = this.take('a value');
    const { text, at } = token;
    if (text === '(') return this.nested(token, () => this.closed(this.sum(), token));
    if (/^[\d.]/.test(text)) return { kind: 'number', value: Number(text), at };
    const before = this.tokens.at(this.next - 2);
    if (text === '*' && before?.text === '*' && before.at === at - 1) return this.fail(at, NO_POWER);
    if (!isName(text)) return this.fail(at, `expected a value, got "${text}"`);
    const open = this.accept('(');
    return open ? this.nested(open, () => this.call(text, at, open)) : { kind: 'name', name: text, at };
  }

  private call(name: string, at: number, open: Token): Expression {
    if (!functionNames.includes(name)) this.fail(at, unknownFunction(name));
    const args = [this.sum()];
    let axis = 0;
    while (this.accept(',')) {
      if (this.tokens[this.next]?.text === 'axis' && this.tokens[this.next + 1]?.text === '=')
        axis = this.axis();
      else args.push(this.sum());
    }
    this.closed(args[0], open);
    const arity = name === 'sum' || name === 'logsumexp' ? 1 : language[name as OperationName].arity;
    if (args.length !== arity)
      this.fail(at, `${name} takes ${arity} argument${arity > 1 ? 's' : ''}, got ${args.length}`);
    if (name === 'sum')
      return { kind: 'reduction', what: axis ? 'sumColumns' : 'sumRows', args: [args[0]], at };
    if (name === 'logsumexp')
      return axis
        ? { kind: 'reduction', what: 'logSumExp', args: [args[0]], at }
        : this.fail(at, 'logsumexp needs axis=1: it runs along each row');
    return axis
      ? this.fail(at, `${name} has no axis`)
      : { kind: 'apply', op: name as OperationName, args, at };
  }

  private axis(): number {
    this.next += 2;
    const { text, at } = this.take('0 or 1');
    return text === '0' || text === '1' ? Number(text) : this.fail(at, `axis must be 0 or 1, got "${text}"`);
  }

  private closed(value: Expression, open: Token): Expression {
    if (this.accept(')')) return value;
    const rest = this.tokens.at(this.next);
    return rest
      ? this.fail(rest.at, `expected ), got "${rest.text}"`)
      : this.fail(open.at, 'this bracket is never closed');
  }

  private nested<T>({ at }: Token, read: () => T): T {
    if (++this.depth > limits.depth) this.fail(at, `an expression must nest at most ${limits.depth} deep`);
    const value = read();
    this.depth--;
    return value;
  }

  private accept(...texts: string[]): Token | undefined {
    const token = this.tokens.at(this.next);
    if (!token || !texts.includes(token.text)) return undefined;
    this.next++;
    return token;
  }

  private take(what: string): Token {
    const token = this.tokens.at(this.next++);
    return token ?? this.fail(this.end, `expected ${what}, got the end of the line`);
  }
}

/** What is called may be a name with the sign of a product left out. */
function unknownFunction(name: string): string {
  const reason = unknown('function', name, functionNames);
  return reason.endsWith('?)') ? reason : `${reason}; to multiply, write ${name} * (…)`;
}

const isName = (text: string): boolean => /^[A-Za-z_]/.test(text);
