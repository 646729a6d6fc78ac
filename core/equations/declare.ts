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

/**
 * Parses declarations; those before the first section name belong to the section `inputs`.
 * @throws EquationError with line and column.
 * @example declare('x [D] states h [H]', ['states'], 'leaky').sections.states // { h: ['H'] }
 */
export function declare(source: string, sections: readonly string[], where: string): Declared {
  const fail = (at: number, reason: string): EquationError => new EquationError(where, source, at, reason);
  const tokens: Token[] = Array.from(
    // replace comments by spaces, so that positions do not change
    source
      .replace(/#.*/g, (comment) => ' '.repeat(comment.length))
      .matchAll(/[A-Za-z_]\w*|\d+[A-Za-z]*|[[\],=]|[^\s]/g),
    (match) => ({
      text: match[0],
      at: match.index,
    }),
  );
  let next = 0;
  const peek = (): string | undefined => tokens[next]?.text;
  const take = (what: string, fits: (text: string) => boolean): string => {
    const { text, at } = tokens[next] ?? { text: 'the end', at: source.length };
    if (!fits(text) || next >= tokens.length) throw fail(at, `expected ${what}, got ${text}`);
    next++;
    return text;
  };
  const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text) && !keywords.includes(text);
  const isSize = (text: string): boolean => /^\d*[A-Za-z]\w*$|^[1-9]\d*$/.test(text);
  const keywords = [...sections, 'gates'];

  const shape = (): Shape => {
    take('[', (text) => text === '[');
    const sizes = [take('a size', isSize)];
    while (peek() === ',') {
      next++;
      sizes.push(take('a size', isSize));
    }
    take(']', (text) => text === ']');
    return sizes;
  };

  const declared: Declared = {
    sections: { inputs: {}, ...Object.fromEntries(sections.map((s) => [s, {}])) },
  };
  const all = new Set<string>();
  const name = (): string => {
    const at = tokens[next]?.at ?? source.length;
    const text = take('a name', isName);
    const wrong = badName(text);
    if (wrong !== undefined) throw fail(at, wrong);
    if (all.has(text)) throw fail(at, `${text} is declared twice`);
    all.add(text);
    return text;
  };
  let section = 'inputs';
  while (next < tokens.length) {
    if (sections.includes(tokens[next].text)) section = tokens[next++].text;
    else if (tokens[next].text === 'gates') {
      next++;
      const buffer = name();
      take('=', (text) => text === '=');
      const names = [name()];
      while (peek() !== '[') names.push(name());
      declared.gates = { buffer, names, size: shape()[0] };
    } else {
      const names = [name()];
      while (peek() === ',') {
        next++;
        names.push(name());
      }
      const own = shape();
      for (const each of names) declared.sections[section][each] = own;
    }
  }
  return declared;
}
