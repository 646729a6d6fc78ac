/** Events of a training run on text, as JSON and as lines for people. */
import { cellLabel } from '../run/cellchoice';
import { count, short, time } from '../core/format';
import { linesOfRun, rateNow, row, type RunEvent } from '../run/events';
import type { LossAxis } from '../run/plot';
import type { TextTokens } from '../io/vocabulary';
import type { TextSettings } from './settings';

export interface Start {
  event: 'start';
  settings: TextSettings;
  /** Training symbols, validation symbols, and vocabulary size. */
  symbols: number;
  validationSymbols: number;
  classes: number;
  parameters: number;
  threads: number;
  /** Steps made by the resumed run, or 0. */
  step: number;
  out: string;
}
export interface Step {
  event: 'step';
  step: number;
  /** Loss of this step in nats per character, and the running mean in bits per character, which is displayed. */
  loss: number;
  bits: number;
  charsPerSecond: number;
  gradientNorm: number;
  learningRate: number;
  /** Seconds since the start, and an estimate of the seconds left. */
  seconds: number;
  secondsLeft: number;
  /** Fraction of the run that is done, 0…1. */
  done: number;
}
export interface Validation {
  event: 'validation';
  step: number;
  loss: number;
  bits: number;
  /** Present if it has been lowered. */
  learningRate?: number;
}
export interface SampleEvent {
  event: 'sample';
  step: number;
  text: string;
}
export interface End {
  event: 'end';
  stopped: string;
  step: number;
  characters: number;
  seconds: number;
  training: number;
  validation?: number;
  validationSymbols?: number;
  /** Suggested next commands. */
  next: string[];
}
export type Event = Start | Step | Validation | SampleEvent | RunEvent | End;

export const BITS = 1 / Math.LN2;

/** What symbols are called: in full, and where there is little space. */
export const unitsOf = {
  characters: { many: 'characters', one: 'character', short: 'char' },
  words: { many: 'words', one: 'word', short: 'word' },
  'byte pairs': { many: 'byte pairs', one: 'byte pair', short: 'pair' },
} as const satisfies Record<TextTokens, Record<'many' | 'one' | 'short', string>>;

export const symbolBits = (tokens: TextTokens): LossAxis => ({
  label: `bits per ${unitsOf[tokens].one}`,
  unit: BITS,
});

/** The lines of an event; a step is one line, with the last validation beside it. */
export function linesOfEvent(event: Event, last?: Validation, tokens: TextTokens = 'characters'): string[] {
  const { short: unit } = unitsOf[tokens];
  switch (event.event) {
    case 'start':
      return startLines(event);
    case 'step':
      return [stepParts(event, last, tokens).join('  ')];
    case 'validation':
      return [
        `validation at step ${count(event.step)}: ${event.bits.toFixed(3)} bits/${unit}${rateNow(event)}`,
      ];
    case 'sample':
      return [
        `sample at step ${count(event.step)}:`,
        ...event.text
          .trim()
          .split('\n')
          .map((row) => `  ${row}`),
      ];
    case 'end':
      return endLines(event, tokens);
    default:
      return linesOfRun(event);
  }
}

/** The numbers in a step line. */
export function stepParts(step: Step, last?: Validation, tokens: TextTokens = 'characters'): string[] {
  return [`step ${count(step.step)}`, ...factsOf(step, last, tokens)];
}

/** The facts about a step, most important first. One unit: bits per symbol. */
export function factsOf(
  { bits, charsPerSecond, gradientNorm, secondsLeft }: Step,
  last?: Validation,
  tokens: TextTokens = 'characters',
): string[] {
  const { short: unit } = unitsOf[tokens];
  return [
    `${bits.toFixed(3)} bits/${unit}`,
    ...(last ? [`validation ${last.bits.toFixed(3)}`] : []),
    `${time(secondsLeft)} left`,
    `${count(charsPerSecond)} ${unit}s/s`,
    `gradient ${short(gradientNorm)}`,
  ];
}

function startLines({ settings: s, ...facts }: Start): string[] {
  const { symbols, validationSymbols, classes, parameters, threads, step, out } = facts;
  const { more = [], tokens = 'characters' } = s;
  const { many } = unitsOf[tokens];
  const name = more.length > 0 ? `${s.text} and ${plural(more.length, 'other file')}` : s.text;
  const limits = [
    s.steps === null ? '' : `to step ${count(s.steps)}`,
    s.seconds === null ? '' : `for ${s.seconds} s`,
  ];
  const kinds = {
    characters: `${classes - 1} distinct`,
    words: `${classes - 1} known`,
    'byte pairs': `${classes} known`,
  }[tokens];
  const rest =
    validationSymbols > 0 ? `, ${count(validationSymbols)} for validation` : '; too short for validation';
  return [
    row('text', `${name}: ${count(symbols)} ${many} for training${rest}; ${kinds}`),
    row(
      'network',
      `${s.embedding === undefined ? '' : `embedding of ${s.embedding}, `}${cellLabel(s.cell)}, ${plural(s.layers, 'layer')} of ${s.hidden}; ${count(parameters)} parameters; ${s.dtype}, ${s.executor} executor, ${plural(threads, 'thread')}`,
    ),
    row(
      'training',
      `${s.batch} × ${s.seq} ${many} a step; ${s.optimizer}, rate ${s.lr}${s.plateau === undefined ? '' : `, plateau ${s.plateau}`}, clip ${s.clip ?? 'off'}; ${limits.filter(Boolean).join(' and ')}`,
    ),
    row('output', step > 0 ? `${out}, from step ${count(step)} on` : out),
  ];
}

function endLines(
  { step, characters, seconds, training, validation, validationSymbols = 0, next }: End,
  tokens: TextTokens,
): string[] {
  const { many, short: unit } = unitsOf[tokens];
  const rate = seconds > 0 ? ` (${count(characters / seconds)} a second)` : '';
  const measured =
    validation === undefined
      ? ''
      : `, ${bitsOf(validation)} on ${count(validationSymbols)} validation ${many}`;
  return [
    row('trained', `to step ${count(step)}: ${count(characters)} ${many} in ${seconds.toFixed(1)} s${rate}`),
    row('result', `${bitsOf(training)} bits/${unit} in training${measured}`),
    '',
    'next:',
    ...next.map((command) => `  ${command}`),
  ];
}

const bitsOf = (loss: number): string => (loss * BITS).toFixed(3);
const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
