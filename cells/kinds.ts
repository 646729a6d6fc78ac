/** The table of built-in cells, from which every list of cells is derived. */
import { Registry } from '../core/registry';
import type { Cell } from './cell';
import { clockwork } from './clockwork';
import { elman } from './elman';
import { gru } from './gru';
import { jordan } from './jordan';
import { lstm } from './lstm';
import { lstm1997 } from './lstm1997';

/** A factory that builds a cell from the options saved with it. */
// any: each maker checks the options it is given
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type CellMaker = (options: any) => Cell;

/** Sizes of a cell; `output` is the width of a Jordan cell's feedback, by default that of the layer. */
export interface CellSizes {
  input: number;
  hidden: number;
  output?: number;
}
/** Options of a form of a cell besides `input` and `hidden`, or including `hidden` if it divides its units into parts. */
type Form = object | ((sizes: CellSizes) => object);

export interface CellKind {
  /** Its name in messages and checkpoints. */
  readonly name: string;
  /** Its name in texts. */
  readonly title: string;
  readonly make: CellMaker;
  /** Its forms, by their names on the command line. */
  readonly choices: Readonly<Record<string, Form>>;
  /** Number of equal parts into which its choices divide the hidden units, and the reason; default 1. */
  readonly parts?: { readonly count: number; readonly why: string };
  /**
   * Its forms in the check suite, by their special feature; the suite also checks each without biases unless its name
   * mentions them.
   */
  readonly variants: Readonly<Record<string, Form>>;
}

/** Periods of the equal modules of a clockwork layer chosen by name. */
const PERIODS = [1, 2, 4, 8];

/** The number of units, rounded up to a multiple of `parts`. */
const shared = (hidden: number, parts: number): number => parts * Math.ceil(hidden / parts);
/** Options of a Jordan cell whose output is as wide as its layer by default. */
const feeding =
  (options: object) =>
  ({ hidden, output = hidden }: CellSizes) => ({ output, ...options });

const builtIn: readonly CellKind[] = [
  {
    ...{ name: 'elman', title: 'Elman', make: elman },
    choices: {
      elman: {},
      'elman-relu': { activation: 'relu', recurrentInit: 'identity' },
      'elman-sigmoid': { activation: 'sigmoid' },
    },
    variants: { tanh: {}, sigmoid: { activation: 'sigmoid' }, relu: { activation: 'relu' } },
  },
  {
    ...{ name: 'lstm', title: 'LSTM', make: lstm },
    choices: { lstm: {}, 'lstm-peepholes': { peepholes: true } },
    variants: { '': {}, peepholes: { peepholes: true } },
  },
  {
    ...{ name: 'lstm1997', title: 'LSTM of 1997', make: lstm1997 },
    choices: { lstm1997: {} },
    variants: { '': {} },
  },
  {
    ...{ name: 'gru', title: 'GRU', make: gru },
    choices: { gru: {}, 'gru-before': { reset: 'before' } },
    variants: { 'reset after': {}, 'reset before': { reset: 'before' } },
  },
  {
    ...{ name: 'jordan', title: 'Jordan', make: jordan },
    choices: { jordan: feeding({}), 'jordan-softmax': feeding({ feedback: 'p' }) },
    variants: {
      'feedback o': feeding({}),
      'feedback p': feeding({ feedback: 'p' }),
      'feedback o, relu': feeding({ activation: 'relu' }),
      'feedback p, sigmoid': feeding({ feedback: 'p', activation: 'sigmoid' }),
    },
  },
  {
    ...{ name: 'clockwork', title: 'Clockwork', make: clockwork },
    choices: { clockwork: { periods: PERIODS } },
    parts: { count: PERIODS.length, why: `its modules of periods ${PERIODS.join(', ')} are of one size` },
    variants: {
      '1 2 4': ({ hidden }) => ({ hidden: shared(hidden, 3), periods: [1, 2, 4] }),
      '2 3 offset 1, unequal, sigmoid': ({ hidden }) => {
        const units = Math.ceil(hidden / 2);
        const modules = [
          { units, period: 2 },
          { units: units + 1, period: 3 },
        ];
        return { hidden: 2 * units + 1, modules, offset: 1, activation: 'sigmoid' };
      },
      // the suite's sequences are longer than every period except the last
      '1 2 3 7, relu': ({ hidden }) => ({
        ...{ hidden: shared(hidden, 4), periods: [1, 2, 3, 7], activation: 'relu' },
      }),
    },
  },
];

export const kinds = new Registry<CellKind>('the cell');
for (const kind of builtIn) kinds.add(kind.name, kind, 'cells');

/**
 * The built-in kind of a cell, identified by its equations, because a user's cell may have the name of a built-in one.
 * @example kindOf(lstm({ input: 2, hidden: 3 }))?.name // 'lstm'
 */
export function kindOf({ name, options, input, hidden, equations }: Cell): CellKind | undefined {
  if (options === undefined || !kinds.has(name)) return undefined;
  const kind = kinds.get(name, 'cells');
  const own = 'equations' in options ? undefined : kind.make({ ...options, input, hidden });
  return own && JSON.stringify(own.equations) === JSON.stringify(equations) ? kind : undefined;
}

/** Creates a cell in one of its forms with these sizes, and `more` options. */
export function inForm({ make }: CellKind, form: Form, sizes: CellSizes, more: object = {}): Cell {
  const { input, hidden } = sizes;
  const own = typeof form === 'function' ? (form as (sizes: CellSizes) => object)(sizes) : form;
  return make({ input, hidden, ...own, ...more });
}
