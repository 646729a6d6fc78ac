/** The cells that are built in, one entry each: all that lists cells derives from this table. */
import { Registry } from '../core/registry';
import type { Cell } from './cell';
import { clockwork } from './clockwork';
import { elman } from './elman';
import { gru } from './gru';
import { jordan } from './jordan';
import { lstm } from './lstm';
import { lstm1997 } from './lstm1997';

/** A cell, given the options that one of its kind had. */
// any: each maker checks the options it is given
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type CellMaker = (options: any) => Cell;

/** Sizes of a form of a cell; `output` is what a Jordan cell feeds back, by default as wide as the layer. */
export interface CellSizes {
  input: number;
  hidden: number;
  output?: number;
}
/** The options of a form of a cell beside `input` and `hidden`; `hidden` too, where its units are shared out. */
type Form = object | ((sizes: CellSizes) => object);

export interface CellKind {
  /** What messages and checkpoints call it. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly make: CellMaker;
  /** Its forms by their names on the command line. */
  readonly choices: Readonly<Record<string, Form>>;
  /** Into how many equal parts its choices share out the hidden units, and why; default 1. */
  readonly parts?: { readonly count: number; readonly why: string };
  /** Its forms as the check suite tries them, each by what is special about it; one that says nothing of biases is tried without them, too. */
  readonly variants: Readonly<Record<string, Form>>;
}

/** Periods of the modules of a clockwork layer that is chosen by name; they are of one size. */
const PERIODS = [1, 2, 4, 8];

/** The next number of units that can be shared out evenly. */
const shared = (hidden: number, parts: number): number => parts * Math.ceil(hidden / parts);
/** A Jordan cell feeds back as much as its layer is wide, if nothing else is said. */
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
      // the sequences of the suite are longer than every period but the last
      '1 2 3 7, relu': ({ hidden }) => ({
        ...{ hidden: shared(hidden, 4), periods: [1, 2, 3, 7], activation: 'relu' },
      }),
    },
  },
];

export const kinds = new Registry<CellKind>('the cell');
for (const kind of builtIn) kinds.add(kind.name, kind, 'cells');

/**
 * The kind that a cell is of, by its equations: a cell of one's own may have the name of another.
 * @example kindOf(lstm({ input: 2, hidden: 3 }))?.name // 'lstm'
 */
export function kindOf({ name, options, input, hidden, equations }: Cell): CellKind | undefined {
  if (options === undefined || !kinds.has(name)) return undefined;
  const kind = kinds.get(name, 'cells');
  const own = 'equations' in options ? undefined : kind.make({ ...options, input, hidden });
  return own && JSON.stringify(own.equations) === JSON.stringify(equations) ? kind : undefined;
}

/** A cell in one of its forms, of such sizes; `more` options of the form, if given. */
export function inForm({ make }: CellKind, form: Form, sizes: CellSizes, more: object = {}): Cell {
  const { input, hidden } = sizes;
  const own = typeof form === 'function' ? (form as (sizes: CellSizes) => object)(sizes) : form;
  return make({ input, hidden, ...own, ...more });
}
