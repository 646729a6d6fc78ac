/**
 * Rows whose sequence has ended, in a batch of sequences of unequal length: such a row keeps its states, and the gradients
 * of its states pass the step unchanged. `valid` [B, 1] is 1 for the other rows.
 */
import { lazyEquations } from '../core/equations/equations';
import type { Program } from '../core/programs/program';
import type { Tensors } from '../core/tensor';

const hold = lazyEquations(
  'unroll, forward',
  'valid [B, 1]   sNew, sPrev [B, W]   writes s [B, W]',
  's = select(valid, sNew, sPrev)',
);
const holdGradient = lazyEquations(
  'unroll, backward',
  'valid [B, 1]   ds [B, W]   writes dsLive [B, W]',
  'dsLive = select(valid, ds, 0)',
);
const holdBackward = lazyEquations(
  'unroll, backward',
  'valid [B, 1]   dsNew, dsNext [B, W]   writes dsPrev [B, W]',
  'dsPrev = select(valid, dsNew, dsNext)',
);

/** After the cell's step: held rows get back their previous states. */
export function holdStates(program: Program, v: Tensors, states: readonly string[]): void {
  for (const s of states) hold.record(program, { valid: v.valid, sNew: v[s], sPrev: v[`${s}Prev`], s: v[s] });
}

/** Before the cell's step back: the gradients that reach it, zero for held rows, which must not change the weights. */
export function maskGradients(program: Program, v: Tensors, live: Tensors): void {
  for (const [name, dsLive] of Object.entries(live))
    holdGradient.record(program, { valid: v.valid, ds: v[name], dsLive });
}

/** After the cell's step back: the gradients of held rows are those that came from the step t + 1. */
export function holdGradients(program: Program, v: Tensors, states: readonly string[]): void {
  for (const s of states) {
    const dsPrev = v[`d${s}Prev`];
    holdBackward.record(program, { valid: v.valid, dsNew: dsPrev, dsNext: v[`d${s}Next`], dsPrev });
  }
}
