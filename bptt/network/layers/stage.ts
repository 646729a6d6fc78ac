/** Stages, which compute one signal of a network from another: layers, dropout, the output layer. */
import { affine, affineBackward } from '../../../cells/parts/affine';
import { embed, embedBackward } from '../../../cells/embedding';
import type { Program } from '../../../core/programs/program';
import { lazyEquations } from '../../../core/equations/equations';
import { columns, dtypeOf, rows, zeros, type Tensor, type Tensors } from '../../../core/tensor';
import { engineMemory } from '../../../core/memory';
import { dropoutMask, type Mask } from '../mask';
import { gradientTensor, isNowhere } from '../../gradienttensor';
import type { Unroll } from '../../unroll';

/** The shape of a batch for which a plan is made. */
export interface PlanShape {
  T: number;
  B: number;
  /** Whether rows have unequal lengths; states are held past the end of a row. */
  masked: boolean;
  /** Whether the input holds class numbers, which are looked up and have no gradient; default false. */
  classes?: boolean;
  /** Time of the first step on the sequence's clock; default 0. */
  clock?: number;
  /** Whether there is no backward pass, and no memory for it; default false. */
  forwardOnly?: boolean;
  /**
   * Whether it is one of several segments of a pass (`bptt/network/passes/segments.ts`): then its loss is added to that of earlier segments, its
   * final states have gradients, and the gradients of the weights are added up separately; default false.
   */
  segment?: boolean;
  /** The input of the encoder. */
  source?: { T: number; masked: boolean; classes?: boolean };
}

/** A tensor of values and that of their gradient. */
export interface Signal {
  value: Tensor;
  gradient: Tensor;
}

/** Records the steps `from`…`to` (exclusive), in this order for the forward pass and reversed for the backward pass. */
export interface Stage {
  readonly output: Signal;
  forward(program: Program, from: number, to: number): void;
  backward(program: Program, from: number, to: number): void;
}

/** A new signal of `N` rows with the dtype of another, and without a gradient if that has none. */
export function signal(N: number, width: number, { value, gradient }: Signal): Signal {
  const dtype = dtypeOf(value);
  return {
    value: zeros([N, width], dtype),
    gradient: gradientTensor([N, width], dtype, isNowhere(gradient)),
  };
}

/** keep is 0 or 1 / (1 − p), drawn again for every training batch, and 1 in evaluation. */
const dropoutForward = lazyEquations(
  'dropout, forward',
  'h, keep [N, H]   writes dropped [N, H]',
  'dropped = h * keep',
);
const dropoutBackward = lazyEquations(
  'dropout, backward',
  'dDropped, keep [N, H]   writes dh [N, H]',
  'dh = dDropped * keep',
);
/** The final state of a direction is its part of the last output, and also has a separate gradient. */
const lastForward = lazyEquations('last state, forward', 's [B, H]   writes last [B, H]', 'last = s');
const lastBackward = lazyEquations('last state, backward', 'dLast [B, H]   adds ds [B, H]', 'ds += dLast');
/** With a loss, no other gradient reaches the final states. */
const onlyLastBackward = lazyEquations(
  'last state, backward',
  'dLast [B, H]   writes ds [B, H]',
  'ds = dLast',
);

/** Dropout of a signal of blocks of B rows, with its mask, which all steps share if it is variational. */
export function dropout(below: Signal, B: number, p: number, isVariational: boolean): Stage & { mask: Mask } {
  const [N, width] = below.value.shape;
  const { value: keep } = signal(isVariational ? B : N, width, below);
  const output = signal(N, width, below);
  const [h, dh, dropped, dDropped] = [below.value, below.gradient, output.value, output.gradient];
  const at = blocks({ h, dh, keep, dropped, dDropped }, B);
  /** All steps at once, or, with a mask that they share, one by one. */
  const record = (program: Program, from: number, to: number, equations: typeof dropoutForward): void => {
    if (!isVariational || N === B) return equations.record(program, at(from, to));
    engineMemory().own(() =>
      program.repeat(to - from, (each, k) => equations.record(each, at(from + k, from + k + 1))),
    );
  };
  return {
    mask: dropoutMask(keep, p),
    output,
    forward: (program, from, to) => record(program, from, to, dropoutForward),
    backward: (program, from, to) => record(program, from, to, dropoutBackward),
  };
}

/**
 * The output after the last step [B, H]: the concatenated final states of the directions. For the forward direction, that
 * is the state of each row after its own last step, which shorter rows have held; for the reverse one, that after t = 0.
 */
export function lastStep(unrolls: readonly Unroll[], below: Signal, hasLoss: boolean): Stage {
  const { T, B } = unrolls[0].options;
  const output = signal(B, below.value.shape[1], below);
  let column = 0;
  const finals = unrolls.map((unroll): Tensors => {
    const { outputName, states, dStates } = unroll;
    const [from, to] = [column, (column += states[outputName].shape[1])];
    const [s, ds] = [unroll.after(T, states[outputName]), unroll.after(T, dStates[outputName])];
    const [last, dLast] = [output.value, output.gradient].map((t) => columns(t, from, to));
    return { s, ds, last, dLast };
  });
  return {
    output,
    forward: (program) => finals.forEach((v) => lastForward.record(program, v)),
    backward: (program) =>
      finals.forEach((v) => (hasLoss ? onlyLastBackward : lastBackward).record(program, v)),
  };
}

/** The output layer y = h Wy + by, of a signal of blocks of B rows. */
export function head(below: Signal, B: number, O: number, parameters: Tensors, gradients: Tensors): Stage {
  const [N] = below.value.shape;
  const output = signal(N, O, below);
  const [h, dh, y, dy] = [below.value, below.gradient, output.value, output.gradient];
  const at = blocks({ h, dh, y, dy }, B, { ...parameters, ...gradients });
  return {
    output,
    forward: (program, from, to) => affine.record(program, at(from, to)),
    backward: (program, from, to) => affineBackward.record(program, at(from, to)),
  };
}

const tiedForward = lazyEquations(
  'tied output, forward',
  'h [N, W]   E [V, W]   by [V]   writes y [N, V]',
  'y = h @ E.T + by',
);
/** A second path reaches E: through the rows that the embedding looks up. */
const tiedBackward = lazyEquations(
  'tied output, backward',
  'h [N, W]   E [V, W]   dy [N, V]   writes dh [N, W]   adds dE [V, W]   dby [V]',
  `dh = dy @ E
   dE += dy.T @ h
   dby += sum(dy)`,
);

/** The output layer y = h Eᵀ + by, whose weights are the table of the embedding. */
export function tiedHead(below: Signal, B: number, parameters: Tensors, gradients: Tensors): Stage {
  const [N] = below.value.shape;
  const output = signal(N, parameters.E.shape[0], below);
  const [h, dh, y, dy] = [below.value, below.gradient, output.value, output.gradient];
  const at = blocks({ h, dh, y, dy }, B, { ...parameters, ...gradients });
  return {
    output,
    forward: (program, from, to) => tiedForward.record(program, at(from, to)),
    backward: (program, from, to) => tiedBackward.record(program, at(from, to)),
  };
}

/** The embedding e = x E, of a signal of blocks of B rows. */
export function embeddedInput(
  below: Signal,
  { B, forwardOnly }: PlanShape,
  parameters: Tensors,
  gradients: Tensors,
): Stage {
  const [, W] = parameters.E.shape;
  const [N] = below.value.shape;
  const dtype = dtypeOf(parameters.E);
  const output = { value: zeros([N, W], dtype), gradient: gradientTensor([N, W], dtype, forwardOnly) };
  const [x, dx, e, de] = [below.value, below.gradient, output.value, output.gradient];
  const at = blocks({ x, dx, e, de }, B, { ...parameters, ...gradients });
  return {
    output,
    forward: (program, from, to) => embed.record(program, at(from, to)),
    backward: (program, from, to) => embedBackward.record(program, at(from, to)),
  };
}

/** Returns views of the steps `from`…`to` of some tensors (all rows if there is one step), together with the others. */
function blocks(tensors: Tensors, B: number, others: Tensors = {}): (from: number, to: number) => Tensors {
  return (from, to) => {
    const v = { ...others };
    for (const [name, t] of Object.entries(tensors))
      v[name] = t.shape[0] === B ? t : rows(t, from * B, to * B);
    return v;
  };
}
