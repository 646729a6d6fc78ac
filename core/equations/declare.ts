/**
 * Parses declarations of shapes: `x [D]   states h, c [H]   parameters Wx [D, 4H]  b [4H]   gates a = i f g o [H]`.
 *
 * The name of a section starts it; several names may share a shape. The declaration of gates names their buffer, the
 * gates in the order of its columns, and the width of one gate.
 */
import { badName, EquationError } from './error';
import type { Gates } from './scope';
import type { Shape } from './shapes';

export interface Declared {
  /** Shapes by section and name, in the order of the text. */
  sections: Record<string, Record<string, Shape>>;
  gates?: Gates;
}

interface Token {
  text: string;
  at: number;
}

const isSize = (text: string): boolean => /^\d*[A-Za-z]\w*$|^[1-9]\d*$/.test(text);

/** The words of a text of declarations, one after the other. */
class Words {
  private readonly tokens: readonly Token[];
  private next = 0;
  private readonly declared = new Set<string>();

  constructor(
    private readonly source: string,
    private readonly keywords: readonly string[],
    private readonly where: string,
  ) {
    // replace comments by spaces, so that positions do not change
    const bare = source.replace(/#.*/g, (comment) => ' '.repeat(comment.length));
    this.tokens = Array.from(bare.matchAll(/[A-Za-z_]\w*|\d+[A-Za-z]*|[[\],=]|[^\s]/g), (match) => ({
      text: match[0],
      at: match.index,
    }));
  }

  /** The word to come; undefined at the end. */
  get peek(): string | undefined {
    return this.tokens[this.next]?.text;
  }

  /** The next word, which must be one that fits. */
  take(what: string, fits: (text: string) => boolean): string {
    const token = this.tokens[this.next];
    if (!token || !fits(token.text))
      throw this.error(token?.at, `expected ${what}, got ${token?.text ?? 'the end'}`);
    this.next++;
    return token.text;
  }

  /** The next word if it is this one. */
  skip(text: string): boolean {
    const found = this.peek === text;
    if (found) this.next++;
    return found;
  }

  /** A name that has not been declared before. */
  name(): string {
    const at = this.tokens[this.next]?.at;
    const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text) && !this.keywords.includes(text);
    const text = this.take('a name', isName);
    const wrong = badName(text);
    if (wrong !== undefined) throw this.error(at, wrong);
    if (this.declared.has(text)) throw this.error(at, `${text} is declared twice`);
    this.declared.add(text);
    return text;
  }

  /** Sizes in brackets. */
  shape(): Shape {
    this.take('[', (text) => text === '[');
    const sizes = [this.take('a size', isSize)];
    while (this.skip(',')) sizes.push(this.take('a size', isSize));
    this.take(']', (text) => text === ']');
    return sizes;
  }

  private error(at: number | undefined, reason: string): EquationError {
    return new EquationError(this.where, this.source, at ?? this.source.length, reason);
  }
}

/**
 * Parses declarations; those before the first section name belong to the section `inputs`.
 * @throws EquationError with line and column.
 * @example declare('x [D] states h [H]', ['states'], 'leaky').sections.states // { h: ['H'] }
 */
export function declare(source: string, sections: readonly string[], where: string): Declared {
  const declared: Declared = {
    sections: { inputs: {}, ...Object.fromEntries(sections.map((s) => [s, {}])) },
  };
  const words = new Words(source, [...sections, 'gates'], where);
  let section = 'inputs';
  while (words.peek !== undefined) {
    const begun = sections.find((name) => words.skip(name));
    if (begun !== undefined) section = begun;
    else if (words.skip('gates')) {
      const buffer = words.name();
      words.take('=', (text) => text === '=');
      const names = [words.name()];
      while (words.peek !== '[') names.push(words.name());
      declared.gates = { buffer, names, size: words.shape()[0] };
    } else {
      const names = [words.name()];
      while (words.skip(',')) names.push(words.name());
      const shape = words.shape();
      for (const each of names) declared.sections[section][each] = shape;
    }
  }
  return declared;
}
