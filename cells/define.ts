/**
 * A cell from its equations: text in, and out comes what is executed, checked and saved.
 *
 * Forward reads x, the parameters and `<state>Prev`, and writes every state. Backward reads all of that, what forward
 * wrote, `d<output>Out` (from the output at t) and `d<state>Next` (from the step t + 1); it writes dx and every
 * `d<state>Prev`, and adds into `d<parameter>`. The Jacobian reads `J<state>Prev` and writes `J<state>`; values stand
 * upright in it, one number a row. What a later step reads is kept; what only stands on the way is not stored at all.
 */
import { Block, type Compiled } from '../core/equations/block';
import { declare, type Declared } from '../core/equations/declare';
import { EquationError } from '../core/equations/error';
import { numberOf, times, type Shape, type Shapes } from '../core/equations/shapes';
import { inputsOf, type Statement } from '../core/statement';
import { must } from '../core/check';
import type { Initializer } from '../core/init';
import type { Cell, CellEquations, Option, Part, StatementPair } from './cell';

export type { CellEquations } from './cell';

/** What a cell is made of beside its equations. */
export interface CellMaking {
  /** Numbers for the letters of the shapes; D is the width of the input, H that of the hidden layer. */
  sizes: Readonly<Record<string, number>> & { D: number; H: number };
  /** How each parameter starts. */
  init: Readonly<Record<string, Initializer>>;
  /** What a checkpoint must hold to build the same cell again. */
  options?: Readonly<Record<string, Option>>;
}

/** Equations that were read and fit together; sizes are still letters. */
interface Read {
  declared: Declared;
  forward: Compiled;
  backward: Compiled;
  jacobian?: Compiled;
  /** Widths of what is kept from forward for backward, and of what is written on the way. */
  buffers: Record<string, string>;
  parts: Record<string, { of: string; from: string; to: string }>;
  statements: StatementPair[];
}

const read = new Map<string, Read>();

/**
 * A cell from equations.
 *
 * @throws EquationError with line and column for what cannot be read, is not known or does not fit.
 */
export function cell(equations: CellEquations, { sizes, init, options }: CellMaking): Cell {
  const key = JSON.stringify(equations);
  const { declared, forward, backward, jacobian, buffers, parts, statements } =
    read.get(key) ?? understand(equations);
  if (!read.has(key)) read.set(key, understand(equations));
  const { states, parameters } = declared.sections;
  const size = (text: string): number => {
    const number = numberOf(text, sizes);
    must(number !== undefined, equations.name, 'every letter of the shapes must have a size', text);
    return number;
  };
  const widths = (of: Record<string, string>): Record<string, number> =>
    Object.fromEntries(Object.entries(of).map(([name, width]) => [name, size(width)]));
  return {
    name: equations.name,
    equations,
    input: sizes.D,
    hidden: sizes.H,
    ...(options && { options }),
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, shape]) => [name, { shape: shape.map(size), init: init[name] }]),
    ),
    states: widths(Object.fromEntries(Object.entries(states).map(([name, [width]]) => [name, width]))),
    buffers: widths(buffers),
    parts: Object.fromEntries(
      Object.entries(parts).map(([name, { of, from, to }]): [string, Part] => [
        name,
        { of, from: size(from), to: size(to) },
      ]),
    ),
    statements,
    step: (program, v) => forward.record(program, v),
    stepBackward: (program, v) => backward.record(program, v),
    ...(jacobian && { jacobian: (program, v) => jacobian.record(program, v) }),
  };
}

function understand({ name, shapes: source, forward, backward, jacobian }: CellEquations): Read {
  const declared = declare(source, ['states', 'parameters'], `${name}, shapes`);
  const { inputs, states, parameters } = declared.sections;
  const { gates } = declared;
  const names = { states: Object.keys(states), parameters: Object.keys(parameters) };
  const fail = (reason: string): EquationError => new EquationError(`${name}, shapes`, source, 0, reason);
  if (Object.keys(inputs).join() !== 'x') throw fail('the input x must be declared, and no other: x [D]');
  if (names.states.length === 0) throw fail('there must be a state: states h [H]');
  const row = (of: Shapes, prefix = '', suffix = ''): Record<string, Shape> =>
    Object.fromEntries(Object.entries(of).map(([s, shape]) => [`${prefix}${s}${suffix}`, ['B', ...shape]]));
  const [output] = names.states;
  const gated = (prefix: string, axes: (total: string) => Shape): Record<string, Shape> =>
    gates ? { [`${prefix}${gates.buffer}`]: axes(times(gates.size, gates.names.length)) } : {};

  // forward
  const before = { ...row(inputs), ...row(states, '', 'Prev'), ...parameters };
  const there = new Block(forward, `${name}, forward`, {
    given: before,
    outputs: { ...row(states), ...gated('', (total) => ['B', total]) },
    gates,
  });
  mustWrite(there, names.states);

  // backward
  const left = Object.fromEntries([...there.scope.written].filter(([value]) => !there.scope.isGone(value)));
  const back = new Block(backward, `${name}, backward`, {
    given: { ...before, ...left, [`d${output}Out`]: ['B', ...states[output]], ...row(states, 'd', 'Next') },
    outputs: { ...row(inputs, 'd'), ...row(states, 'd', 'Prev'), ...gated('d', (total) => ['B', total]) },
    accumulators: Object.fromEntries(Object.entries(parameters).map(([p, shape]) => [`d${p}`, shape])),
    gates,
  });
  const gradients = ['dx', ...names.states.map((s) => `d${s}Prev`), ...names.parameters.map((p) => `d${p}`)];
  mustWrite(back, gradients);
  back.mustUse(new Set(gradients));

  // Jacobian
  const upright = (of: Shapes): Record<string, Shape> =>
    Object.fromEntries(Object.entries(of).map(([v, shape]) => [v, [shape[shape.length - 1], '1']]));
  const vectors = Object.fromEntries(Object.entries(parameters).filter(([, shape]) => shape.length === 1));
  const along = (suffix: string): Record<string, Shape> =>
    Object.fromEntries(Object.entries(states).map(([s, [width]]) => [`J${s}${suffix}`, [width, 'n']]));
  const slopes =
    jacobian === undefined
      ? undefined
      : new Block(jacobian, `${name}, jacobian`, {
          given: { ...upright({ ...before, ...left }), ...parameters, ...upright(vectors), ...along('Prev') },
          outputs: { ...along(''), ...gated('J', (total) => [total, 'n']) },
          gates,
        });
  if (slopes) {
    mustWrite(
      slopes,
      names.states.map((s) => `J${s}`),
    );
    slopes.mustUse(new Set(names.states.map((s) => `J${s}`)));
  }
  const readLater = [...back.scope.read.keys(), ...(slopes?.scope.read.keys() ?? [])];
  there.mustUse(new Set([...names.states, ...readLater]));
  for (const p of names.parameters)
    if (!there.scope.isRead(p)) throw fail(`${p} is declared, but forward never reads it`);

  const compiled = {
    forward: there.compile([...names.states, ...readLater]),
    backward: back.compile(gradients),
    ...(slopes && { jacobian: slopes.compile(names.states.map((s) => `J${s}`)) }),
  };
  return {
    declared,
    ...compiled,
    buffers: buffersOf(),
    parts: partsOf(),
    statements: pairsOf(compiled),
  };

  function buffersOf(): Record<string, string> {
    const found: Record<string, string> = {};
    const isKnown = (tensor: string): boolean => tensor in states || gradients.includes(tensor);
    for (const [block, stored] of [
      [there, compiled.forward.stored],
      [back, compiled.backward.stored],
    ] as const)
      for (const value of stored) {
        const { of } = block.scope.placeOf(value);
        if (isKnown(of)) continue;
        const shape = of === value ? block.scope.written.get(value) : block.scope.declared.outputs?.[of];
        if (shape?.length !== 2 || shape[0] !== 'B')
          throw block.errorAt(
            block.placeIn(value),
            `${value} has no row for each row of the batch: only d<parameter> may be summed over them`,
          );
        found[of] = shape[1];
      }
    for (const value of compiled.jacobian?.stored ?? []) {
      const { of } = slopes!.scope.placeOf(value);
      const width = slopes!.scope.written.get(of)?.[0] ?? slopes!.scope.declared.outputs?.[of][0];
      if (of in along('')) continue;
      if (!of.startsWith('J'))
        throw slopes!.errorAt(slopes!.placeIn(value), `${value} must begin with J: it is a derivative`);
      found[of.slice(1)] ??= width === 'n' ? '1' : (width as string);
    }
    return found;
  }

  function partsOf(): Read['parts'] {
    const found: Read['parts'] = {};
    if (!gates) return found;
    for (const [block, strip] of [
      [there, 0],
      [back, 0],
      [slopes, 1],
    ] as const)
      for (const value of [...(block?.scope.read.keys() ?? []), ...(block?.scope.written.keys() ?? [])]) {
        const { of, from, to } = block!.scope.placeOf(value);
        if (of === value) continue;
        const derivative = strip === 1 && of.startsWith('J') && !(of in parameters);
        const [part, whole] = derivative ? [value.slice(1), of.slice(1)] : [value, of];
        found[part] = { of: whole, from: times(gates.size, from), to: times(gates.size, to) };
      }
    return found;
  }
}

function mustWrite(block: Block, names: readonly string[]): void {
  for (const name of names)
    if (!block.scope.isWritten(name)) throw block.errorAt(block.source.length, `${name} is never written`);
}

/** Each forward statement with the backward statement, and that of the Jacobian, that hold its derivatives. */
function pairsOf({
  forward,
  backward,
  jacobian,
}: Pick<Read, 'forward' | 'backward' | 'jacobian'>): StatementPair[] {
  const outputs = (s: Statement): string[] => Object.keys(s.graph.outputs);
  return forward.elementwise.flatMap((there) => {
    const inputs = inputsOf(there.graph);
    const back = backward.elementwise.find((s) =>
      outputs(s).every((name) => inputs.some((u) => name === `d${u}` || name === `d${u}Row`)),
    );
    if (!back) return [];
    const slopes = jacobian?.elementwise.find((s) =>
      outputs(s).every((name) => outputs(there).includes(name.slice(1))),
    );
    return [{ forward: there, backward: back, ...(slopes && { jacobian: slopes }) }];
  });
}

/**
 * A piece of text that one variant of a cell has and another has not.
 * @example when(false)`+ b` // ''
 */
export function when(is: boolean): (text: TemplateStringsArray) => string {
  return ([text]) => (is ? text : '');
}
