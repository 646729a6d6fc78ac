/** Exercises in deriving a backward pass: each line that is typed is judged by the exact oracle. */
import { elman } from '../../cells/elman';
import { gru } from '../../cells/gru';
import { jordan } from '../../cells/jordan';
import { lstm } from '../../cells/lstm';
import type { Cell, CellEquations } from '../../cells/cell';
import { cellFromText } from '../../cells/text';
import { mustBeOneOf } from '../../core/check';
import { nearest } from '../../core/nearest';
import type { EquationError } from '../../core/equations/error';
import { parse, type Equation } from '../../core/equations/parse';
import { namesIn } from '../../core/equations/steps';
import { Grader, type Grade, type HintLevel } from '../../referee/grade';
import { equationLines } from '../equations/lines';

/** An exercise: the forward equations are given, the backward ones are to be found. */
export interface Exercise {
  name: string;
  title: string;
  /** Its subject, in one sentence. */
  about: string;
  forward: string;
  /** Gradients that must be found: `dx`, `dhPrev`, `dWx`. */
  wanted: string[];
  /** Gradients that come from outside: from the output and from the step after. */
  given: string[];
}

/** The verdict on one line. */
export interface JudgedLine {
  text: string;
  /**
   * `partial`: right, and one of several paths; `unused`: no line reads it yet, so it cannot be judged; `unread`: it cannot
   * be parsed, or its shapes do not fit.
   */
  verdict: 'right' | 'wrong' | 'partial' | 'unused' | 'unread';
  /** A hint at the mistake, as detailed as the requested level. */
  hint?: string;
  /** Of a line that cannot be read: where, counted from 1. */
  column?: number;
}

export interface JudgedDerivation {
  lines: JudgedLine[];
  /** Gradients of `wanted` for which there is no right line yet. */
  missing: string[];
  /** All gradients were found, and the lines by themselves are proved right. */
  solved: boolean;
}

interface Solution extends Omit<CellEquations, 'name' | 'jacobian'> {
  title: string;
  about: string;
}

const sizes = { input: 4, hidden: 5 };
const ofCell = (title: string, about: string, { equations }: { equations?: CellEquations }): Solution => {
  const { shapes, forward, backward } = equations as CellEquations;
  // texts know two sizes: here an output is as wide as the hidden layer
  return { title, about, shapes: shapes.replace(/\bO\b/g, 'H'), forward, backward };
};

/** The exercises, in rising order, with their answers. */
const solutions: Readonly<Record<string, Solution>> = {
  product: {
    title: 'A product',
    about: 'A product gives its gradient to both of its factors.',
    shapes: 'x [D]   states h [H]   parameters W [D, H]',
    forward: '  h = hPrev + x @ W',
    backward: '  dh = dhOut + dhNext\n  dhPrev = dh\n  dx = dh @ W.T\n  dW += x.T @ dh',
  },
  squash: {
    title: 'A squashing function',
    about: 'The slope of a function of each element can be stated by its result.',
    shapes: 'x [D]   states h [H]   parameters W [D, H]   b [H]',
    forward: '  z = x @ W + b\n  s = sigmoid(z)\n  h = hPrev + s',
    backward:
      '  dh = dhOut + dhNext\n  dhPrev = dh\n  dz = dh * s * (1 - s)\n  dx = dz @ W.T\n  dW += x.T @ dz\n  db += sum(dz)',
  },
  gate: {
    title: 'A gate',
    about: 'In an elementwise product, each factor is the slope of the other.',
    shapes: 'x [D]   states h [H]   parameters W [D, H]',
    forward: '  z = x @ W\n  g = sigmoid(z)\n  h = g * hPrev',
    backward:
      '  dh = dhOut + dhNext\n  dhPrev = dh * g\n  dz = dh * hPrev * g * (1 - g)\n  dx = dz @ W.T\n  dW += x.T @ dz',
  },
  clip: {
    title: 'Clipping',
    about: 'Where a value is cut off, no gradient passes. step(v) is 1 for v > 0, else 0.',
    shapes: 'x [D]   states h [H]   parameters W [D, H]',
    forward: '  z = x @ W\n  c = min(max(z, -1), 1)\n  h = hPrev + c',
    backward:
      '  dh = dhOut + dhNext\n  dhPrev = dh\n  dz = dh * step(z + 1) * step(1 - z)\n  dx = dz @ W.T\n  dW += x.T @ dz',
  },
  elman: ofCell('Elman', 'The state is read twice: by the output, and by the next step.', elman(sizes)),
  jordan: ofCell(
    'Jordan',
    'The output is fed back, in place of the hidden layer.',
    jordan({ ...sizes, output: 5 }),
  ),
  gru: ofCell('GRU', 'The old state is read in four places.', gru(sizes)),
  lstm: ofCell('LSTM', 'Two paths lead to h, and two lead to c.', lstm(sizes)),
  peepholes: ofCell(
    'LSTM with peepholes',
    'The gates read the cell state, too: more paths lead back to it.',
    lstm({ ...sizes, peepholes: true }),
  ),
  softmax: {
    title: 'Softmax',
    about: 'Each probability depends on every score of its row. sum(…, axis=1) adds along a row.',
    shapes: 'x [D]   states h [H]   parameters W [D, H]',
    forward: '  y = x @ W\n  total = logsumexp(y, axis=1)\n  p = exp(y - total)\n  h = p * hPrev',
    backward:
      '  dh = dhOut + dhNext\n  dhPrev = dh * p\n  dp = dh * hPrev\n  pdp = p * dp\n  mean = sum(pdp, axis=1)\n  dy = p * (dp - mean)\n  dx = dy @ W.T\n  dW += x.T @ dy',
  },
  attention: {
    title: 'Attention',
    about: 'The rows of a memory E are read twice: by the scores, and by their weighted mean.',
    shapes: 'x [D]   states h [H]   parameters E [D, H]   W [D, H]',
    forward:
      '  score = hPrev @ E.T\n  total = logsumexp(score, axis=1)\n  w = exp(score - total)\n  c = w @ E\n  h = c + x @ W',
    backward:
      '  dh = dhOut + dhNext\n  dw = dh @ E.T\n  wdw = w * dw\n  mean = sum(wdw, axis=1)\n  dscore = w * (dw - mean)\n  dhPrev = dscore @ E\n  dE += w.T @ dh\n  dE += dscore.T @ hPrev\n  dx = dh @ W.T\n  dW += x.T @ dh',
  },
};

/** Names of the exercises, in rising order. */
export const exerciseNames: readonly string[] = Object.keys(solutions);

const derivations = new Map<string, Derivation>();

/** The judge of an exercise, made once. */
export function derivationOf(name: string): Derivation {
  const made = derivations.get(name) ?? new Derivation(name);
  derivations.set(name, made);
  return made;
}

/** All exercises, in rising order. */
export const allExercises = (): Exercise[] => exerciseNames.map((name) => derivationOf(name).exercise);

/** An exercise, and the judge of answers to it. */
export class Derivation {
  readonly exercise: Exercise;
  private readonly answer: readonly Line[];
  private readonly cell: Cell;
  /** Made when a line is judged for the first time: it takes longer than all the rest. */
  private grader: Grader | undefined;
  /** Gradients that hold those of several gates: `da`. */
  private readonly buffers: readonly string[];
  private readonly grades = new Map<string, Grade>();

  /** @throws RangeError for a name that is not among `exerciseNames`. */
  constructor(private readonly name: string) {
    mustBeOneOf(name, exerciseNames, 'playground', 'the exercise');
    const { title, about, shapes, forward, backward } = solutions[name];
    this.answer = equationLines(backward).map((text) => this.lineOf(text));
    this.buffers = [...shapes.matchAll(/gates\s+(\w+)\s*=/g)].map(([, buffer]) => `d${buffer}`);
    const equations = this.whole(this.answer.map(({ text }) => text));
    this.cell = cellFromText({ ...sizes, equations });
    const states = Object.keys(this.cell.states);
    const wanted = [
      'dx',
      ...states.map((s) => `d${s}Prev`),
      ...Object.keys(this.cell.parameters).map((p) => `d${p}`),
    ];
    const given = [`d${states[0]}Out`, ...states.map((s) => `d${s}Next`)];
    this.exercise = {
      ...{ name, title, about, wanted, given },
      forward: equationLines(forward).join('\n'),
    };
  }

  /** Judges lines in order and independently: lines of the answer replace missing or wrong ones. */
  judge(text: string, level: HintLevel): JudgedDerivation {
    const typed = equationLines(text);
    const right: string[] = [];
    /** Lines that are judged with the lines that need them. */
    let open: JudgedLine[] = [];
    const lines = typed.map((line, k): JudgedLine => {
      const equation = readLine(line, this.name);
      if ('reason' in equation)
        return { text: line, verdict: 'unread', hint: equation.reason, column: equation.column };
      const { name, accumulate } = equation;
      const reads = [...namesIn(equation.expression), ...(accumulate ? [name] : [])];
      const needed = open.filter(({ text: other }) => reads.some((read) => this.covers(nameOf(other), read)));
      // a gradient of several paths may be added up in several lines
      const rest = typed.slice(k + 1).filter((next) => accumulates(next, name));
      const own = [...needed.map((other) => other.text), line];
      const tried = [...right, ...own, ...(accumulate ? [] : rest)];
      const judged: JudgedLine = { text: line, verdict: 'unused' };
      if (this.isRead(name, tried))
        Object.assign(judged, this.verdictOn(name, tried, accumulate ? rest : [], level));
      if (judged.verdict === 'unused' || judged.verdict === 'partial') open.push(judged);
      if (judged.verdict === 'right') {
        right.push(...own);
        for (const other of needed) Object.assign(other, { verdict: 'right', hint: undefined });
        open = open.filter((other) => !needed.includes(other));
      }
      return judged;
    });
    for (const line of lines) if (line.verdict === 'unused') Object.assign(line, this.misspelled(line.text));
    const missing = this.missing(right);
    const complete = missing.length === 0 && lines.every(({ verdict }) => verdict === 'right');
    return {
      lines,
      missing,
      solved: complete && this.grade(this.whole(right), 'quantity').verdict === 'right',
    };
  }

  /** The first line of the answer that is still missing: one that is not wrong after the typed lines. */
  next(text: string): string | undefined {
    const found = this.judge(text, 'quantity').lines.filter(({ verdict }) => verdict === 'right');
    const names = new Set(found.map((line) => nameOf(line.text)));
    const open = this.answer.filter((line) => !names.has(line.equation.name));
    const fits = (line: Line): boolean =>
      this.judge(`${text}\n${line.text}`, 'quantity').lines.at(-1)?.verdict !== 'wrong';
    return (open.find(fits) ?? open.at(0))?.text;
  }

  /** The gradient that the name of a line nobody reads may stand for. */
  private misspelled(text: string): Pick<JudgedLine, 'hint'> {
    const name = nameOf(text);
    const { wanted } = this.exercise;
    const same = wanted.find((one) => one !== name && one.toLowerCase() === name.toLowerCase());
    // a short name that differs by a letter, as dz from dx, may be one of the learner's own
    const near = same ?? (name.length > 4 ? nearest(name, wanted) : undefined);
    return near === undefined ? {} : { hint: `did you mean ${near}?` };
  }

  /** @param rest later lines that add to the same gradient */
  private verdictOn(
    name: string,
    tried: string[],
    rest: string[],
    level: HintLevel,
  ): Omit<JudgedLine, 'text'> {
    const whole = this.completed(tried);
    const grade = this.grade(whole, 'quantity');
    if (grade.verdict === 'right') return { verdict: 'right' };
    if (grade.verdict === 'unreadable') return unread(grade.error ?? '', whole, tried);
    // the answer's further paths of the same gradient
    const more = this.answer.filter(({ equation: own }) => own.name === name && own.accumulate);
    const completes = (added: readonly string[]): boolean =>
      this.grade(this.completed([...tried, ...added]), 'quantity').verdict === 'right';
    // or the learner's own, further down
    if (subsets(more.map(({ text }) => text)).some(completes) || completes(rest))
      return {
        verdict: 'partial',
        hint: `Right so far; more paths lead to ${name.slice(1)}: add them with +=.`,
      };
    return { verdict: 'wrong', hint: `${name} is not right${this.hintAt(whole, name, level)}.` };
  }

  /** What follows the name of a wrong gradient: nothing, where to look, or the correction. */
  private hintAt(whole: string, name: string, level: HintLevel): string {
    if (level === 'quantity') return '';
    const { hint: kind = '' } = this.grade(whole, 'kind');
    const isKnown = !kind.endsWith(UNKNOWN);
    if (!isKnown) return this.hintFromAnswer(name, level) ?? `: ${UNKNOWN}`;
    if (level === 'kind') return kind.slice(kind.indexOf(': ')).replaceAll('`', '');
    const { hint = '' } = this.grade(whole, level);
    const correction = hint.slice(hint.indexOf('; ') + 2).replaceAll('`', '');
    return `: ${correction.replace(/\(line \d+: /g, '(the line is ')}`;
  }

  /** Of a mistake that no single change explains: the lines that read the value, or the right ones. */
  private hintFromAnswer(name: string, level: HintLevel): string | undefined {
    if (level === 'kind') {
      const readers = equationLines(this.exercise.forward).filter((line) =>
        namesIn(this.lineOf(line).equation.expression).some((read) => this.covers(name, `d${read}`)),
      );
      return readers.length > 0
        ? `: look at where ${name.slice(1)} is read: ${readers.join('; ')}`
        : undefined;
    }
    const lines = this.answer.filter(({ equation }) => equation.name === name).map(({ text }) => text);
    if (lines.length === 0) return undefined;
    return `: the ${lines.length > 1 ? 'lines are' : 'line is'} ${lines.join('; ')}`;
  }

  private graderOf(): Grader {
    // the grader names gradients of initial states: dh0
    const points = Object.fromEntries(
      this.exercise.wanted.map((gradient) => [gradient.replace(/^(d\w+)Prev$/, '$10'), 1]),
    );
    return new Grader({ cell: this.name, points }, () => this.cell);
  }

  private grade(text: string, level: HintLevel): Grade {
    const key = `${level} ${text}`;
    const grade = this.grades.get(key) ?? (this.grader ??= this.graderOf()).grade(text, level);
    this.grades.set(key, grade);
    return grade;
  }

  /**
   * The typed lines and the additional lines of the answer that they need, each before the first line that reads it.
   */
  private completed(typed: readonly string[]): string {
    const beside = new Set(this.beside(typed));
    const all: string[] = [];
    const put = ({ text, equation }: Line): void => {
      for (const line of [...beside]) {
        if (!namesIn(equation.expression).some((read) => this.covers(line.equation.name, read))) continue;
        if (beside.delete(line)) put(line);
      }
      all.push(text);
    };
    for (const line of typed) put(this.lineOf(line));
    for (const line of [...beside]) if (beside.delete(line)) put(line);
    return this.whole(all);
  }

  /** Lines of the answer for gradients that the typed lines do not compute, and for what those lines read. */
  private beside(typed: readonly string[]): Line[] {
    const own = typed.map((line) => this.lineOf(line));
    let lines = this.answer.filter(
      ({ equation: { name } }) => !own.some(({ equation }) => equation.name === name),
    );
    for (;;) {
      const reads = [...own, ...lines].flatMap(({ equation }) => namesIn(equation.expression));
      const isNeeded = (name: string): boolean =>
        this.isWanted(name) || reads.some((read) => this.covers(name, read));
      const needed = lines.filter(({ equation: { name } }) => isNeeded(name));
      if (needed.length === lines.length) return needed;
      lines = needed;
    }
  }

  private lineOf(text: string): Line {
    return { text, equation: parse(text, this.name)[0] };
  }

  /** Whether reading one name reads another: the same one, or in one buffer the same gate, as `da` and `dai`. */
  private covers(name: string, read: string): boolean {
    return (
      read === name ||
      this.buffers.some((buffer) => {
        if (!name.startsWith(buffer) || !read.startsWith(buffer)) return false;
        const [own, other] = [name.slice(buffer.length), read.slice(buffer.length)];
        return own === '' || other === '' || [...own].some((gate) => other.includes(gate));
      })
    );
  }

  /** Whether a gradient is one of the wanted ones, or some columns of one. */
  private isWanted(name: string): boolean {
    return this.exercise.wanted.some((wanted) => name.startsWith(wanted));
  }

  private isRead(name: string, typed: readonly string[]): boolean {
    const lines = [...typed.map((line) => this.lineOf(line)), ...this.beside(typed)];
    const reads = lines.flatMap(({ equation }) => namesIn(equation.expression));
    return this.isWanted(name) || reads.some((read) => this.covers(name, read));
  }

  private missing(right: readonly string[]): string[] {
    const found = right.map(nameOf);
    return this.exercise.wanted.filter((wanted) => {
      const parts = this.answer
        .map(({ equation }) => equation.name)
        .filter((name) => name.startsWith(wanted));
      const own = parts.includes(wanted) ? [wanted] : parts;
      return !found.includes(wanted) && !own.every((name) => found.includes(name));
    });
  }

  private whole(backward: readonly string[]): string {
    const { shapes, forward } = solutions[this.name];
    const section = (title: string, lines: readonly string[]): string =>
      [title, ...lines.map((line) => `  ${line}`)].join('\n');
    return [
      `cell ${this.name}`,
      section('shapes', equationLines(shapes)),
      section('forward', equationLines(forward)),
      section('backward', backward),
    ].join('\n');
  }
}

/** How a grade says that it knows no single mistake that gives these gradients. */
const UNKNOWN = 'no single mistake that is known here explains it';

interface Line {
  text: string;
  equation: Equation;
}

/** All subsets but the empty one. */
const subsets = <T>(items: readonly T[]): T[][] =>
  items.reduce<T[][]>((found, item) => [...found, ...found.map((some) => [...some, item]), [item]], []);

const nameOf = (line: string): string => /^\w+/.exec(line)?.[0] ?? '';
const accumulates = (line: string, name: string): boolean => nameOf(line) === name && /^\w+\s*\+=/.test(line);
/** A line as an equation, or why it is none. */
function readLine(line: string, where: string): Equation | EquationError {
  try {
    return parse(line, where)[0];
  } catch (error) {
    return error as EquationError;
  }
}

/** Why the last of some lines cannot be read, and where, if the error is in it. */
function unread(error: string, whole: string, tried: readonly string[]): Omit<JudgedLine, 'text'> {
  const [all, line = '', column = ''] = /^.*?line (\d+), column (\d+): /.exec(error) ?? [''];
  const text = whole.split('\n')[Number(line) - 1] ?? '';
  const indent = text.length - text.trimStart().length;
  const isOwn = text.trim() === tried[tried.length - 1];
  return {
    verdict: 'unread',
    hint: error.slice(all.length),
    ...(isOwn && { column: Number(column) - indent }),
  };
}
