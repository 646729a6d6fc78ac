/** Parses the text of a cell, checks its equations against each other, and finds the values to keep between them. */
import { Block, type Compiled } from '../core/equations/block';
import { declare, type Declared } from '../core/equations/declare';
import { EquationError } from '../core/equations/error';
import type { Declarations } from '../core/equations/scope';
import { times, type Shape, type Shapes } from '../core/equations/shapes';
import { inputsOf, isConstant, type Statement } from '../core/programs/statement';
import type { CellEquations, StatementPair } from './cell';

/** A parsed and checked cell; its widths are still letters. */
export interface ReadCell {
  parameters: Shapes;
  states: Record<string, string>;
  /** Values that forward keeps for backward, and intermediate results. */
  buffers: Record<string, string>;
  /** Names for some columns of a buffer or a parameter. */
  parts: Record<string, { of: string; from: string; to: string }>;
  forward: Compiled;
  backward: Compiled;
  jacobian?: Compiled;
  statements: StatementPair[];
}

/** The three blocks of a cell, and the names that each must write. */
interface Blocks {
  forward: Block;
  backward: Block;
  jacobian?: Block;
  states: string[];
  gradients: string[];
  slopes: string[];
}

/**
 * Parses and checks a cell.
 *
 * @param letters sizes that may be used as numbers in the equations.
 * @throws EquationError with line and column for a syntax error, an unknown name or a shape mismatch.
 */
export function readCell(equations: CellEquations, letters: Readonly<Record<string, number>>): ReadCell {
  const declared = declarationsOf(equations);
  const { states, parameters } = declared.sections;
  const blocks = blocksOf(equations, declared, letters);
  const later = [blocks.backward, blocks.jacobian].flatMap((block) => [...(block?.scope.read.keys() ?? [])]);
  blocks.forward.mustUse(new Set([...blocks.states, ...later]));
  const compiled = {
    forward: blocks.forward.compile([...blocks.states, ...later]),
    backward: blocks.backward.compile(blocks.gradients),
    ...(blocks.jacobian && { jacobian: blocks.jacobian.compile(blocks.slopes) }),
  };
  return {
    parameters,
    states: Object.fromEntries(Object.entries(states).map(([name, [width]]) => [name, width])),
    buffers: buffersOf(blocks, compiled),
    parts: partsOf(blocks),
    ...compiled,
    statements: pairsOf(compiled, blocks.states),
  };
}

function declarationsOf({ name, shapes }: CellEquations): Declared {
  const where = `${name}, shapes`;
  const declared = declare(shapes, ['states', 'parameters'], where);
  const { inputs, states } = declared.sections;
  const begin = Math.max(0, shapes.search(/\S/));
  const fail = (reason: string): EquationError => new EquationError(where, shapes, begin, reason);
  if (Object.keys(inputs).join() !== 'x' || inputs.x.length !== 1)
    throw fail('the input x must be declared, and no other: x [D]');
  if (Object.keys(states).length === 0) throw fail('there must be a state: states h [H]');
  const wide = Object.entries(states).find(([, shape]) => shape.length !== 1);
  if (wide) throw fail(`a state has one size, its width, but ${wide[0]} is [${wide[1].join(', ')}]`);
  return declared;
}

/** Shapes with names and shapes mapped by two functions. */
const renamed = (shapes: Shapes, name: (old: string) => string, shape: (old: Shape) => Shape): Shapes =>
  Object.fromEntries(Object.entries(shapes).map(([key, own]) => [name(key), shape(own)]));

const perRow = (shape: Shape): Shape => ['B', ...shape];

function blocksOf(
  { name, ...text }: CellEquations,
  declared: Declared,
  letters: Readonly<Record<string, number>>,
): Blocks {
  const common = { gates: declared.gates, letters };
  const { inputs, states, parameters } = declared.sections;
  const before = {
    ...renamed(inputs, (x) => x, perRow),
    ...renamed(states, (s) => `${s}Prev`, perRow),
    ...parameters,
  };
  const forward = forwardOf(text.forward, `${name}, forward`, declared, before, common);
  const left = [...forward.scope.written].filter(([value]) => !forward.scope.isGone(value));
  const known = { ...before, ...Object.fromEntries(left) };
  const gradients = [
    'dx',
    ...Object.keys(states).map((s) => `d${s}Prev`),
    ...Object.keys(parameters).map((p) => `d${p}`),
  ];
  const backward = backwardBlock(text.backward, `${name}, backward`, declared, known, common);
  backward.mustWrite(gradients);
  backward.mustUse(new Set(gradients));
  const found: Blocks = { forward, backward, states: Object.keys(states), gradients, slopes: [] };
  if (text.jacobian === undefined) return found;

  const slopes = Object.keys(states).map((s) => `J${s}`);
  const jacobian = jacobianBlock(text.jacobian, `${name}, jacobian`, declared, known, common);
  jacobian.mustWrite(slopes);
  jacobian.mustUse(new Set(slopes));
  return { ...found, jacobian, slopes };
}

type Common = Pick<Declarations, 'gates' | 'letters'>;

/** The forward block that was read last: the hundreds of mistakes planted in one backward pass share it. */
let last: { key: string; block: Block } | undefined;

function forwardOf(text: string, where: string, declared: Declared, given: Shapes, common: Common): Block {
  const key = JSON.stringify([text, where, declared, given, common]);
  if (last?.key !== key) last = { key, block: forwardBlock(text, where, declared, given, common) };
  return last.block;
}

function forwardBlock(text: string, where: string, declared: Declared, given: Shapes, common: Common): Block {
  const { states, parameters } = declared.sections;
  const forward = new Block(text, where, {
    given,
    outputs: {
      ...renamed(states, (s) => s, perRow),
      ...gateBuffer(declared, '', (size) => ['B', size]),
    },
    ...common,
  });
  forward.mustWrite(Object.keys(states));
  const isRead = forward.scope.reads();
  for (const p of Object.keys(parameters))
    if (!isRead(p)) throw forward.errorAt(text.length, `${p} is declared, but never read`);
  return forward;
}

/** The buffer that holds all gates, if there are any. */
const gateBuffer = ({ gates }: Declared, prefix: string, shape: (size: string) => Shape): Shapes =>
  gates ? { [`${prefix}${gates.buffer}`]: shape(times(gates.size, gates.names.length)) } : {};

/** @param known what forward was given and has left. */
function backwardBlock(
  text: string,
  where: string,
  declared: Declared,
  known: Shapes,
  common: Common,
): Block {
  const { inputs, states, parameters } = declared.sections;
  const [output] = Object.keys(states);
  return new Block(text, where, {
    given: {
      ...known,
      [`d${output}Out`]: perRow(states[output]),
      ...renamed(states, (s) => `d${s}Next`, perRow),
    },
    outputs: {
      ...renamed(inputs, (x) => `d${x}`, perRow),
      ...renamed(states, (s) => `d${s}Prev`, perRow),
      ...gateBuffer(declared, 'd', (size) => ['B', size]),
    },
    accumulators: renamed(
      parameters,
      (p) => `d${p}`,
      (shape) => shape,
    ),
    ...common,
  });
}

/** One row of the batch: every value and every vector is a column. */
function jacobianBlock(
  text: string,
  where: string,
  declared: Declared,
  known: Shapes,
  common: Common,
): Block {
  const { gates } = declared;
  const { states, parameters } = declared.sections;
  const column = (shape: Shape): Shape => [shape[shape.length - 1], '1'];
  const slope = ([width]: Shape): Shape => [width, 'n'];
  const matrices = Object.fromEntries(Object.entries(parameters).filter(([, shape]) => shape.length === 2));
  return new Block(text, where, {
    given: {
      ...renamed(known, (v) => v, column),
      ...matrices,
      ...renamed(states, (s) => `J${s}Prev`, slope),
    },
    outputs: {
      ...renamed(states, (s) => `J${s}`, slope),
      ...gateBuffer(declared, 'J', (size) => [size, 'n']),
    },
    ...common,
    inPlace: Object.fromEntries((gates?.names ?? []).map((gate) => [`J${gate}`, `J${gates?.buffer}${gate}`])),
  });
}

type CompiledBlocks = Pick<ReadCell, 'forward' | 'backward' | 'jacobian'>;

function buffersOf(
  { forward, backward, jacobian, states, gradients, slopes }: Blocks,
  compiled: CompiledBlocks,
): Record<string, string> {
  const buffers: Record<string, string> = {};
  for (const [block, { stored }] of [
    [forward, compiled.forward],
    [backward, compiled.backward],
  ] as const)
    for (const name of Object.keys(stored)) {
      const { of } = block.scope.placeOf(name);
      if ([...states, ...gradients].includes(of)) continue;
      const [axis, width] = block.scope.shapeOf(of) ?? [];
      if (axis !== 'B' || width === undefined)
        throw block.errorIn(
          name,
          `${name} has no batch axis: only a d<parameter> may be summed over the batch; sum(…, axis=1) adds along each row`,
        );
      buffers[of] = width;
    }
  // the derivative of a gate replaces that of its pre-activation, as the gate itself does
  const isGate = (name: string): boolean => forward.scope.declared.gates?.names.includes(name) ?? false;
  for (const name of Object.keys(compiled.jacobian?.stored ?? {})) {
    const of = jacobian?.scope.placeOf(name).of ?? name;
    if (slopes.includes(of) || isGate(of.slice(1))) continue;
    if (!of.startsWith('J') && jacobian)
      throw jacobian.errorIn(name, `${name} must begin with J: it is a derivative`);
    const [width] = jacobian?.scope.shapeOf(of) ?? ['1'];
    buffers[of.slice(1)] ??= width === 'n' ? '1' : width;
  }
  return buffers;
}

function partsOf({ forward, backward, jacobian }: Blocks): ReadCell['parts'] {
  const parts: ReadCell['parts'] = {};
  for (const block of [forward, backward, jacobian]) {
    if (!block) continue;
    const { scope } = block;
    const { gates } = scope.declared;
    for (const name of [...scope.read.keys(), ...scope.written.keys()]) {
      const { of, from, to } = scope.placeOf(name);
      if (of === name || !gates) continue;
      // J<part> of J<buffer> follows from the part of the buffer
      const [part, whole] =
        block === jacobian && of === `J${gates.buffer}` ? [name.slice(1), gates.buffer] : [name, of];
      parts[part] = { of: whole, from: times(gates.size, from), to: times(gates.size, to) };
    }
  }
  return parts;
}

/**
 * Pairs each forward statement with the backward and Jacobian statements that compute its derivatives. A backward
 * statement matches if it reads the gradients of all outputs of the forward statement, and of nothing else. A gradient that
 * is a constant, because the path is cut, belongs to no pair.
 */
function pairsOf(
  { forward, backward, jacobian }: CompiledBlocks,
  states: readonly string[],
): StatementPair[] {
  const outputs = (s: Statement): string[] => Object.keys(s.graph.outputs);
  const gradientsOf = (name: string): string[] => [`d${name}`, `d${name}Out`, `d${name}Next`];
  return forward.elementwise.flatMap(({ statement: there, escaping }) => {
    const inputs = inputsOf(there.graph);
    const own = [...outputs(there).flatMap(gradientsOf), ...inputs.map((u) => `d${u}Kept`)];
    const leaving = outputs(there).filter((name) => escaping.includes(name) || states.includes(name));
    const back = backward.elementwise.find(({ statement: s }) => {
      const read = inputsOf(s.graph);
      return (
        outputs(s).every(
          (name) => isConstant(s.graph, name) || inputs.some((u) => name === `d${u}` || name === `d${u}Row`),
        ) &&
        leaving.every((name) => gradientsOf(name).some((d) => read.includes(d))) &&
        read.every((name) => own.includes(name) || !isGradient(name, forward, inputs))
      );
    });
    if (!back) return [];
    const slopes = jacobian?.elementwise.find(({ statement: s }) =>
      outputs(s).every((name) => outputs(there).includes(name.slice(1))),
    );
    return [{ forward: there, backward: back.statement, ...(slopes && { jacobian: slopes.statement }) }];
  });
}

/** Whether a name is that of a gradient, such as `dh` or `dhNext`, and not of a state called `d`. */
function isGradient(name: string, { stored }: Compiled, inputs: readonly string[]): boolean {
  const [, of] = /^d(.+?)(?:Out|Next)?$/.exec(name) ?? [];
  return of !== undefined && !inputs.includes(name) && !(name in stored);
}
