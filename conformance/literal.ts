/**
 * Parses JavaScript literals without evaluating code: arrays, objects, strings in single or double quotes, numbers, true,
 * false, null, with comments and trailing commas. JSON is a subset.
 */
import { safe } from '../core/safe';

/** Maximum nesting depth; no list of tests is deeper. */
const MOST_NESTED = 64;

/** Parses a literal. @throws SyntaxError with the line of anything else. */
export function literalAt(source: string, start: number): unknown {
  return new Reader(source, start).whole();
}

class Reader {
  constructor(
    private readonly source: string,
    private at: number,
  ) {}

  whole(): unknown {
    return this.value(0);
  }

  private value(depth: number): unknown {
    if (depth > MOST_NESTED) throw this.wrong(`lists and objects must be nested at most ${MOST_NESTED} deep`);
    const sign = this.peek();
    if (sign === '[') return this.list(depth);
    if (sign === '{') return this.object(depth);
    if (sign === '"' || sign === "'") return this.text();
    const number = this.match(/[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?/y);
    if (number !== undefined) return Number(number);
    const word = this.match(/[A-Za-z_$][\w$]*/y);
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    throw this.wrong(
      `a value must stand here, got ${word ?? (this.source.slice(this.at, this.at + 10) || 'the end')}`,
    );
  }

  private list(depth: number): unknown[] {
    const found: unknown[] = [];
    this.at++;
    while (!this.took(']')) {
      found.push(this.value(depth + 1));
      if (!this.took(',') && this.peek() !== ']') throw this.wrong('a comma or ] must stand here');
    }
    return found;
  }

  private object(depth: number): Record<string, unknown> {
    const found = Object.create(null) as Record<string, unknown>;
    this.at++;
    while (!this.took('}')) {
      const sign = this.peek();
      const key = sign === '"' || sign === "'" ? this.text() : this.match(/[A-Za-z_$][\w$]*/y);
      if (key === undefined) throw this.wrong('a name must stand here');
      if (!this.took(':')) throw this.wrong('a colon must stand here');
      found[key] = this.value(depth + 1);
      if (!this.took(',') && this.peek() !== '}') throw this.wrong('a comma or } must stand here');
    }
    return found;
  }

  private text(): string {
    const body = this.match(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y);
    if (body === undefined) throw this.wrong('a text must end');
    const escapes: Readonly<Record<string, string>> = {
      n: '\n',
      t: '\t',
      r: '\r',
      b: '\b',
      f: '\f',
      0: '\0',
    };
    return body
      .slice(1, -1)
      .replace(/\\(u[\dA-Fa-f]{4}|.)/g, (_, escape: string) =>
        escape.length === 5
          ? String.fromCharCode(parseInt(escape.slice(1), 16))
          : (escapes[escape] ?? escape),
      );
  }

  /** Skips white space and comments; returns the next character. */
  private peek(): string {
    this.match(/(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)+/y);
    return this.source[this.at] ?? '';
  }

  private took(sign: string): boolean {
    if (this.peek() !== sign) return false;
    this.at++;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.source) ?? [];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private wrong(what: string): SyntaxError {
    const line = this.source.slice(0, this.at).split('\n').length;
    return new SyntaxError(safe(`line ${line}: ${what}`));
  }
}
