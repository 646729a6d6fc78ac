/**
 * Adapter for brain.js. Its "LSTM" over time steps keeps no cell state apart from its output, so its loss and
 * gradients differ from ours. It predicts the next input, so it has D outputs.
 */
import type { Case } from './case';
import type { Engine } from './host';

interface Brain {
  recurrent: {
    LSTMTimeStep: new (options: { inputSize: number; hiddenLayers: number[]; outputSize: number }) => {
      initialize(): void;
      trainArrayOfArray(input: Float32Array[]): number;
      backpropagate(): void;
      run(input: Float32Array[]): Float32Array;
    };
  };
}

export function open({ workload, x }: Case): Engine {
  /* eslint-disable @typescript-eslint/no-require-imports */
  const { recurrent } = require('brain.js') as Brain;
  const { version } = require('brain.js/package.json') as { version: string };
  /* eslint-enable @typescript-eslint/no-require-imports */
  const { D, H, T } = workload;
  const net = new recurrent.LSTMTimeStep({ inputSize: D, hiddenLayers: [H], outputSize: D });
  net.initialize();
  // T + 1 inputs: the first T are read, and each prediction is compared with the next input
  const sequence = Array.from({ length: T + 1 }, (_, t) => x.numbers.slice((t % T) * D, (t % T) * D + D));
  return {
    about: `brain.js ${version}`,
    check: () => ({}),
    forward: () => net.trainArrayOfArray(sequence),
    // gradients accumulate: only the optimizer of brain.js resets them
    train: () => {
      net.trainArrayOfArray(sequence);
      net.backpropagate();
    },
  };
}
