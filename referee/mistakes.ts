/**
 * Reads mistakes of real projects from text files: a cell with a wrong line, or a right cell with a section `planted` that
 * names a mistake outside its equations. The header of the file states the facts, as `# Project: …`.
 */
import { choiceOf } from '../cells/kinds';
import { cellFromText } from '../cells/text';
import { unknown } from '../core/equations/error';
import { checkProblem } from '../bptt/check/gradcheck';
import type { Oracle } from '../bptt/check/row';
import { networkCase, type GradcheckCase as CheckCase } from '../bptt/check/suite/networkcase';
import { problemOfCell, type Problem } from '../bptt/check/problem';
import { casesOfText } from '../bptt/check/suite/suite';
import { bidirectional } from '../bptt/network/layers/layer';
import { randomQuestion } from './cases';
import { Case } from './diagnose';
import type { Diagnosis } from './diagnosis';
import { NetworkCase } from './network';
import { structuralMistakes } from './structure';
import { Subject } from './subject';

/** Where a mistake outside the equations is planted. */
type Layout = keyof typeof layouts;

/** A mistake of a real project. */
export interface Mistake {
  /** The first line of the header. */
  title: string;
  /** `Project`, `Source`, `Harm`, `Right`, `Seen by`, `Diagnosis`; those that are given. */
  facts: Readonly<Record<string, string>>;
  /** The text of the cell; line numbers are those of the file. */
  equations: string;
  /** The mistake outside the equations. */
  planted?: { layout: Layout; words: string };
}

const [D, H] = [4, 5];
const sizes = { T: 5, B: 3 };
const lengths = [5, 2, 4];

const stacked =
  (both: boolean) =>
  (equations: string): Problem => {
    const layers = [D, both ? 4 : 3, both ? 4 : 3].map((input) => {
      const cell = cellFromText({ input, hidden: both ? 2 : 3, equations });
      return both ? bidirectional(cell) : cell;
    });
    return networkCase('network', '', {}, () => ({ layers, output: 6, loss: 'softmax' })).problem(1);
  };

const layouts = {
  'one layer': (equations: string) => problemOfCell(cellFromText({ input: D, hidden: H, equations }), sizes),
  'one layer of unequal lengths': (equations: string) =>
    problemOfCell(cellFromText({ input: D, hidden: H, equations }), { ...sizes, lengths }),
  'both directions': (equations: string) =>
    problemOfCell(bidirectional(cellFromText({ input: D, hidden: 3, equations })), sizes),
  'three layers': stacked(false),
  'three layers in both directions': stacked(true),
} as const;

/**
 * Reads a mistake; the text of a cell without a header or a section `planted` is valid, too.
 * @throws EquationError when the text holds no cell; RangeError for a section `planted` that names nothing known.
 */
export function readMistake(text: string): Mistake {
  const lines = text.split('\n');
  const header = lines.slice(
    0,
    Math.max(
      0,
      lines.findIndex((line) => !line.startsWith('#')),
    ),
  );
  const [title = '', ...described] = header.map((line) => line.replace(/^#\s*/, ''));
  const facts: Record<string, string> = {};
  let last = '';
  described.forEach((line) => {
    const [, name, value] = /^([A-Z][A-Za-z ]*): (.*)$/.exec(line) ?? [];
    if (name !== undefined) facts[(last = name)] = value;
    else if (last !== '' && line !== '') facts[last] += ` ${line}`;
  });
  const at = lines.findIndex((line) => line.trimEnd() === 'planted');
  if (at < 0) {
    cellFromText({ input: D, hidden: H, equations: text });
    return { title, facts, equations: text };
  }
  const equations = lines.slice(0, at).join('\n');
  cellFromText({ input: D, hidden: H, equations });
  const instruction = lines
    .slice(at + 1)
    .map((line) => line.trim())
    .join(' ')
    .trim();
  const [, layout = instruction, words = ''] = /^([^:]*): (.*)$/.exec(instruction) ?? [];
  if (!Object.hasOwn(layouts, layout))
    throw new RangeError(`planted: ${unknown('layout', layout, Object.keys(layouts))}`);
  const planted = { layout: layout as Layout, words };
  plant(layouts[planted.layout](equations), words);
  return { title, facts, equations, planted };
}

/** The problem with the mistake in its backward pass. */
function plant(problem: Problem, words: string): Problem {
  const all = structuralMistakes(problem);
  const found = all.find((one) => one.words === words);
  if (!found) {
    const known = all.map((one) => one.words);
    throw new RangeError(`planted: ${unknown('mistake', words, known)}`);
  }
  return { ...problem, backward: found.backward() };
}

/** The problems for the oracles: the layout of a planted mistake, or the cell alone, with lengths, and bidirectional. */
export function casesOfMistake({ equations, planted }: Mistake): CheckCase[] {
  if (!planted) return casesOfText(equations);
  const { name } = cellFromText({ input: D, hidden: H, equations });
  const { layout, words } = planted;
  const problem = (): Problem => plant(layouts[layout](equations), words);
  return [{ group: name, name: `${name}, ${layout}`, cells: [], problem }];
}

/** Oracles that check the gradients of a whole network. */
const watching = ['differences', 'forwardMode', 'exact'] as const satisfies readonly Oracle[];

/** The oracles that detect the mistake. */
export function seenBy(mistake: Mistake): Record<(typeof watching)[number], boolean> {
  const [{ problem, cells }] = casesOfMistake(mistake);
  const { rows } = checkProblem(problem(1), cells, { oracles: [...watching], coordinates: 6, directions: 2 });
  const wrong = (oracle: Oracle): boolean =>
    rows.some((row) => row.oracle === oracle && row.verdict === 'wrong');
  return { differences: wrong('differences'), forwardMode: wrong('forwardMode'), exact: wrong('exact') };
}

/**
 * The diagnosis of its gradients, from the numbers alone. A wrong line is compared with the cell that the header names
 * after `Right:`; undefined if there is none.
 */
export function diagnosisOf({ equations, planted, facts }: Mistake): Diagnosis | undefined {
  if (planted) {
    const problem = layouts[planted.layout](equations);
    const one = new NetworkCase(problem);
    return one.judge(one.gradientsBy(plant(problem, planted.words).backward), 'float64');
  }
  const right = facts.Right === undefined ? undefined : choiceOf(facts.Right)?.make;
  if (!right) return undefined;
  const question = randomQuestion({ ...sizes, D, H }, right, 1);
  const theirs = new Subject(question, cellFromText({ input: D, hidden: H, equations }));
  theirs.run();
  return new Case(question).judge(theirs.gradients(), 'float64');
}
