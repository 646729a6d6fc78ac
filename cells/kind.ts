/** The registry of kinds of cells, from which every list of cells is derived. */
import { must, mustBe } from '../core/check';
import { Registry } from '../core/registry';
import type { Cell } from './cell';

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
export type CellForm = object | ((sizes: CellSizes) => object);

/** The equal parts into which a cell divides its hidden units. */
export interface CellParts {
  readonly count: number;
  /** The reason, for messages. */
  readonly why: string;
  /** The form for a width that cannot be divided so. */
  readonly otherwise: CellForm;
}

/** Arguments of `registerCell`: a cell, and the forms in which it can be chosen and is checked. */
export interface CellKindDefinition {
  /** Its name in messages and checkpoints, and the `name` of its cells: `lstm`. */
  name: string;
  /** Its name in texts; default `name`. */
  title?: string;
  /** Builds a cell from `input`, `hidden` and the options that the cell then has in its `options`. */
  make: CellMaker;
  /** Its forms by their names on the command line, the default form first; by default only `name`. */
  choices?: Readonly<Record<string, CellForm>>;
  /** Set if its choices divide the hidden units into equal parts. */
  parts?: CellParts;
  /**
   * Its forms in the check suite, by their special feature; default its choices. If a form has an option `bias`, it is
   * also checked without biases.
   */
  variants?: Readonly<Record<string, CellForm>>;
}

/** A registered kind of cell, with its defaults filled in. */
export interface CellKind extends Readonly<Required<Omit<CellKindDefinition, 'parts'>>> {
  readonly parts?: CellParts;
}

export const kinds = new Registry<CellKind>('the cell');

/** The number of units, rounded up to a multiple of `parts`. */
export const shared = (hidden: number, parts: number): number => parts * Math.ceil(hidden / parts);

/**
 * Registers a cell under its name, for all that lists cells: checkpoints, the check suite, commands and their help, the
 * page. Exporters that do not know it refuse it by name.
 *
 * @throws RangeError if a name is taken; TypeError if the cell has another name; errors of `make`.
 * @example
 * const equations = `cell leaky
 * shapes
 *   x [D]   states h [H]   parameters Wx [D, H]
 * forward
 *   h = 0.9 * hPrev + x @ Wx
 * backward
 *   dh = dhOut + dhNext
 *   dhPrev = 0.9 * dh
 *   dx = dh @ Wx.T
 *   dWx += x.T @ dh`;
 * const leaky = registerCell({ name: 'leaky', make: (sizes) => cellFromText({ ...sizes, equations }) });
 * leaky.make({ input: 2, hidden: 3 }).states.h // 3
 */
export function registerCell(definition: CellKindDefinition): CellKind {
  const where = 'registerCell';
  const kind = kindFrom(definition, where);
  const [form] = Object.values(kind.choices);
  const made = inForm(kind, form, { input: 2, hidden: kind.parts?.count ?? 3 }).name;
  mustBe(made === kind.name, where, `the cell must call itself ${kind.name}`, made);
  return kinds.add(kind.name, kind, where);
}

/** Registers a cell of this project: none is built, because that would slow down every import. */
export const addBuiltIn = (definition: CellKindDefinition): CellKind =>
  kinds.add(definition.name, kindFrom(definition, 'cells'), 'cells');

/** The kind of a definition, with defaults. */
function kindFrom(definition: CellKindDefinition, where: string): CellKind {
  const { name, title = name, make, choices = { [name]: {} }, parts } = definition;
  const evenly =
    (form: CellForm): CellForm =>
    (sizes) => ({ hidden: shared(sizes.hidden, parts?.count ?? 1), ...optionsOf(form, sizes) });
  const tried = Object.entries(choices).map(([choice, form]) => {
    const special = choice === name ? '' : choice.replace(`${name}-`, '');
    return [special, parts ? evenly(form) : form] as const;
  });
  const kind: CellKind = {
    ...{ name, title, make, choices, variants: definition.variants ?? Object.fromEntries(tried) },
    ...(parts && { parts }),
  };
  for (const choice of [name, ...Object.keys(choices)]) {
    must(/^[A-Za-z][\w-]*$/.test(choice), where, 'a name must be of letters, digits, _ and -', choice);
    must(choice !== EQUATIONS && !choiceNames().includes(choice), where, 'the name must be new', choice);
  }
  return kind;
}

/** The name that checkpoints give a cell built from its text alone. */
export const EQUATIONS = 'equations';

/** The names of all forms of all kinds. */
export const choiceNames = (): string[] => kinds.all.flatMap(({ choices }) => Object.keys(choices));

/** The kind of a form, and its factory; undefined for an unknown name. */
export function choiceOf(
  name: string,
): { kind: CellKind; make: (sizes: CellSizes, more?: object) => Cell } | undefined {
  const kind = kinds.all.find(({ choices }) => Object.hasOwn(choices, name));
  return kind && { kind, make: (sizes, more) => inForm(kind, kind.choices[name], sizes, more) };
}

/** The given form, or the one for any width if the units cannot be divided into its parts. */
export const fittedForm = ({ parts }: CellKind, form: CellForm, hidden: number): CellForm =>
  parts && hidden % parts.count !== 0 ? parts.otherwise : form;

/** Creates a cell in one of its forms with these sizes, and `more` options. */
export function inForm({ make }: CellKind, form: CellForm, sizes: CellSizes, more: object = {}): Cell {
  const { input, hidden } = sizes;
  return make({ input, hidden, ...optionsOf(form, sizes), ...more });
}

const optionsOf = (form: CellForm, sizes: CellSizes): object =>
  typeof form === 'function' ? (form as (sizes: CellSizes) => object)(sizes) : form;

/**
 * The kind of a cell, identified by its equations, because a user's cell may have the name of a registered one.
 * @param known Options that the caller supports, default all: the kind is undefined if another option changes the equations.
 * @example kindOf(lstm({ input: 2, hidden: 3 }))?.name // 'lstm'
 */
export function kindOf(
  { name, options, input, hidden, equations }: Cell,
  known?: readonly string[],
): CellKind | undefined {
  if (options === undefined || !kinds.has(name)) return undefined;
  const kind = kinds.get(name, 'cells');
  if (EQUATIONS in options) return undefined;
  const given = Object.entries(options).filter(([option]) => known?.includes(option) ?? true);
  const own = kind.make({ ...Object.fromEntries(given), input, hidden });
  return JSON.stringify(own.equations) === JSON.stringify(equations) ? kind : undefined;
}
