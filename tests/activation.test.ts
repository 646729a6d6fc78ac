/** Cells with other activations and with a clip, made from the same texts: every gradient and Jacobian is right. */
import { withActivations, type Activation } from '../cells/activation';
import { cell, when, type CellEquations } from '../cells/define';
import { elmanEquations } from '../cells/elman';
import { resetAfter } from '../cells/gru';
import { resetBefore } from '../cells/grubefore';
import { lstmEquations } from '../cells/lstm';
import { gradcheck, init } from '../index';

const [b, p] = [when(true), when(true)];
const texts: [string, CellEquations, Record<string, Activation>][] = [
  ['elman', elmanEquations(b), { h: 'sigmoid' }],
  ['lstm', lstmEquations(b, p), { i: 'tanh', f: 'relu', g: 'sigmoid', o: 'sigmoid', tc: 'relu' }],
  ['gru, reset after', resetAfter(b), { r: 'tanh', z: 'relu', n: 'sigmoid' }],
  ['gru, reset before', resetBefore(b), { r: 'relu', z: 'tanh', n: 'sigmoid' }],
];
const starts = Object.fromEntries(
  ['Wx', 'Wh', 'b', 'bhn', 'pi', 'pf', 'po'].map((name) => [name, init.normal(0.7)]),
);

describe.each(texts)('%s', (_, text, choice) => {
  it.each([
    ['with other activations', undefined],
    ['and a clip that many values are beyond', 0.2],
  ])('%s', (_, clip) => {
    const made = cell(withActivations(text, choice, clip), { sizes: { D: 2, H: 3 }, init: starts });
    expect(gradcheck(made).ok).toBe(true);
  });

  it('leaves no slope of the old activation', () => {
    const { backward, jacobian } = withActivations(
      text,
      Object.fromEntries(Object.keys(choice).map((y) => [y, 'relu' as const])),
    );
    for (const y of Object.keys(choice)) expect(backward + jacobian).not.toMatch(`1 - ${y} * ${y}`);
    expect(backward.match(/step\(/g)).toHaveLength(Object.keys(choice).length);
  });
});

test('its own activations leave a text as it is', () => {
  const text = lstmEquations(b, p);
  expect(withActivations(text, { i: 'sigmoid', g: 'tanh' })).toEqual(text);
});

test('a clip keeps what stood before it, and stops the gradient beyond', () => {
  const { forward, backward } = withActivations(elmanEquations(when(false)), { h: 'tanh' }, 2);
  expect(forward).toContain('kh = z\n');
  expect(forward).toContain('h = tanh(max(min(kh, 2), -2))');
  expect(backward).toContain('dz = dh * (1 - h * h) * step(2 - kh) * step(kh + 2)');
});

test('what is no activation is refused', () => {
  expect(() => withActivations(lstmEquations(b, p), { c: 'relu' })).toThrow(
    'withActivations: c must be an activation in lstm',
  );
});
