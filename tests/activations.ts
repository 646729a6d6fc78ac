/** Cells with non-default activations, and a check of all their gradients. */
import { withActivations, type Activation } from '../cells/parts/activation';
import { cell, when, type CellEquations } from '../cells/define';
import { elmanEquations } from '../cells/elman';
import { resetAfter } from '../cells/gru';
import { resetBefore } from '../cells/parts/grubefore';
import { lstmEquations } from '../cells/lstm';
import { gradcheck, init } from '../index';

export const [b, p] = [when(true), when(true)];
export const texts: [string, CellEquations, Record<string, Activation>][] = [
  ['elman', elmanEquations(b), { h: 'sigmoid' }],
  ['lstm', lstmEquations(b, p), { i: 'tanh', f: 'relu', g: 'sigmoid', o: 'sigmoid', tc: 'relu' }],
  ['gru, reset after', resetAfter(b), { r: 'tanh', z: 'relu', n: 'sigmoid' }],
  ['gru, reset before', resetBefore(b), { r: 'relu', z: 'tanh', n: 'sigmoid' }],
];
const starts = Object.fromEntries(
  ['Wx', 'Wh', 'b', 'bhn', 'pi', 'pf', 'po'].map((name) => [name, init.normal(0.7)]),
);

export function describeGradients(cells: typeof texts): void {
  describe.each(cells)('%s', (_, text, choice) => {
    it.each([
      ['with other activations', undefined],
      ['and a clip that many values are beyond', 0.2],
    ])('%s', (_, clip) => {
      const made = cell(withActivations(text, choice, clip), { sizes: { D: 2, H: 3 }, init: starts });
      expect(gradcheck(made).ok).toBe(true);
    });
  });
}
