/**
 * Mistakes in how the parts of a network are combined: the steps of each cell, the directions of a layer, a layer and the
 * one below, the weights of the loss. Each is the network's backward program with one section replaced.
 */
import ndarray from 'ndarray';
import type { Data } from '../core/memory';
import { Program, type Operation } from '../core/programs/program';
import { columns, zeros, type Tensor } from '../core/tensor';
import { lossOf } from '../losses';
import type { Problem } from '../bptt/check/problem';
import type { LayerStage } from '../bptt/network/layers/layer';
import type { Plan } from '../bptt/network/passes/plan';
import type { Signal } from '../bptt/network/layers/stage';
import type { Unroll } from '../bptt/unroll';
import { copy, likeThese, stepMistakes } from './steps';

/** A backward program with a mistake outside the equations. */
export interface StructuralMistake {
  /** Follows `your gradients equal ours`. */
  words: string;
  backward: () => Program;
  /** Also recognizable from each gradient alone. */
  rare?: boolean;
}

/** All such mistakes that apply to a problem. */
export function structuralMistakes({
  backward,
  plan,
}: Pick<Problem, 'backward' | 'plan'>): StructuralMistake[] {
  const found: StructuralMistake[] = [];
  const { unrolls } = plan;
  const named = ({ name }: Unroll): string => (unrolls.length > 1 ? ` in ${name}` : '');
  const add = (unroll: Unroll, words: string, record: (program: Program) => void, rare?: boolean): void => {
    const at = stretchOf(backward, unroll);
    if (at)
      found.push({ words: words + named(unroll), rare, backward: () => replaced(backward, at, record) });
  };
  for (const unroll of unrolls) {
    for (const { words, record, rare } of stepMistakes(unroll)) add(unroll, words, record, rare);
    const { gradients } = unroll.options;
    add(
      unroll,
      'without the gradients of its own parameters, which are never added',
      (program) =>
        unroll.with({ options: { ...unroll.options, gradients: likeThese(gradients) } }).backward(program),
      true,
    );
  }
  for (const { unrolls: directions, output } of layersOf(plan)) {
    for (const unroll of directions)
      if (unroll.options.x.shape[1] === output.value.shape[1])
        add(unroll, "with the layer's own output in place of its input", (program) =>
          unroll.with({ options: { ...unroll.options, x: output.value } }).backward(program),
        );
    if (directions.length === 2) addDirections(directions, output);
  }
  return [...found, ...lossMistakes(backward, plan)];

  function addDirections([forward, reverse]: Unroll[], output: Signal): void {
    for (const [one, lost] of [
      [forward, reverse],
      [reverse, forward],
    ]) {
      const at = joinOf(backward, forward, reverse);
      if (at === undefined) continue;
      found.push({
        words: `without what ${lost.name} sends to the gradient of the input of its layer`,
        backward: () =>
          replaced(backward, { from: at, to: at + 1 }, (program) => {
            const op = backward.operations[at];
            if (op.kind === 'pointwise') copy(program, one.options.dx, op.outputs.dx);
          }),
      });
    }
    const { gradient } = output;
    if (forward.options.dx.shape[1] !== gradient.shape[1]) return;
    const [from, width] = [forward.dOutput.shape[1], gradient.shape[1]];
    add(
      reverse,
      'with the gradient of the output overwritten: the other direction has put that of the input there',
      (program) => reverse.with({ dOutput: columns(forward.options.dx, from, width) }).backward(program),
    );
  }
}

/** The program with the steps of one unrolling replaced; undefined if other operations lie between them. */
export function replacing(
  backward: Program,
  unroll: Unroll,
  record: (program: Program) => void,
): Program | undefined {
  const at = stretchOf(backward, unroll);
  return at && replaced(backward, at, record);
}

const layersOf = ({ source, main }: Plan): LayerStage[] => [...(source?.layers ?? []), ...main.layers];

interface Stretch {
  from: number;
  to: number;
}

/** The program with one section replaced. */
function replaced(
  { operations }: Program,
  { from, to }: Stretch,
  record: (program: Program) => void,
): Program {
  const program = new Program(operations.slice(0, from));
  record(program);
  program.append(new Program(operations.slice(to)));
  return program;
}

/** Finds the operations of an unrolling's steps; undefined if other operations lie between them. */
function stretchOf({ operations }: Program, unroll: Unroll): Stretch | undefined {
  const own = new Program();
  unroll.backward(own);
  const [first] = own.operations;
  const from = operations.findIndex((op) => alike(op, first));
  const to = from + own.operations.length;
  const whole = own.operations.every(
    (op, k) => from + k < operations.length && alike(op, operations[from + k]),
  );
  return from >= 0 && whole ? { from, to } : undefined;
}

/** Finds the operation that adds the input gradients of two directions. */
function joinOf({ operations }: Program, { options: a }: Unroll, { options: b }: Unroll): number | undefined {
  const reads = (op: Operation, t: Tensor): boolean =>
    op.kind === 'pointwise' && Object.values(op.inputs).some(({ data }) => data === t.data);
  const at = operations.findIndex(
    (op) => reads(op, a.dx) && reads(op, b.dx) && op.kind === 'pointwise' && 'dx' in op.outputs,
  );
  return at < 0 || a.dx.data === b.dx.data ? undefined : at;
}

/** Whether two operations write to the same memory. */
function alike(a: Operation, b: Operation): boolean {
  const places = (op: Operation): Tensor[] =>
    op.kind === 'pointwise' ? Object.values(op.outputs) : [op.out];
  const [those, these] = [places(a), places(b)];
  return (
    a.kind === b.kind &&
    those.length === these.length &&
    those.every((t, k) => t.data === these[k].data && t.offset === these[k].offset)
  );
}

/** Mistakes in the weight of each step of each row in the loss. */
function lossMistakes(backward: Program, { shape, weight, architecture, main }: Plan): StructuralMistake[] {
  if (!weight || !architecture.loss) return [];
  const [N] = weight.shape;
  const { T, B } = shape;
  const perStep = N === T * B;
  const valid = (r: number): number => (perStep ? main.valid.get(r, 0) : 1);
  const count = Array.from({ length: N }, (_, r) => valid(r)).reduce((sum, v) => sum + v, 0);
  const length = (r: number): number =>
    Array.from({ length: T }, (_, t) => main.valid.get(t * B + (r % B), 0)).reduce((sum, v) => sum + v, 0);
  const is = lossOf(architecture.loss).name;
  const found: StructuralMistake[] = [];
  const add = (words: string, mistaken: (r: number) => number): void => {
    const other = zeros([N, 1]);
    const same = Array.from({ length: N }, (_, r) => valid(r) * mistaken(r));
    if (same.every((v, r) => v === weight.get(r, 0))) return;
    same.forEach((v, r) => other.set(r, 0, v));
    const instead = (t: Tensor): Tensor =>
      t.data === weight.data ? ndarray<Data>(other.data, t.shape, [other.stride[0], 0], other.offset) : t;
    const swapped = (op: Operation): Operation =>
      op.kind === 'pointwise'
        ? {
            ...op,
            inputs: Object.fromEntries(Object.entries(op.inputs).map(([name, t]) => [name, instead(t)])),
          }
        : op;
    found.push({
      words: `with ${words} in the loss (${is})`,
      backward: () => new Program(backward.operations.map(swapped)),
    });
  };
  add('a sum over all steps and rows where a mean belongs', () => 1);
  add('a mean over all steps and rows where a sum belongs', () => 1 / count);
  if (!perStep) return found;
  add('a mean over steps and rows that counts the padding, too,', () => 1 / N);
  add('a sum over the steps and a mean over the rows', () => 1 / B);
  add('a mean over the steps and a sum over the rows', () => 1 / T);
  add('a mean over the steps of each row, then over the rows,', (r) => 1 / (B * length(r)));
  return found;
}
