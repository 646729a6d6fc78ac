/**
 * Recurrent operators as exchange formats define them: one of three cells, with a choice of activations and a clip.
 *
 *   clip(a) = max(min(a, K), -K), on the input of every activation; its slope is 0 beyond K
 *
 * Source: ONNX operators RNN, LSTM and GRU (opset 14); WebNN's lstm and gru are the same without a clip.
 */
import { withActivations, type Activation } from '../cells/parts/activation';
import type { Cell } from '../cells/cell';
import { cell, when, type CellEquations } from '../cells/define';
import { elmanEquations } from '../cells/elman';
import { resetAfter } from '../cells/gru';
import { resetBefore } from '../cells/parts/grubefore';
import { lstmEquations } from '../cells/lstm';
import { constant } from '../core/random/init';

export interface Operator {
  kind: 'elman' | 'lstm' | 'gru';
  /** LSTM: three, for the gates, the candidate and the output; GRU: two; RNN: one. */
  activations: readonly Activation[];
  bias: boolean;
  /** LSTM only. */
  peepholes: boolean;
  /** GRU only: whether r scales the product (`linear_before_reset`) or the old state. */
  reset: 'after' | 'before';
  clip?: number;
}

/** Default settings of an operator. */
export const defaults = {
  elman: operator('elman', ['tanh']),
  lstm: operator('lstm', ['sigmoid', 'tanh', 'tanh']),
  gru: operator('gru', ['sigmoid', 'tanh']),
} as const;

function operator(kind: Operator['kind'], activations: readonly Activation[]): Operator {
  return { kind, activations, bias: false, peepholes: false, reset: 'before' };
}

/** An operator in words, for tables: `lstm, peepholes, relu relu relu, clip 0.5`. */
export function formOf({ kind, activations, peepholes, reset, clip }: Operator): string {
  const usual = defaults[kind].activations.join(' ');
  return [
    kind,
    peepholes && 'peepholes',
    kind === 'gru' && `reset ${reset}`,
    activations.join(' ') !== usual && activations.join(' '),
    clip !== undefined && `clip ${clip}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** The cell that an operator runs at each step. */
export function cellOfOperator(
  of: Operator,
  { input: D, hidden: H }: { input: number; hidden: number },
): Cell {
  const init = Object.fromEntries(['Wx', 'Wh', 'b', 'bhn', 'pi', 'pf', 'po'].map((p) => [p, constant(0)]));
  return cell(equationsOf(of), { sizes: { D, H }, init });
}

function equationsOf({ kind, activations, bias, peepholes, reset, clip }: Operator): CellEquations {
  const b = when(bias);
  const [first, second, third] = activations;
  if (kind === 'elman') return withActivations(elmanEquations(b), { h: first }, clip);
  if (kind === 'lstm') {
    const choice = { i: first, f: first, g: second, o: first, tc: third };
    return withActivations(lstmEquations(b, when(peepholes)), choice, clip);
  }
  const gru = (reset === 'after' ? resetAfter : resetBefore)(b);
  return withActivations(gru, { r: first, z: first, n: second }, clip);
}
