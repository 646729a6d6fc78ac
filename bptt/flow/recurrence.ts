/** Scales the recurrent weights of a network, or sets the bias of a gate: what makes its gradients vanish or explode. */
import { Matrix } from 'ml-matrix';
import type { Cell } from '../../cells/cell';
import { gateBias } from '../../cells/define';
import { columns, fillFrom, toNested, type Tensor } from '../../core/tensor';
import { fill } from '../check/problem';
import { directionsOf } from '../network/layer';
import type { Network } from '../network/network';
import { withoutPrefix } from '../network/parameters';

/**
 * Multiplies the recurrent matrix of every gate by a factor, which may depend on the matrix. The recurrent matrix of a
 * Jordan cell is the product Wf Wo; there, Wf is scaled.
 *
 * @example scaleRecurrence(net, (W) => 0.9 / spectralRadius(W)); // all spectral radii are 0.9
 */
export function scaleRecurrence(
  { architecture, parameters }: Network,
  factor: number | ((W: number[][]) => number),
): void {
  const factorOf = (matrix: () => number[][]): number =>
    typeof factor === 'number' ? factor : factor(matrix());
  for (const { name, cell } of architecture.layers.flatMap(directionsOf)) {
    const { Wh, Wf, Wo } = withoutPrefix(parameters.values, `${name}.`) as Record<string, Tensor | undefined>;
    const { hidden: H } = cell;
    for (let k = 0; Wh && k < Wh.shape[1]; k += H) {
      const gate = columns(Wh, k, k + H);
      scale(
        gate,
        factorOf(() => toNested(gate) as number[][]),
      );
    }
    if (!Wf || !Wo) continue;
    scale(
      Wf,
      factorOf(() => matrixOf(Wf).mmul(matrixOf(Wo)).to2DArray()),
    );
  }
}

/**
 * Sets the biases of a gate by the name that the equations give it: `f`, the forget gate.
 * @returns the first cell that has no such gate, or no biases; the others are set.
 */
export function setGateBias(
  { architecture, parameters }: Network,
  gate: string,
  bias: number,
): Cell | undefined {
  const all = architecture.layers.flatMap(directionsOf);
  for (const { name, cell } of all) {
    const place = gateBias(cell, gate);
    if (place) fillFrom(columns(parameters.values[`${name}.${place.of}`], place.from, place.to), bias);
  }
  return all.find(({ cell }) => !gateBias(cell, gate))?.cell;
}

const matrixOf = (t: Tensor): Matrix => new Matrix(toNested(t) as number[][]);

const scale = (t: Tensor, by: number): void => fill(t, (r, c) => by * t.get(r, c));
