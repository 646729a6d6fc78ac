/** Protocol between the referee and a program: one line of JSON for a question, one for its answer. */
import { isRecord } from '../core/check';
import { shortened } from '../core/format';
import { rowMajor, toNested, isTensor, type Numbers } from '../core/tensor';
import { precisions, type Precision } from './errorbound';
import type { Question } from './subject';

/** A parsed answer. */
export interface Answer {
  precision: Precision;
  /** `output`, and `hT` for the last state h. */
  values: AnswerNumbers;
  /** `dx`, `dWx`, `dh0`. */
  gradients: AnswerNumbers;
  /** Why the program skips this question. */
  skip?: string;
}

/** Numbers by name; NaN where a value is not a number. */
export type AnswerNumbers = Record<string, Numbers>;

/** Thrown for an invalid answer; the message gives the reason. */
export class BadAnswer extends Error {}

const listed = (numbers: Numbers | undefined): unknown =>
  numbers !== undefined && isTensor(numbers) ? toNested(numbers) : numbers;

/** Options that are not sent: initialization, which has no effect here, and sizes, which have a field of their own. */
const elsewhere = ['input', 'hidden', 'inputInit', 'recurrentInit', 'forgetBias', 'inputBias', 'chrono'];

/** Serializes a question to one line, with an id that the answer must repeat. */
export function lineOf(question: Question, id: number): string {
  const { cell, x, parameters, initial = {}, lengths, dOutput, dFinal = {} } = question;
  const all = (of: Readonly<Record<string, Numbers>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(of).map(([name, numbers]) => [name, listed(numbers)]));
  const shape = rowMajor(x, 'referee', 'x').shape;
  const options = Object.entries(cell.options ?? {}).filter(([name]) => !elsewhere.includes(name));
  return JSON.stringify({
    ...{ id, cell: cell.name, options: Object.fromEntries(options) },
    sizes: { T: shape[0], B: shape[1], D: cell.input, H: cell.hidden },
    lengths: lengths ?? Array<number>(shape[1]).fill(shape[0]),
    ...{ parameters: all(parameters), x: listed(x), initial: all(initial) },
    ...{ dOutput: listed(dOutput), dFinal: all(dFinal) },
  });
}

/** Parses an answer. @throws BadAnswer if it is not a valid answer to the question with this id. */
export function answerOf(line: string, id: number, states: readonly string[]): Answer {
  const answer = parse(line);
  const refuse = (what: string): never => {
    throw new BadAnswer(what);
  };
  if (!isRecord(answer)) return refuse(`an answer must be a JSON object, got ${shortened(line)}`);
  if (answer.id !== id)
    return refuse(`the answer must have the id ${id}, got ${shortened(JSON.stringify(answer.id) ?? 'none')}`);
  if (typeof answer.skip === 'string')
    return { precision: 'float64', values: {}, gradients: {}, skip: answer.skip.slice(0, 200) };
  if (answer.error !== undefined)
    return refuse(
      `the program reports: ${shortened(typeof answer.error === 'string' ? answer.error : JSON.stringify(answer.error))}`,
    );
  const { dtype = 'float64', output, final = {}, gradients = {} } = answer;
  if (typeof dtype !== 'string' || !Object.hasOwn(precisions, dtype))
    return refuse(
      `dtype must be one of ${Object.keys(precisions).join(', ')}, got ${shortened(JSON.stringify(dtype))}`,
    );
  if (!isRecord(final)) return refuse('final must be an object of last states');
  if (!isRecord(gradients)) return refuse('gradients must be an object');
  for (const name of Object.keys(final))
    if (!states.includes(name))
      return refuse(`final must be among ${states.join(', ')}, got ${shortened(name)}`);
  const values: AnswerNumbers = {};
  if (output !== undefined) values.output = numbersOf(output, 'output');
  for (const [s, numbers] of Object.entries(final)) values[`${s}T`] = numbersOf(numbers, `final.${s}`);
  const derived = Object.entries(gradients).map(
    ([name, numbers]) => [name, numbersOf(numbers, name)] as const,
  );
  return { precision: dtype as Precision, values, gradients: Object.fromEntries(derived) };
}

/** Parses JSON, and also the NaN and infinities that Python and others write, and a byte order mark at the beginning. */
function parse(answer: string): unknown {
  const line = answer.replace(/^\uFEFF/, '');
  const plain = line.replace(/-?\b(NaN|nan)\b/g, 'null').replace(/\b(Infinity|inf)\b/g, '1e999');
  for (const text of [line, plain])
    try {
      return JSON.parse(text) as unknown;
    } catch {
      /* reported below */
    }
  throw new BadAnswer(
    `an answer must be one line of JSON, got ${line.trim() === '' ? 'an empty line' : shortened(line)} (messages belong on standard error)`,
  );
}

/** Maximum nesting depth of lists. */
const DEPTH = 3;

/** Flattens nested lists of numbers, with their shape. */
function numbersOf(value: unknown, name: string): Numbers {
  const filled = (level: unknown, depth: number): unknown => {
    if (level === null) return NaN;
    if (!Array.isArray(level)) return level;
    if (depth === 0) throw new BadAnswer(`${name} must be lists of at most ${DEPTH} levels`);
    return level.map((one) => filled(one, depth - 1));
  };
  const lists = filled(value, DEPTH);
  if (!Array.isArray(lists))
    throw new BadAnswer(`${name} must be a list of numbers, got ${shortened(JSON.stringify(value))}`);
  try {
    rowMajor(lists, 'answer', name);
  } catch (error) {
    throw new BadAnswer((error as Error).message.replace(/^answer: /, ''));
  }
  return lists as Numbers;
}
