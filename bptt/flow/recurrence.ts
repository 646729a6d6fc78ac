/** Scales the recurrent weights of a network, or sets the bias of a gate: what makes its gradients vanish or explode. */
import { Matrix } from 'ml-matrix';
import type { Cell } from '../../cells/cell';
import { gateBias } from '../../cells/declared';
import { recurrentMatrices, type Factor } from '../../cells/recurrent';
import { must, mustBe } from '../../core/check';
import { columns, fillFrom, toNested, transpose, type Tensor } from '../../core/tensor';
import { fillTensor } from '../check/problem';
import { directionsOf } from '../network/layers/layer';
import type { Network } from '../network/network';

/**
 * Multiplies the recurrent matrix of every gate by a factor, which may depend on the matrix. Recurrent are the matrices
 * that multiply the previous state in the equations of a cell. The recurrent matrix of a Jordan cell is the product Wf Wo;
 * there, Wf is scaled. Fixed parameters stay as they are.
 *
 * @returns the first cell that has no such matrix, because its recurrence is diagonal; the others are scaled.
 * @throws TypeError for a cell without equations; RangeError for a matrix that cannot be divided into square ones.
 * @example scaleRecurrence(net, (W) => 0.9 / spectralRadius(W)); // all spectral radii are 0.9
 */
export function scaleRecurrence(
  { architecture, parameters }: Network,
  factor: number | ((W: number[][]) => number),
): Cell | undefined {
  const where = 'scaleRecurrence';
  let without: Cell | undefined;
  for (const { name, cell } of architecture.layers.flatMap(directionsOf)) {
    const all = recurrentMatrices(cell);
    mustBe(all !== undefined, where, 'the cell must be defined by equations', cell.name);
    const matrices = all.filter(({ of }) => !cell.parameters[of].fixed);
    if (matrices.length === 0) without ??= cell;
    const tensorOf = ({ of, from, to, transposed }: Factor): Tensor => {
      const whole = parameters.values[`${name}.${of}`];
      const part = from === undefined || to === undefined ? whole : columns(whole, from, to);
      return transposed ? transpose(part) : part;
    };
    const scaled = new Set<string>();
    for (const matrix of matrices) {
      const W = tensorOf(matrix);
      const rest = matrix.then.map((each) => matrixOf(tensorOf(each)));
      // columns of one gate, which the rest of the way takes to the state
      const width = rest[0]?.rows ?? W.shape[0];
      const whole = W.shape[1] % width === 0;
      must(whole, where, `the columns of ${matrix.of} must be a multiple of ${width}`, W.shape[1], name);
      for (let k = 0; k < W.shape[1]; k += width) {
        const gate = columns(W, k, k + width);
        const place = `${matrix.of} ${gate.offset} ${gate.stride.join()}`;
        if (scaled.has(place)) continue; // two products may use the same matrix
        scaled.add(place);
        const loop = rest.reduce((left, right) => left.mmul(right), matrixOf(gate));
        scale(gate, typeof factor === 'number' ? factor : factor(loop.to2DArray()));
      }
    }
  }
  return without;
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

const scale = (t: Tensor, by: number): void => fillTensor(t, (r, c) => by * t.get(r, c));
