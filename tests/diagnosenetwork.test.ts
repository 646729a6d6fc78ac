/** Diagnosis of wrong gradients of a network: cells, steps, directions, layers and the loss. */
import { diagnoseNetwork, gru, network, toFlat, type Network } from '../index';
import { Random } from '../core/random/random';

describe('diagnoseNetwork', () => {
  const make = (): Network =>
    network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'softmax', seed: 3 });
  const random = new Random(2);
  const batch = {
    x: Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => [random.normal(), random.normal()])),
    targets: Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => random.below(2))),
    lengths: [4, 2, 3],
  };
  const own = (net: Network): Record<string, number[]> => {
    net.forward(batch).backward();
    return Object.fromEntries(Object.entries(net.parameters.gradients).map(([name, t]) => [name, toFlat(t)]));
  };

  test('its own gradients are right, also in another order of operations', () => {
    const net = make();
    const gradients = own(net);
    expect(diagnoseNetwork({ network: net, batch, gradients }).verdict).toBe('right');
  });

  test('one that is wrong is told with its layer', () => {
    const net = make();
    const gradients = own(net);
    gradients['l0.Wh'] = gradients['l0.Wh'].map((v) => -v);
    expect(diagnoseNetwork({ network: net, batch, gradients }).message).toContain(
      'your l0.Wh is ours with the other sign',
    );
  });

  test('what cannot be judged is said', () => {
    const net = make();
    expect(() => diagnoseNetwork({ network: net, batch, gradients: { Wh: [1] } })).toThrow(
      /gradients must be among l0.Wx, /,
    );
    const silent = network({ layers: [gru({ input: 2, hidden: 3 })] });
    expect(() => diagnoseNetwork({ network: silent, batch, gradients: {} })).toThrow('must have a loss');
    const loose = { network: net, batch, gradients: {}, precision: 'float8' as never };
    expect(() => diagnoseNetwork(loose)).toThrow('precision must be one of');
  });
});
