/**
 * A projection of a cell's output to P units: what the cell calls h becomes m, and its output is h = m @ Wp.
 * Source: Sak, Senior & Beaufays 2014; as `proj_size` in PyTorch, but P may be H or more.
 */
import { mustCount } from '../../core/check';
import type { CellEquations } from '../cell';

/**
 * The equations of a cell, with its output projected; unchanged without a number of units.
 *
 *   parameters of the cell, but Wh [P, …]   Wp [H, P]      state h [B, P]
 *
 * @param P the number of units of the output.
 * @throws RangeError for a number below 1.
 * @example withProjection(lstm({ input: 2, hidden: 3 }).equations!, 2).forward.includes('h = m @ Wp') // true
 */
export function withProjection(equations: CellEquations, P: number | undefined): CellEquations {
  if (P === undefined) return equations;
  const { name, shapes, forward, backward, jacobian } = equations;
  mustCount(P, name, 'projection');
  return {
    ...equations,
    shapes: `${shapes.replace('states h, c [H]', 'states h [P] c [H]').replace('Wh [H, ', 'Wh [P, ')}   Wp [H, P]`,
    forward: forward.replace(/^( *)h = (.*)$/m, '$1m = $2\n$1h = m @ Wp'),
    backward: `${backward.replaceAll('dh * ', 'dm * ').replace(/^( *)dh = .*$/m, '$&\n$1dm = dh @ Wp.T')}
    dWp += m.T @ dh`,
    jacobian: `${jacobian?.replace(/^( *)Jh = /m, '$1Jm = ')}
    Jh = Wp.T @ Jm`,
  };
}
