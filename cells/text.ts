/** User-defined cells as text files: sections of equations, and initializers of the parameters. They are data, not code. */
import { must, mustBe, mustBeSwitch, mustCount, mustKnowKeys } from '../core/check';
import { EquationError, unknown } from '../core/equations/error';
import { limits } from '../core/equations/parse';
import { constant, gates as eachGate, type Initializer } from '../core/random/init';
import { surroundingNames, weightInit, weightInitNames, type Cell, type CellEquations } from './cell';
import { cell } from './define';
import { surroundings } from './parts/linear';
import { recurrentMatrices } from './recurrent';
import { declare } from '../core/equations/declare';

/** Options of `cellFromText`. */
export interface TextCellOptions {
  /** D, the width of the input. */
  input: number;
  /** H, the number of hidden units. */
  hidden: number;
  /** The text: `cell NAME`, then the sections shapes, forward, backward, and optionally jacobian and start. */
  equations: string;
  /** As for the built-in cells: normalizes the input, adds the input to the output; default false. */
  layerNorm?: boolean;
  residual?: boolean;
}

const sections = ['shapes', 'forward', 'backward', 'jacobian', 'start'] as const;
type Section = (typeof sections)[number];
/** The sections that every cell must have. */
const required = ['shapes', 'forward', 'backward'] as const;
type Sections = Partial<Record<Section, string>> & Record<(typeof required)[number], string>;

/**
 * Creates a cell from a text of sections, each introduced by its name at the start of a line: `cell NAME`, `shapes`,
 * `forward`, `backward`, and optionally `jacobian` and `start`. Each line of `start` names a parameter and its initial
 * value: a number, or glorot, orthogonal, uniform, normal, identity, zeros; default glorot for a matrix, 0 for a vector. A
 * matrix of several gates is filled gate by gate.
 *
 * @throws EquationError with line and column for a syntax error, an unknown name or a shape mismatch; RangeError for sizes
 *   below 1.
 * @example
 * const text = `cell sum
 * shapes
 *   x [D]   states h [H]   parameters Wx [D, H]
 * forward
 *   h = hPrev + x @ Wx
 * backward
 *   dh = dhOut + dhNext
 *   dhPrev = dh
 *   dx = dh @ Wx.T
 *   dWx += x.T @ dh`;
 * gradcheck(cellFromText({ equations: text, input: 3, hidden: 4 })).ok; // true
 */
export function cellFromText(options: TextCellOptions): Cell {
  const where = 'cellFromText';
  mustKnowKeys(options, ['input', 'hidden', 'equations', 'name', ...surroundingNames], where);
  for (const name of surroundingNames) mustBeSwitch(options, name, where);
  const { input, hidden, equations: source } = options;
  mustCount(input, where, 'input');
  mustCount(hidden, where, 'hidden');
  must(typeof source === 'string', where, 'equations must be a text', source);
  if (source.length > limits.characters)
    throw new EquationError(
      'cell',
      '',
      0,
      `the text must have at most ${limits.characters} characters, got ${source.length}`,
    );
  const { name, text } = sectionsOf(source);
  const equations: CellEquations = {
    name,
    shapes: text.shapes,
    forward: text.forward,
    backward: text.backward,
    ...(text.jacobian !== undefined && { jacobian: text.jacobian }),
  };
  return cell(equations, {
    sizes: { D: input, H: hidden },
    init: startsOf(equations, text.start ?? '', hidden),
    options: { input, hidden, equations: source, ...surroundings(options) },
  });
}

/**
 * The text of a cell that is made from equations, in the format that `cellFromText` reads: a start for a cell of your own.
 * The recurrent matrices start orthogonal, the others as `cellFromText` does by default.
 *
 * @throws TypeError for a cell that has no equations, or that needs other sizes than D and H.
 * @example
 * const text = textOfCell(gru({ input: 3, hidden: 4 }));
 * cellFromText({ equations: text, input: 3, hidden: 4 }).parameters.Wh.shape // [4, 12]
 */
export function textOfCell(from: Cell): string {
  const { name, equations } = from;
  const where = 'textOfCell';
  mustBe(equations !== undefined, where, 'the cell must be made from equations, as a text', name);
  const { shapes, forward, backward, jacobian } = equations;
  const { sections: declared } = declare(shapes, ['states', 'parameters'], `${name}, shapes`);
  const sizes = Object.values(declared).flatMap((shaped) => Object.values(shaped).flat());
  const other = sizes.find((size) => !/^\d*[DH]$/.test(size));
  mustBe(other === undefined, where, 'the shapes of the cell must be of D and H alone', other);
  const recurrent = new Set((recurrentMatrices(from) ?? []).map(({ of }) => of));
  const start = Array.from(recurrent, (p) => `${p} orthogonal`).join('\n');
  const parts = Object.entries({ shapes, forward, backward, jacobian, start }).filter(([, part]) => part);
  return [
    `cell ${name}`,
    ...parts.map(([section, part = '']) => [section, ...indented(part)].join('\n')),
  ].join('\n\n');
}

const indented = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => `  ${line.trim()}`)
    .filter((line) => line !== '  ');

/** The sections of a text. Each is preceded by blank lines, so that messages give the line numbers of the file. */
function sectionsOf(source: string): { name: string; text: Sections } {
  const text: Partial<Record<Section, string>> = {};
  let name: string | undefined;
  let open: Section | undefined;
  let at = 0;
  const fail = (reason: string): EquationError => new EquationError(name ?? 'cell', source, at, reason);
  source.split('\n').forEach((line, row) => {
    const bare = line.replace(/^\uFEFF|#.*/g, '').trimEnd();
    if (/^\s/.test(bare) || bare === '') {
      if (open !== undefined) text[open] += `${line}\n`;
      else if (bare !== '') throw fail('the text must begin with: cell NAME');
    } else {
      const [word, ...rest] = bare.split(/\s+/);
      if (name === undefined) {
        if (word !== 'cell' || rest.length !== 1 || !/^[A-Za-z][\w-]*$/.test(rest[0]))
          throw fail('the text must begin with: cell NAME');
        [name] = rest;
      } else {
        const section = sections.find((one) => one === word);
        if (section === undefined || rest.length > 0)
          throw fail(`${unknown('section', bare, sections)}; indent the lines of a section`);
        if (section in text) throw fail(`there are two sections ${section}`);
        open = section;
        text[section] = '\n'.repeat(row + 1);
      }
    }
    at += line.length + 1;
  });
  at = source.length;
  if (name === undefined) throw fail('the text must begin with: cell NAME');
  for (const section of required) if (!(section in text)) throw fail(`there is no section ${section}`);
  return { name, text: text as Sections };
}

function startsOf(
  { name, shapes }: CellEquations,
  source: string,
  hidden: number,
): Record<string, Initializer> {
  const declared = declare(shapes, ['states', 'parameters'], `${name}, shapes`);
  const { parameters } = declared.sections;
  const init = Object.fromEntries(
    Object.entries(parameters).map(([p, shape]) => [
      p,
      shape.length > 1 ? weightInit('glorot', hidden, name) : constant(0),
    ]),
  );
  let at = 0;
  for (const line of source.split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    const fail = (reason: string): EquationError =>
      new EquationError(`${name}, start`, source, at + line.search(/\S/), reason);
    if (words[0] !== '') {
      const [p, start, ...rest] = words;
      if (!Object.hasOwn(parameters, p)) throw fail(unknown('parameter', p, Object.keys(parameters)));
      const known = weightInitNames.find((one) => one === start);
      if (
        rest.length > 0 ||
        (known === undefined && !(start !== undefined && Number.isFinite(Number(start))))
      )
        throw fail(
          `${p} must start as a number or one of ${weightInitNames.join(', ')}, got ${words.slice(1).join(' ') || 'nothing'}`,
        );
      init[p] = known === undefined ? constant(Number(start)) : weightInit(known, hidden, name);
    }
    at += line.length + 1;
  }
  const { gates } = declared;
  for (const [p, shape] of Object.entries(parameters))
    if (gates && shape.length === 2 && shape[1] === `${gates.names.length}${gates.size}`)
      init[p] = eachGate(gates.names.length, init[p]);
  return init;
}
