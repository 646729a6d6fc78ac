/** Cells with non-default activations and with clipping, from the same texts: every gradient and Jacobian is right. */
import { withActivations } from '../cells/parts/activation';
import { when } from '../cells/define';
import { elmanEquations } from '../cells/elman';
import { lstmEquations } from '../cells/lstm';
import { b, describeGradients, p, texts } from './activations';

// the others: tests/activation.slow.test.ts
describeGradients(texts.filter(([name]) => /^elman|before/.test(name)));

describe.each(texts)('%s', (_, text, choice) => {
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

test('a text without a Jacobian gets none', () => {
  const { jacobian: _, ...text } = elmanEquations(when(true));
  const changed = withActivations(text, { h: 'sigmoid' });
  expect(changed.forward).toContain('h = sigmoid(z)');
  expect(changed.backward).toContain('dz = dh * (h * (1 - h))');
  expect(changed.jacobian).toBeUndefined();
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
