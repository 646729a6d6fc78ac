/**
 * Definition and registry of optimizers: equations of the update, states, options, and the equivalent in PyTorch.
 *
 *   p, g, each state [1, N]   each number that changes with the step [1]      N = all parameters of a network
 *
 * The equations read the gradient g, `pPrev`, `<state>Prev` and the numbers, and write p and the states. They are
 * elementwise: one statement over all parameters at once.
 */
import { isNumber, must, mustBe, mustBeSwitch, mustKnowKeys } from '../../../core/check';
import { equations } from '../../../core/equations/equations';
import { Registry } from '../../../core/registry';
import type { Statement } from '../../../core/programs/statement';

/** Options that every optimizer takes. */
export interface CommonOptimizerOptions {
  /** Default 1e-3; 1e-2 for rmsprop and adagrad. */
  learningRate?: number;
  /** Weight decay; default 0, for adamw 1e-2. */
  weightDecay?: number;
  /**
   * Of an embedding, updates only the rows whose classes the backward passes have read since the gradients were zeroed; all
   * others, and their states, stay as they are. For sgd and adagrad, the result is that of updating all; for adam, it is
   * that of torch.optim.SparseAdam. Gradients of an embedding must come from `backward`. Default false.
   */
  sparse?: boolean;
  /** Parameters that are trained with another learning rate or weight decay; the schedule applies to all. Default none. */
  groups?: readonly ParameterGroup[];
}

/** Some parameters of a network, and the options in which their update differs. */
export interface ParameterGroup {
  /** Names of parameters, `l0.Wx`, or of layers: `l0`, `embedding`, `head`. */
  parameters: readonly string[];
  learningRate?: number;
  weightDecay?: number;
}

/** The types of options that a checkpoint can store. */
export type OptimizerOption = number | boolean | string | readonly number[];

/** The update of an optimizer with given options. */
export interface OptimizerUpdate {
  /** Names of the states kept from step to step; default none. */
  states?: readonly string[];
  /** Initial value of the states; default 0. */
  start?: number;
  /** Compute p and the states from g, `pPrev`, `<state>Prev` and the numbers. */
  equations: string;
  /** The numbers that the equations read, at the t-th step (t counts from 1), in float64. */
  numbers(t: number, learningRate: number): Record<string, number>;
}

/** Complete options, without the name. */
export type Settled<O> = Required<Omit<O, 'name' | 'sparse' | 'groups'>>;

/** Definition of an optimizer with options O. */
export interface OptimizerDefinition<O> {
  /** Its name in options and checkpoints: `adam`. */
  name: string;
  /** Its name in texts: `Adam`. */
  title: string;
  /** All its options with their defaults, including `learningRate`. */
  defaults: O;
  /** Throws for options out of range, with messages that begin with `where`. */
  check?(options: O, where: string): void;
  update(options: O): OptimizerUpdate;
  /**
   * Its class in torch.optim, and the names of its states there; required for export to PyTorch. Options must have PyTorch's
   * names in camel case, and its defaults.
   */
  pytorch?: { class: string; states?: Readonly<Record<string, string>> };
}

/** An update, ready to be recorded. */
export interface Rule extends Readonly<Omit<Required<OptimizerUpdate>, 'equations'>> {
  /** Reads g, the previous values and the numbers; writes p and the states. */
  readonly statement: Statement;
}

/** Options of an unknown type. */
type Any = Record<string, OptimizerOption>;
type Known = OptimizerDefinition<Any>;
const optimizers = new Registry<{ made: Known; rule: (options: Any) => Rule }>('the name');

/** Options of an optimizer registered by `registerOptimizer`. */
export interface RegisteredOptions extends CommonOptimizerOptions {
  name: string & { readonly registered: true };
}

/**
 * Registers an optimizer under its name for training, checkpoints and commands. Exporters that do not support it throw an
 * error with its name.
 *
 * @returns a function that creates its options, for `fit` and `optimizer`.
 * @throws RangeError if the name is taken; EquationError for invalid equations.
 * @example
 * const lion = registerOptimizer({
 *   name: 'lion', // Chen et al. 2023: only the sign of an average counts
 *   title: 'Lion',
 *   defaults: { learningRate: 1e-4, betas: [0.9, 0.99] },
 *   update: ({ betas: [beta1, beta2] }) => ({
 *     states: ['m'],
 *     equations: `
 *       u = beta1 * mPrev + (1 - beta1) * g
 *       p = pPrev - lr * (step(u) - step(-u))
 *       m = beta2 * mPrev + (1 - beta2) * g`,
 *     numbers: (t, lr) => ({ lr, beta1, beta2 }),
 *   }),
 * });
 * await fit(net, batches, { optimizer: lion({ learningRate: 1e-3 }), steps: 10 });
 */
export function registerOptimizer<O extends { learningRate: number }>(
  made: OptimizerDefinition<O>,
): (options?: Partial<O>) => RegisteredOptions {
  const where = 'registerOptimizer';
  const known = made as unknown as Known;
  const { name, defaults } = known;
  must('learningRate' in defaults, where, 'learningRate must be among the defaults', Object.keys(defaults));
  ruleOf(known)(defaults); // throws now if the equations are invalid
  addOptimizer(made);
  return (options) => ({ ...options, name }) as unknown as RegisteredOptions;
}

/** Adds an optimizer without compiling its equations: for the built-in ones, whose equations are valid. */
export function addOptimizer<O extends object>(made: OptimizerDefinition<O>): void {
  const known = made as unknown as Known;
  optimizers.add(known.name, { made: known, rule: ruleOf(known) }, 'registerOptimizer');
}

/** The update rule of an optimizer by its options. */
function ruleOf(made: Known): (options: Any) => Rule {
  const statements = new Map<string, Statement>();
  return (options) => {
    const update = made.update(options);
    const { states = [], start = 0, equations: text } = update;
    const numbers = (t: number, rate: number) => update.numbers(t, rate);
    const shapes = shapesOf(states, Object.keys(numbers(1, 0)));
    const key = `${shapes}\n${text}`; // one statement per text, so that its kernel is compiled once
    const statement = statements.get(key) ?? statementOf(made.name, shapes, text);
    statements.set(key, statement);
    return { states, start, numbers, statement };
  };
}

const shapesOf = (states: readonly string[], numbers: readonly string[]): string => {
  const names = ['p', ...states];
  const rows = `g, ${names.map((name) => `${name}Prev`).join(', ')} [1, N]`;
  const scalars = numbers.length > 0 ? `   ${numbers.join(', ')} [1]` : '';
  return `${rows}${scalars}   writes ${names.join(', ')} [1, N]`;
};

function statementOf(name: string, shapes: string, text: string): Statement {
  const { statements, elementwise } = equations(name, shapes, text);
  const why = 'each number of a parameter is updated on its own';
  const fits = statements.length === 1 && elementwise.length === 1;
  must(fits, `optimizer ${name}`, 'the equations must be elementwise', 'a sum', why);
  return statements[0];
}

/**
 * The names of all optimizers, in order of registration.
 * @example optimizerNames().includes('adam') // true
 */
export const optimizerNames = (): string[] => optimizers.names;

/** @throws TypeError for an unknown name. */
export const optimizerOf = (name: unknown, where = 'optimizer'): Known => optimizers.get(name, where).made;

/**
 * Checks options and fills in defaults; returns them with the update rule.
 * @throws TypeError for an unknown name or option; RangeError for a value out of range.
 */
export function settle<O extends { name: string }>(given: O): { options: O; rule: Rule } {
  mustBe(typeof given === 'object' && given !== null, 'optimizer', 'options must be an object', given);
  const { groups, ...options } = given as O & Pick<CommonOptimizerOptions, 'groups'>;
  const { made, rule } = optimizers.get(options.name, 'optimizer');
  const where = `optimizer ${made.name}`;
  mustKnowKeys(options, ['name', 'sparse', 'groups', ...Object.keys(made.defaults)], where);
  mustBeSwitch(options as { sparse?: boolean }, 'sparse', where);
  const isGiven = ([key, value]: [string, unknown]): boolean =>
    value !== undefined && !(key === 'sparse' && value === false);
  const chosen = Object.entries(options).filter(isGiven);
  const settled = { ...made.defaults, ...Object.fromEntries(chosen) };
  mustNotBeNegative(settled, ['learningRate'], where);
  made.check?.(settled, where);
  if ('sparse' in settled) mustStay(settled, where);
  if (groups === undefined || groups.length === 0)
    return { options: settled as unknown as O, rule: rule(settled) };
  mustBeGroups(groups, settled, where);
  return { options: { ...settled, groups } as unknown as O, rule: rule(settled) };
}

function mustBeGroups(groups: unknown, { learningRate }: Any, where: string): void {
  mustBe(Array.isArray(groups), where, 'groups must be a list', groups, '[{ parameters: [names], … }]');
  const why = 'the groups follow its schedule';
  must((learningRate as number) > 0, where, 'learningRate must be above 0', learningRate, why);
  for (const group of groups as ParameterGroup[]) {
    mustKnowKeys(group, ['parameters', 'learningRate', 'weightDecay'], `${where}: groups`);
    const isList = Array.isArray(group.parameters) && group.parameters.length > 0;
    mustBe(isList, where, 'parameters of a group must be a list of names', group.parameters);
  }
}

/** Whether an update changes nothing where the gradient is 0, so that leaving it out gives the same result. */
export function restsWithout({ statement, states, numbers }: Rule): boolean {
  const [p, state] = [0.7, 0.3];
  const before = Object.fromEntries(states.map((name) => [`${name}Prev`, state]));
  const after = statement({ ...numbers(3, 0.1), ...before, g: 0, pPrev: p });
  return after.p === p && states.every((name) => after[name] === state);
}

/** Refuses sparse updates that would have to move rows without a gradient. */
function mustStay(options: Any, where: string): void {
  for (const name of ['weightDecay', 'momentum'])
    must(
      (options[name] ?? 0) === 0,
      where,
      `${name} must be 0`,
      options[name],
      'sparse: it moves rows that are not used',
    );
}

export function mustNotBeNegative<O extends object>(
  options: O,
  names: readonly (keyof O & string)[],
  where: string,
): void {
  for (const name of names) {
    const value: unknown = options[name];
    const fits = Number.isFinite(value) && (value as number) >= 0;
    must(fits, where, `${name} must be a finite number >= 0`, value);
  }
}

export function mustBeShare(value: number, name: string, where: string): void {
  const fits = isNumber(value) && value >= 0 && value < 1;
  must(fits, where, `${name} must be in 0 ≤ ${name.split(' ').pop()} < 1`, value);
}
