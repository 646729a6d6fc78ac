/** What happens in a training run, as told to people and to machines. */
import type { GradcheckReport, GradcheckRow } from '../bptt/check/gradcheck';
import type { Reason } from '../bptt/check/judge';
import { cellLabel } from './cellchoice';
import type { Settings } from './settings';

export interface Start {
  event: 'start';
  settings: Settings;
  /** Symbols to learn from, symbols to validate on, and how many different ones there are. */
  symbols: number;
  validationSymbols: number;
  classes: number;
  parameters: number;
  threads: number;
  /** Steps made before, by the run that this one resumes. */
  step: number;
  out: string;
}
export interface Step {
  event: 'step';
  step: number;
  /** Nats per character of this step, and the running mean of bits per character that people are shown. */
  loss: number;
  bits: number;
  charsPerSecond: number;
  gradientNorm: number;
  learningRate: number;
  /** Seconds since the start, and about how many are left. */
  seconds: number;
  secondsLeft: number;
  /** How much of the run is done, 0…1. */
  done: number;
}
export interface Validation {
  event: 'validation';
  step: number;
  loss: number;
  bits: number;
}
export interface Sample {
  event: 'sample';
  step: number;
  text: string;
}
export interface Saved {
  event: 'saved';
  step: number;
  files: string[];
  bytes: number;
  /** Where the model of another run is now that was in the place of this one. */
  kept?: string;
}
export type Gradcheck = { event: 'gradcheck' } & GradcheckReport;
export interface End {
  event: 'end';
  stopped: string;
  step: number;
  characters: number;
  seconds: number;
  training: number;
  validation?: number;
  validationSymbols?: number;
  /** Commands to go on with. */
  next: string[];
}
export type Event = Start | Step | Validation | Sample | Saved | Gradcheck | End;

export const BITS = 1 / Math.LN2;

/** An event as lines for people; a step is one line, with the last validation beside it. */
export function lines(event: Event, last?: Validation): string[] {
  switch (event.event) {
    case 'start':
      return startLines(event);
    case 'step':
      return [stepParts(event, last).join('  ')];
    case 'validation':
      return [`validation at step ${count(event.step)}: ${event.bits.toFixed(3)} bits/char`];
    case 'sample':
      return [
        `sample at step ${count(event.step)}:`,
        ...event.text
          .trim()
          .split('\n')
          .map((row) => `  ${row}`),
      ];
    case 'saved':
      return [
        row('saved', `${event.files.join(', ')} (${count(Math.ceil(event.bytes / 1024))} kB)`),
        ...(event.kept === undefined ? [] : [row('', `the earlier model is now ${event.kept}`)]),
      ];
    case 'gradcheck':
      return gradcheckLines(event);
    case 'end':
      return endLines(event);
  }
}

/** What a step line is made of. */
export function stepParts(step: Step, last?: Validation): string[] {
  return [`step ${count(step.step)}`, ...factsOf(step, last)];
}

/** What is told of a step, most important first. One unit: bits per character. */
export function factsOf(
  { bits, charsPerSecond, gradientNorm, secondsLeft }: Step,
  last?: Validation,
): string[] {
  return [
    `${bits.toFixed(3)} bits/char`,
    ...(last ? [`validation ${last.bits.toFixed(3)}`] : []),
    `${time(secondsLeft)} left`,
    `${count(charsPerSecond)} chars/s`,
    `gradient ${short(gradientNorm)}`,
  ];
}

function startLines({ settings: s, ...facts }: Start): string[] {
  const { symbols, validationSymbols, classes, parameters, threads, step, out } = facts;
  const limits = [
    s.steps === null ? '' : `to step ${count(s.steps)}`,
    s.seconds === null ? '' : `for ${s.seconds} s`,
  ];
  const rest =
    validationSymbols > 0 ? `, ${count(validationSymbols)} for validation` : '; too short for validation';
  return [
    row('text', `${s.text}: ${count(symbols)} characters for training${rest}; ${classes - 1} distinct`),
    row(
      'network',
      `${s.embedding === undefined ? '' : `embedding of ${s.embedding}, `}${cellLabel(s.cell)}, ${plural(s.layers, 'layer')} of ${s.hidden}; ${count(parameters)} parameters; ${s.dtype}, ${s.executor} executor, ${plural(threads, 'thread')}`,
    ),
    row(
      'training',
      `${s.batch} × ${s.seq} characters a step; ${s.optimizer}, rate ${s.lr}, clip ${s.clip ?? 'off'}; ${limits.filter(Boolean).join(' and ')}`,
    ),
    row('output', step > 0 ? `${out}, from step ${count(step)} on` : out),
  ];
}

function gradcheckLines({ rows, verdict }: GradcheckReport): string[] {
  const names: Record<GradcheckRow['oracle'], string> = {
    differences: 'central differences',
    forwardMode: 'forward mode',
    doubleSum: 'the double sum',
    jacobian: 'the Jacobian of each step',
    statement: 'each equation on duals',
    exact: 'a prime field',
  };
  const oracles = [...new Set(rows.map(({ oracle }) => oracle))];
  const compared = rows.reduce((sum, { checked }) => sum + checked, 0);
  const said = { right: 'right', wrong: 'WRONG', undecided: 'undecided, no mistake found' }[verdict];
  const about = (oracle: GradcheckRow['oracle']): string => {
    const all = rows.filter((one) => one.oracle === oracle);
    const decided = all.filter(({ checked }) => checked > 0);
    const worst = decided.reduce<GradcheckRow | undefined>(
      (most, one) => (most && most.error >= one.error ? most : one),
      undefined,
    );
    const error = worst
      ? `worst error ${worst.error.toExponential(1)} (d${worst.variable}), bound ${worst.bound.toExponential(0)}`
      : '';
    return `  ${names[oracle].padEnd(24)}${[error, undecidedIn(all)].filter(Boolean).join('; ')}`;
  };
  return [
    row('gradients', `${said}: ${count(compared)} derivatives of this network, in float64, compared with`),
    ...oracles.map(about),
    ...rows
      .filter((one) => one.verdict === 'wrong')
      .map(
        (one) =>
          `  WRONG d${one.variable} ${one.where}: ${names[one.oracle]} gives ${one.numeric}, the backward pass ${one.analytic}`,
      ),
  ];
}

/** How many derivatives an oracle could not decide, and why; nothing where there are none. */
export function undecidedIn(rows: readonly GradcheckRow[]): string {
  const sum = (reason: Reason): number => rows.reduce((total, one) => total + one.undecided[reason], 0);
  const [kink, rounding, field] = [sum('kink'), sum('rounding'), sum('field')];
  const why = [
    kink > 0 ? `${count(kink)} at a kink` : '',
    rounding > 0 ? `${count(rounding)} hidden by rounding` : '',
    field > 0 ? `${count(field)} not decidable over a field` : '',
  ];
  const all = kink + rounding + field;
  return all === 0 ? '' : `${count(all)} undecided (${why.filter(Boolean).join(', ')})`;
}

function endLines({
  step,
  characters,
  seconds,
  training,
  validation,
  validationSymbols = 0,
  next,
}: End): string[] {
  const rate = seconds > 0 ? ` (${count(characters / seconds)} a second)` : '';
  const measured =
    validation === undefined
      ? ''
      : `, ${bitsOf(validation)} on ${count(validationSymbols)} validation characters`;
  return [
    row(
      'trained',
      `to step ${count(step)}: ${count(characters)} characters in ${seconds.toFixed(1)} s${rate}`,
    ),
    row('result', `${bitsOf(training)} bits/char in training${measured}`),
    '',
    'next:',
    ...next.map((command) => `  ${command}`),
  ];
}

const row = (title: string, text: string): string => `${title.padEnd(12)}${text}`;
const bitsOf = (loss: number): string => (loss * BITS).toFixed(3);
const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
/** 1234567 as 1,234,567. */
export const count = (n: number): string => Math.round(n).toLocaleString('en-US');
const short = (n: number): string => (n >= 1e-3 && n < 1e4 ? n.toPrecision(3) : n.toExponential(1));

/** Seconds as 0:07 or 1:02:03. */
export function time(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
