/** Cells with other activations and with a clip, composed from the same texts: every gradient and Jacobian is right. */
import { clippedTo, type Activating, type Activation } from '../cells/activation';
import { cell, when, type CellEquations } from '../cells/define';
import { elmanEquations } from '../cells/elman';
import { resetAfter } from '../cells/gru';
import { resetBefore } from '../cells/grubefore';
import { lstmEquations } from '../cells/lstm';
import { gradcheck, init } from '../index';

const [b, p] = [when(true), when(true)];
const texts: Record<string, (of: Activation[], how: Activating) => CellEquations> = {
  elman: ([f], how) => elmanEquations(b, f, how),
  lstm: (of, how) => lstmEquations(b, p, of, how),
  'gru, reset after': (of, how) => resetAfter(b, of, how),
  'gru, reset before': (of, how) => resetBefore(b, of, how),
};
const starts = Object.fromEntries(
  ['Wx', 'Wh', 'b', 'bhn', 'pi', 'pf', 'po'].map((name) => [name, init.normal(0.7)]),
);

test.each(Object.entries(texts))(
  '%s, with other activations and a clip that many values are beyond',
  (_, text) => {
    const made = cell(text(['tanh', 'relu', 'sigmoid'], clippedTo(0.2)), {
      sizes: { D: 2, H: 3 },
      init: starts,
    });
    expect(gradcheck(made).ok).toBe(true);
  },
);

test('a clip keeps what stood before it, and stops the gradient beyond', () => {
  const { forward, backward } = elmanEquations(when(false), 'tanh', clippedTo(2));
  expect(forward).toContain('kh = z\n');
  expect(forward).toContain('h = tanh(max(min(kh, 2), -2))');
  expect(backward).toContain('dz = dh * ((1 - h * h) * step(2 - kh) * step(kh + 2))');
});
