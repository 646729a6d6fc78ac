/**
 * A residual connection around a layer: its output is that of the cell plus its input, y = h + x, so that a gradient also reaches
 * the layer below directly. The cell itself remembers h, as before.
 *
 * Source: He et al. 2016, "Deep residual learning for image recognition"; between recurrent layers, Wu et al. 2016.
 */
import { must, mustBe } from '../../core/check';
import { declare } from '../../core/equations/declare';
import type { CellEquations } from '../cell';

/**
 * The equations of a cell whose output is y = h + x, where h stands for the first state of the cell.
 *
 *   parameters and states of the cell, and first the state y [B, D]; the output of the cell must be D wide
 *
 * @param widths of the input and of the cell's output.
 * @throws RangeError if they differ; TypeError for a cell that has a y, or none of the lines that are to be changed.
 * @example withResidual(gru({ input: 3, hidden: 3 }).equations!, [3, 3]).forward.includes('y = h + x') // true
 */
export function withResidual(equations: CellEquations, [D, O]: readonly [number, number]): CellEquations {
  const { name, forward, backward, jacobian } = equations;
  const shapes = equations.shapes.replace(/#.*/g, '');
  must(D === O, name, `input must be ${O} with residual`, D, 'the input is added to the output');
  const { states, parameters } = declare(shapes, ['states', 'parameters'], `${name}, shapes`).sections;
  mustBe(!('y' in states || 'y' in parameters), name, 'y must be free for the output', 'y', 'residual');
  const [[h, [width]]] = Object.entries(states);
  const line = /^([ \t]*)dx[ \t]*=[ \t]*([^#\n]*[^#\s])/m;
  mustBe(line.test(backward), name, 'the backward equations must have a line dx = …', 'none', 'residual');
  return {
    ...equations,
    // the letter D is the size of the output, so that h + x fits together
    shapes: shapes.replace(/(?<!\w)D(?!\w)/g, width).replace(/(?<!\w)states\s+/, `states y [${width}]   `),
    forward: `${forward}
      y = ${h} + x`,
    backward: `
      dy = dyOut + dyNext          # two paths reach y: the output at t, and a loss on the final state
      ${backward.replaceAll(`d${h}Out`, 'dy').replace(line, '$1dx = $2 + dy')}
      dyPrev = 0 * dy              # no path leaves yPrev: the cell remembers ${h}`,
    ...(jacobian !== undefined && { jacobian: `${jacobian}\n      Jy = J${h}` }),
  };
}
