/**
 * Recurrent operators as exchange formats know them: one of three cells, with a choice of activations and a clip.
 *
 *   clip(a) = max(min(a, K), -K), on whatever goes into an activation; its slope is 0 beyond K
 *
 * Source: ONNX operators RNN, LSTM and GRU (opset 14); WebNN's lstm and gru are the same without a clip.
 */
import { cell, when, type CellEquations } from '../cells/define';
import type { Cell } from '../cells/cell';
import { constant } from '../core/init';

/** Activations that all formats have; f, then g, then h, as the formats' equations call them. */
export const activations = ['sigmoid', 'tanh', 'relu'] as const;
export type Activation = (typeof activations)[number];

export interface Operator {
  kind: 'elman' | 'lstm' | 'gru';
  /** Of an LSTM three: of the gates, of the new content, of the output; of a GRU two; of an RNN one. */
  activations: readonly Activation[];
  bias: boolean;
  /** Of an LSTM. */
  peepholes: boolean;
  /** Of a GRU: whether r scales the product (`linear_before_reset`) or the old state. */
  reset: 'after' | 'before';
  clip?: number;
}

/** What an operator is unless something else is said. */
export const defaults = {
  elman: operator('elman', ['tanh']),
  lstm: operator('lstm', ['sigmoid', 'tanh', 'tanh']),
  gru: operator('gru', ['sigmoid', 'tanh']),
} as const;

function operator(kind: Operator['kind'], activations: readonly Activation[]): Operator {
  return { kind, activations, bias: false, peepholes: false, reset: 'before' };
}

/** In words, for tables: `lstm, peepholes, relu relu relu, clip 0.5`. */
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
export function cellOf(of: Operator, { input: D, hidden: H }: { input: number; hidden: number }): Cell {
  const equations = { elman: elmanOf, lstm: lstmOf, gru: of.reset === 'after' ? gruAfter : gruBefore };
  const init = Object.fromEntries(['Wx', 'Wh', 'b', 'bhn', 'pi', 'pf', 'po'].map((p) => [p, constant(0)]));
  return cell(equations[of.kind](of), { sizes: { D, H }, init });
}

/** The lines of an activation y = f(a), and its slope in terms of what they leave. */
interface Activated {
  lines: string;
  slope: string;
}

function activated(f: Activation, y: string, a: string, clip: number | undefined): Activated {
  const slopes = { sigmoid: `${y} * (1 - ${y})`, tanh: `(1 - ${y} * ${y})`, relu: `step(${y})` };
  if (clip === undefined) return { lines: `${y} = ${f}(${a})`, slope: slopes[f] };
  // backward needs what stood before the clip; z and c are kept anyway
  const kept = a === 'z' || a === 'c' ? a : `k${y}`;
  const line = `${y} = ${f}(max(min(${kept}, ${clip}), -${clip}))`;
  return {
    lines: kept === a ? line : `${kept} = ${a}\n      ${line}`,
    slope: `${slopes[f]} * step(${clip} - ${kept}) * step(${kept} + ${clip})`,
  };
}

function elmanOf({ activations: [f], bias, clip }: Operator): CellEquations {
  const [h, b] = [activated(f, 'h', 'z', clip), when(bias)];
  return {
    name: 'elman',
    shapes: `x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]   ${b`b [H]`}`,
    forward: `
      z = x @ Wx + hPrev @ Wh${b` + b`}
      ${h.lines}`,
    backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dz = dh * ${h.slope}
      dx = dz @ Wx.T
      dhPrev = dz @ Wh.T
      dWx += x.T @ dz
      dWh += hPrev.T @ dz
      ${b`db += sum(dz)`}`,
  };
}

function lstmOf({ activations: [gate, content, output], bias, peepholes, clip }: Operator): CellEquations {
  const [b, p] = [when(bias), when(peepholes)];
  const i = activated(gate, 'i', `ai${p` + cPrev * pi`}`, clip);
  const f = activated(gate, 'f', `af${p` + cPrev * pf`}`, clip);
  const g = activated(content, 'g', 'ag', clip);
  const o = activated(gate, 'o', `ao${p` + c * po`}`, clip);
  const tc = activated(output, 'tc', 'c', clip);
  return {
    name: 'lstm',
    shapes: `
      x [D]   states h, c [H]   gates a = i f g o [H]
      parameters Wx [D, 4H]   Wh [H, 4H]   ${b`b [4H]`}   ${p`pi, pf, po [H]`}`,
    forward: `
      a = x @ Wx + hPrev @ Wh${b` + b`}
      ${i.lines}
      ${f.lines}
      ${g.lines}
      c = f * cPrev + i * g
      ${o.lines}
      ${tc.lines}
      h = o * tc`,
    backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dao = dh * tc * ${o.slope}
      dc = dcNext + dh * o * ${tc.slope}${p` + dao * po`}   # two paths reach c: directly, and through h
      dai = dc * g * ${i.slope}
      daf = dc * cPrev * ${f.slope}
      dag = dc * i * ${g.slope}
      dcPrev = dc * f${p` + dai * pi + daf * pf`}
      dx = da @ Wx.T
      dhPrev = da @ Wh.T
      dWx += x.T @ da
      dWh += hPrev.T @ da
      ${b`db += sum(da)`}
      ${p`dpi += sum(dai * cPrev)`}
      ${p`dpf += sum(daf * cPrev)`}
      ${p`dpo += sum(dao * c)`}`,
  };
}

function gruAfter({ activations: [gate, content], bias, clip }: Operator): CellEquations {
  const r = activated(gate, 'r', 'ar', clip);
  const z = activated(gate, 'z', 'az', clip);
  const n = activated(content, 'n', 'an + r * u', clip);
  const b = when(bias);
  return {
    name: 'gru',
    shapes: `
      x [D]   states h [H]   gates a = r z n [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]   bhn [H]`}`,
    forward: `
      a = x @ Wx${b` + b`}
      arz += hPrev @ Whrz
      u = hPrev @ Whn${b` + bhn`}
      ${r.lines}
      ${z.lines}
      ${n.lines}
      h = (1 - z) * n + z * hPrev`,
    backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dan = dh * (1 - z) * ${n.slope}
      daz = dh * (hPrev - n) * ${z.slope}
      dar = dan * u * ${r.slope}
      du = dan * r
      dhPrev = dh * z + darz @ Whrz.T + du @ Whn.T   # four paths leave hPrev: kept by z, and through r, z and u
      dx = da @ Wx.T
      dWx += x.T @ da
      dWhrz += hPrev.T @ darz
      dWhn += hPrev.T @ du
      ${b`db += sum(da)`}
      ${b`dbhn += sum(du)`}`,
  };
}

function gruBefore({ activations: [gate, content], bias, clip }: Operator): CellEquations {
  const r = activated(gate, 'r', 'ar', clip);
  const z = activated(gate, 'z', 'az', clip);
  const n = activated(content, 'n', 'an', clip);
  const b = when(bias);
  return {
    name: 'gru',
    shapes: `
      x [D]   states h [H]   gates a = r z n [H]
      parameters Wx [D, 3H]   Wh [H, 3H]   ${b`b [3H]`}`,
    forward: `
      a = x @ Wx${b` + b`}
      arz += hPrev @ Whrz
      ${r.lines}
      v = r * hPrev
      an += v @ Whn
      ${z.lines}
      ${n.lines}
      h = (1 - z) * n + z * hPrev`,
    backward: `
      dh = dhOut + dhNext          # two paths reach h: the output at t, and the step t + 1
      dan = dh * (1 - z) * ${n.slope}
      daz = dh * (hPrev - n) * ${z.slope}
      dhPrev = dh * z
      dv = dan @ Whn.T
      dar = dv * hPrev * ${r.slope}
      dhPrev += dv * r             # four paths leave hPrev: kept by z, through v, and through r and z
      dhPrev += darz @ Whrz.T
      dx = da @ Wx.T
      dWx += x.T @ da
      dWhrz += hPrev.T @ darz
      dWhn += v.T @ dan
      ${b`db += sum(da)`}`,
  };
}
