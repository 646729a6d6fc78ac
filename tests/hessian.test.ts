/** Second derivatives of a network: by hand, the largest curvature, and invalid arguments. */
import { elman, hessianVector, leadingCurvature, lstm, lstm1997, network } from '../index';
import { toFlat } from '../core/tensor';

describe('hessianVector', () => {
  // y = x w + b after an Elman step that relu lets through: a straight line, L = (y − target)²
  const line = () => {
    const net = network({
      layers: [elman({ input: 1, hidden: 1, activation: 'relu', bias: false })],
      output: 1,
      loss: 'squared',
    });
    net.parameters.set('l0.Wx', [2]);
    net.parameters.set('head.Wy', [3]);
    net.parameters.set('head.by', [0.5]);
    return net;
  };
  const batch = { x: [[[1.5]]], targets: [[[1]]] };

  it('is what one computes by hand', () => {
    // y = 1.5 w v + b at w = 2, v = 3, b = 0.5: ∂²L/∂b² = 2, ∂²L/∂b∂v = 2 · 3, ∂²L/∂b∂w = 2 · 4.5
    const products = hessianVector(line(), batch, { 'head.by': [1] });
    expect(products['head.by'][0]).toBeCloseTo(2, 12);
    expect(products['head.Wy'][0]).toBeCloseTo(6, 12);
    expect(products['l0.Wx'][0]).toBeCloseTo(9, 12);
    // ∂²L/∂w∂v = 2 · 4.5 · 3 + 2 (9.5 − 1) · 1.5
    expect(hessianVector(line(), batch, { 'l0.Wx': [1] })['head.Wy'][0]).toBeCloseTo(52.5, 11);
  });

  it('leaves the network, its gradients and its generator alone, and takes float32', () => {
    const net = network({
      layers: [lstm({ input: 2, hidden: 3 })],
      output: 2,
      loss: 'softmax',
      dropout: 0.5,
      dtype: 'float32',
    });
    const one = { x: [[[1, 2]], [[0, 1]]], targets: [[1], [0]] };
    net.forward(one);
    const before = [...Object.values(net.parameters.gradients), ...Object.values(net.parameters.values)].map(
      toFlat,
    );
    const state = [...net.random.state];
    const product = hessianVector(net, one, { 'l0.b': new Float32Array(12).fill(1) });
    expect(Object.keys(product)).toEqual(Object.keys(net.parameters.values));
    expect(
      [...Object.values(net.parameters.gradients), ...Object.values(net.parameters.values)].map(toFlat),
    ).toEqual(before);
    expect([...net.random.state]).toEqual(state);
  });

  it('refuses what it cannot do', () => {
    const [without] = [network({ layers: [elman({ input: 1, hidden: 1 })] })];
    expect(() => hessianVector(without, { x: [[[1]]] }, {})).toThrow(
      'hessianVector: the network must have a loss, got none',
    );
    expect(() => hessianVector(line(), batch, { Wx: [1] })).toThrow(
      /v must hold parameters \(l0.Wx, .*\), got Wx/,
    );
    expect(() => hessianVector(line(), batch, { 'l0.Wx': [1, 2] })).toThrow(/v of l0.Wx must be \[1, 1\]/);
    const layers = [lstm1997({ input: 1, hidden: 1, truncated: true })];
    const cut = network({ layers, output: 1, loss: 'squared' });
    expect(() => hessianVector(cut, batch, {})).toThrow(
      'hessianVector: the equations must not cut the gradient, got stop',
    );
  });
});

describe('leadingCurvature', () => {
  it('is the eigenvalue of the whole Hessian that is largest in size', () => {
    const net = network({ layers: [elman({ input: 1, hidden: 2 })], output: 1, loss: 'squared', seed: 3 });
    const batch = { x: [[[1]], [[-2]], [[0.5]]], targets: [[[1]], [[0]], [[-1]]] };
    const { value, residual, direction, products } = leadingCurvature(net, batch, {
      products: 50,
      residual: 1e-9,
    });
    expect(residual).toBeLessThan(1e-9);
    expect(products).toBeLessThanOrEqual(11); // as many as there are parameters
    const Hv = hessianVector(net, batch, direction);
    for (const [name, v] of Object.entries(direction))
      v.forEach((x, k) => expect(Hv[name][k]).toBeCloseTo(value * x, 6));
    // no direction of the axes bends more
    for (const [name, v] of Object.entries(direction))
      v.forEach((_, k) => {
        const unit = v.map((_x, j) => (j === k ? 1 : 0));
        expect(Math.abs(hessianVector(net, batch, { [name]: unit })[name][k])).toBeLessThanOrEqual(
          Math.abs(value) + 1e-9,
        );
      });
  });
});
