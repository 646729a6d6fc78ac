/** The flow of gradients as text: curves of one line each, a table of trends, and what clipping does. */
import { rounded } from '../core/format';
import { greatest, least } from '../core/programs/reduce';
import type { Curvature } from '../bptt/check/hessian';
import type { ClipEffect } from '../bptt/train/clipeffect';
import { trendOf, type Flow, type LayerFlow, type Trend } from '../bptt/flow/flow';
import { logarithms, sparkline } from './sparkline';

/** Width for the name of a curve and its two end values. */
const LABEL = 10;
const WIDEST = 100;

/** Curves over time on a common scale: ‖∂L/∂s_t‖ of every state, and ‖∂h_T/∂h_k‖ of every layer. */
export function flowLines({ layers, row }: Flow, columns: number): string[] {
  const width = Math.max(8, Math.min(WIDEST, columns - LABEL - 1));
  const gradients = layers.flatMap(({ name, gradients: own }) =>
    Object.entries(own).map(([s, norms]) => ({ name: `${name}.${s}`, norms })),
  );
  // in the order in which a layer processes the steps, forward or reverse
  const jacobians = layers.map(({ name, back }) => ({ name, norms: back.map(({ norm }) => norm).reverse() }));
  return [
    '',
    ...curves(`‖∂L/∂h_t‖, t = 0 … ${gradients[0].norms.length - 1}`, gradients, width),
    '',
    ...curves(`‖∂h_T/∂h_k‖ of row ${row}, k = 0 … T steps taken`, jacobians, width),
  ];
}

function curves(title: string, all: readonly { name: string; norms: number[] }[], width: number): string[] {
  const logs = all.map(({ norms }) => logarithms(norms));
  const finite = logs.flat().filter((log) => !Number.isNaN(log));
  const [low, high] = [least(finite), greatest(finite)];
  if (finite.length === 0) return [`${title}: 0 everywhere`];
  const scale = `log scale from ${rounded(10 ** low)} to ${rounded(10 ** high)}`;
  return [
    `${title}; ${scale}`,
    ...all.map(({ name }, k) => `${name.padEnd(LABEL)} ${sparkline(logs[k], width, [low, high])}`),
  ];
}

/** Head and rows of a table with a row for each layer. */
export function trendTable({ layers }: Flow): [string[], string[][]] {
  return [['', '', '‖∂L/∂h_T‖', '‖∂L/∂h_0‖', '‖∂h_T/∂h_0‖', 'bound', 'a step'], layers.map(lineOf)];
}

function lineOf({ name, cell, gradients, initial, back, reverse }: LayerFlow): string[] {
  const [[output, norms]] = Object.entries(gradients);
  const { norm, bound } = back[back.length - 1];
  const final = norms[reverse ? 0 : norms.length - 1];
  const { rate } = trendOf(back.map((distance) => distance.norm));
  return [
    name,
    cell,
    ...[final, initial[output], norm, bound].map((value) => rounded(value)),
    `× ${rate.toPrecision(3)}`,
  ];
}

/** How the final state's dependence on the past decays or grows, for each layer. */
export const trendLines = ({ layers }: Flow): string[] =>
  layers.map(({ name, back }) => `${name}: ${trendText(trendOf(back.map(({ norm }) => norm)))}`);

/** A trend as text. */
function trendText({ rate, halfLife, vanished, exploded }: Trend): string {
  const pace =
    rate === 0 || halfLife === Infinity
      ? 'stays'
      : `${halfLife > 0 ? 'halves' : 'doubles'} every ${rounded(Math.abs(halfLife))} steps`;
  const every = `‖∂h_T/∂h_T−d‖ ${rate === 0 ? 'is gone' : pace}`;
  if (vanished !== undefined) return `${every}; from d = ${vanished} on it is below 2⁻²⁴, lost in float32`;
  return exploded === undefined ? every : `${every}; from d = ${exploded} on it is above 2²⁴`;
}

/** The effect of clipping on one step of gradient descent. */
export function clipLines(
  { norm, clipped, coefficient, update, loss }: ClipEffect,
  learningRate: number,
): string[] {
  const untouched = coefficient === 1;
  const [before, after, step] = [norm, clipped, update.clipped].map((value) => rounded(value));
  const lines = [
    '',
    `gradient of all parameters: ‖g‖ = ${before}${untouched ? ', below the limit: not clipped' : `, clipped to ${after}, × ${rounded(coefficient)}`}`,
    `one step at rate ${learningRate}: ‖Δθ‖ = ${rounded(update.free)}, loss ${loss.before.toPrecision(4)} → ${loss.free.toPrecision(4)}`,
  ];
  if (untouched) return lines;
  return [
    ...lines,
    `the same step clipped: ‖Δθ‖ = ${step}, loss ${loss.before.toPrecision(4)} → ${loss.clipped.toPrecision(4)}`,
    'clipping shortens the step and keeps its direction: ‖∂h_T/∂h_k‖ is unchanged, and vanished gradients stay vanished',
  ];
}

/** The largest curvature of the loss, and the learning rate at which gradient descent overshoots. */
export function curvatureLines({ value, residual, products }: Curvature): string[] {
  const known = `residual ${residual.toExponential(0)} after ${products} products`;
  const lines = ['', `largest curvature of the loss: λ = ${rounded(value)} (${known})`];
  return value > 0
    ? [
        ...lines,
        `gradient descent overshoots in that direction at learning rates above 2/λ = ${rounded(2 / value)}`,
      ]
    : [...lines, 'it is negative: the loss curves downwards there, which is no minimum'];
}
